"""Backup of all rows to one file, and restore into an empty database of either kind.

The file is a zip archive: one JSON-lines member per table, in foreign-key order, and a manifest with the schema
revision and the row count and SHA-256 of each table. Equal rows give equal digests on SQLite and PostgreSQL. State
that only matters to running processes is left out.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Date, Table, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from storage.db.database import Database
from storage.db.migration_runner import Migrations
from storage.db.models import Base, UtcDateTime
from storage.errors import OperationRefused
from storage.outages import PLATFORM_FACT
from storage.private_files import atomic_private_file

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
# State of running processes: after a restore tokens are fetched again, people sign in again, leases have no holder.
_EXCLUDED_TABLES = {"access_token", "callback_signature", "lease", "rpc_call", "sign_in_attempts", "web_session"}
# Facts of running processes (heartbeats) and of the schema; the restored database writes its own.
_EXCLUDED_FACT_PREFIXES = ("worker-heartbeat/", "heartbeat/", "health_checked", "schema", PLATFORM_FACT)
_BATCH_SIZE, _BATCH_BYTES = 1000, 16 * 1024 * 1024
_MAX_MANIFEST_BYTES = 1024 * 1024
# A row may have so many bytes, or so many times those of the whole file: a few rows grow with the number of
# enterprises, but none compresses so well.
_MAX_LINE_BYTES, _MAX_LINE_RATIO = 16 * 1024 * 1024, 50
# What the libraries raise on a file that is not a complete backup.
_DAMAGED_FILE_ERRORS = (
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


# Hands items through and may show how many are done.
Track = Callable[[Iterable[Table]], Iterable[Table]]


@dataclass(frozen=True)
class Manifest:
    """`tables`: name -> {"rows": count, "sha256": hex digest}."""

    created_at: str
    revision: str
    tables: dict[str, dict[str, Any]]

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the manifest; identifies the backup."""
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()

    @property
    def rows(self) -> int:
        """The number of rows in all tables."""
        return sum(each["rows"] for each in self.tables.values())


def backup(database: Database, target: Path, created_at: datetime, track: Track = iter) -> Manifest:
    """Write a consistent snapshot to `target`; the tables go through `track`.

    Raises DatabaseUnavailable, OSError, SchemaMismatch.
    """
    database.check_schema()
    with (
        atomic_private_file(target) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive,
        database.read() as session,
    ):
        connection = session.connection()
        tables = {table.name: _dump(connection, table, archive) for table in track(_tables())}
        manifest = Manifest(created_at.isoformat(), database.revision() or "", tables)
        archive.writestr(
            MANIFEST_NAME, json.dumps({"format": FORMAT_VERSION, **vars(manifest)}, indent=1, ensure_ascii=False)
        )
    return manifest


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in _EXCLUDED_TABLES]


def _dump(connection: Connection, table: Table, archive: zipfile.ZipFile) -> dict[str, Any]:
    digest, count = hashlib.sha256(), 0
    rows = connection.execution_options(yield_per=_BATCH_SIZE).execute(select(table).order_by(*table.primary_key))
    with archive.open(_member(table), "w", force_zip64=True) as member:
        for row in rows.mappings():
            if table.name == "fact" and row["name"].startswith(_EXCLUDED_FACT_PREFIXES):
                continue
            line = json.dumps(dict(row), default=_to_json, ensure_ascii=False, sort_keys=True) + "\n"
            member.write(line.encode())
            digest.update(line.encode())
            count += 1
    return {"rows": count, "sha256": digest.hexdigest()}


def _to_json(value: date) -> str:
    return value.isoformat()


def _member(table: Table) -> str:
    return f"{table.name}.jsonl"


def restore(database: Database, source: Path, track: Track = iter) -> Manifest:
    """Load a backup into an empty database in one transaction, then migrate it to the newest schema.

    Raises OperationRefused for a file that is no backup, is damaged or of a newer version, and for a database that
    has rows; DatabaseUnavailable, OSError.
    """
    with _open_archive(source) as archive:
        manifest = _read_manifest(archive, source)
        _check_digests(archive, manifest)
        if database.revision() is None:
            database.migrate(target=manifest.revision)
        with database.write() as connection:
            if database.revision() != manifest.revision or _has_rows(connection):
                raise OperationRefused("backup.not_empty")
            max_line_bytes = max(_MAX_LINE_BYTES, _MAX_LINE_RATIO * source.stat().st_size)
            for table in track(_tables()):
                if table.name in manifest.tables:
                    _load(connection, table, archive, max_line_bytes)
            _reset_running_state(connection)
    database.migrate()
    return manifest


@contextmanager
def _open_archive(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except _DAMAGED_FILE_ERRORS as error:
        raise OperationRefused("backup.damaged", file=source.name) from error


def _read_manifest(archive: zipfile.ZipFile, source: Path) -> Manifest:
    with archive.open(MANIFEST_NAME) as member:
        content = json.loads(member.read(_MAX_MANIFEST_BYTES))
    if content["format"] != FORMAT_VERSION or content["revision"] not in Migrations().known_revisions():
        raise OperationRefused("backup.newer", file=source.name)
    return Manifest(content["created_at"], content["revision"], content["tables"])


def _check_digests(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    for name, table in manifest.tables.items():
        with archive.open(f"{name}.jsonl") as member:
            if hashlib.file_digest(member, "sha256").hexdigest() != table["sha256"]:  # type: ignore[arg-type]
                raise ValueError(name)


def _has_rows(connection: Connection) -> bool:
    """Ignores the schema fact, which every migrated database has."""
    for table in _tables():
        query = select(func.count()).select_from(table)
        if table.name == "fact":
            query = query.where(table.c.name != "schema")
        if connection.execute(query).scalar():
            return True
    return False


def _load(connection: Connection, table: Table, archive: zipfile.ZipFile, max_line_bytes: int) -> None:
    with archive.open(_member(table)) as member:
        for lines in _in_batches(_bounded_lines(member, max_line_bytes)):
            connection.execute(insert(table), [_row(table, line) for line in lines])


def _bounded_lines(member: IO[bytes], max_bytes: int) -> Iterator[bytes]:
    while line := member.readline(max_bytes + 1):
        if len(line) > max_bytes:
            raise ValueError("a row is too long")
        yield line


def _in_batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch, size = [], 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == _BATCH_SIZE or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _row(table: Table, line: bytes) -> dict[str, Any]:
    return {name: _from_json(table, name, value) for name, value in json.loads(line).items()}


def _from_json(table: Table, name: str, value: Any) -> Any:
    kind = table.c[name].type
    if isinstance(value, str) and isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(value, str) and isinstance(kind, Date) else value


def _reset_running_state(connection: Connection) -> None:
    """Notices that were being sent get the outcome `unknown`, and waiting messages are handed to the engine again."""
    connection.execute(text("update notice set state='unknown', lease_until=null where state='sending'"))
    unfinished = text("update inbox set dispatched=:no where state in ('waiting', 'fetching')")
    connection.execute(unfinished, {"no": False})
    if connection.dialect.name == "postgresql":
        for table in _tables():
            key = next(iter(table.primary_key))
            if key.autoincrement is True or (key.name == "id" and len(table.primary_key) == 1):
                highest = select(func.max(key))
                series = func.pg_get_serial_sequence(table.name, key.name)
                connection.execute(select(func.setval(series, func.coalesce(highest.scalar_subquery(), 0) + 1, False)))
