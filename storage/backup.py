"""All rows in one file, and back: from one machine to a fresh one, and from one kind of database to the other.

A zip archive of one JSON-lines member per table, in the order in which rows may refer to each other, and a
manifest with the schema's revision and each table's rows and SHA-256. Equal rows give equal digests, whichever
database they came from. What only means something to running processes is left out.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Date, Table, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from storage.db.database import Database
from storage.db.migration_runner import Migrations
from storage.db.models import Base, UtcDateTime
from storage.errors import OperationRefused
from storage.outages import PLATFORM_FACT
from storage.private_files import atomic_private_file

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
# Access tokens are fetched anew, people sign in anew, and a claim on either or on a connection is worth nothing
# elsewhere.
_LEFT_OUT = {"access_token", "lease", "rpc_call", "web_session"}
# Signs of life and the schema's own word, which the restored database gives for itself.
_PASSING = ("worker-heartbeat/", "heartbeat/", "health_checked", "schema", PLATFORM_FACT)
_AT_ONCE = 1000
# All that a file which is no whole backup can make the libraries say.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    EOFError,
    ValueError,
    TypeError,
    NotImplementedError,
    RuntimeError,
    SQLAlchemyError,
)


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself: when it was made, of which schema, and rows and digest of every table."""

    created_at: str
    revision: str
    tables: dict[str, dict[str, Any]]

    @property
    def digest(self) -> str:
        """One for everything: whoever notes it elsewhere can tell this backup from any other."""
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(each["rows"] for each in self.tables.values())


def backup(database: Database, target: Path, created_at: datetime) -> Manifest:
    """Write everything that is remembered, as it stands at one moment. Raises DatabaseAway, OSError, SchemaMismatch."""
    database.check_schema()
    with (
        atomic_private_file(target) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive,
        database.read() as session,
    ):
        connection = session.connection()
        tables = {table.name: _dump(connection, table, archive) for table in _tables()}
        made = Manifest(created_at.isoformat(), database.revision() or "", tables)
        archive.writestr(
            MANIFEST_NAME, json.dumps({"format": FORMAT_VERSION, **vars(made)}, indent=1, ensure_ascii=False)
        )
    return made


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in _LEFT_OUT]


def _dump(connection: Connection, table: Table, archive: zipfile.ZipFile) -> dict[str, Any]:
    digest, number = hashlib.sha256(), 0
    found = connection.execution_options(yield_per=_AT_ONCE).execute(select(table).order_by(*table.primary_key))
    with archive.open(_member(table), "w", force_zip64=True) as member:
        for row in found.mappings():
            if table.name == "fact" and row["name"].startswith(_PASSING):
                continue
            line = json.dumps(dict(row), default=_as_text, ensure_ascii=False, sort_keys=True) + "\n"
            member.write(line.encode())
            digest.update(line.encode())
            number += 1
    return {"rows": number, "sha256": digest.hexdigest()}


def _as_text(value: date) -> str:
    return value.isoformat()


def _member(table: Table) -> str:
    return f"{table.name}.jsonl"


def restore(database: Database, source: Path) -> Manifest:
    """Fill an empty database from a backup and bring it to the newest schema: all of it, or nothing.

    Raises Refused for a file that is no backup, is damaged or newer than this program, and for a database that
    holds anything; DatabaseAway, OSError.
    """
    with _opened(source) as archive:
        manifest = _manifest(archive, source)
        _check_digests(archive, manifest)
        if database.revision() is None:
            database.migrate(target=manifest.revision)
        with database.write() as connection:
            if database.revision() != manifest.revision or _holds_anything(connection):
                raise OperationRefused("backup.not_empty")
            for table in _tables():
                if table.name in manifest.tables:
                    _load(connection, table, archive)
            _settle(connection)
    database.migrate()
    return manifest


@contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except _DAMAGE as error:
        raise OperationRefused("backup.damaged", file=source.name) from error


def _manifest(archive: zipfile.ZipFile, source: Path) -> Manifest:
    said = json.loads(archive.read(MANIFEST_NAME))
    if said["format"] != FORMAT_VERSION or said["revision"] not in Migrations().known_revisions():
        raise OperationRefused("backup.newer", file=source.name)
    return Manifest(said["created_at"], said["revision"], said["tables"])


def _check_digests(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    for name, said in manifest.tables.items():
        with archive.open(f"{name}.jsonl") as member:
            if hashlib.file_digest(member, "sha256").hexdigest() != said["sha256"]:  # type: ignore[arg-type]
                raise ValueError(name)


def _holds_anything(connection: Connection) -> bool:
    """A schema alone holds nothing; its own word about itself does not count."""
    for table in _tables():
        wanted = select(func.count()).select_from(table)
        if table.name == "fact":
            wanted = wanted.where(table.c.name != "schema")
        if connection.execute(wanted).scalar():
            return True
    return False


def _load(connection: Connection, table: Table, archive: zipfile.ZipFile) -> None:
    with archive.open(_member(table)) as member:
        for rows in _in_batches(table, member):
            connection.execute(insert(table), rows)


def _in_batches(table: Table, member: IO[bytes]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for line in member:
        batch.append({name: _value(table, name, value) for name, value in json.loads(line).items()})
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _value(table: Table, name: str, value: Any) -> Any:
    kind = table.c[name].type
    if isinstance(value, str) and isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(value, str) and isinstance(kind, Date) else value


def _settle(connection: Connection) -> None:
    """What was under way when the backup was made has no process behind it any more, and what was handed to the
    engine of that time is handed over anew. A notice that was leaving may have left: that nobody can tell."""
    connection.execute(text("update notice set state='unknown', lease_until=null where state='sending'"))
    if any(column["name"] == "dispatched" for column in inspect(connection).get_columns("inbox")):
        connection.execute(text("update inbox set dispatched=:no where state='waiting'"), {"no": False})
    if connection.dialect.name == "postgresql":
        for table in _tables():
            key = next(iter(table.primary_key))
            if key.autoincrement is True or (key.name == "id" and len(table.primary_key) == 1):
                highest = select(func.max(key))
                series = func.pg_get_serial_sequence(table.name, key.name)
                connection.execute(select(func.setval(series, func.coalesce(highest.scalar_subquery(), 0) + 1, False)))
