"""Where the service keeps things, in the two pairs it is made for: SQLite and a directory, PostgreSQL and S3.

Tests that touch the database run in both places. What is pure, what plays in the pretend cloud alone, and what
is about Excel runs once, for no backend can matter to it. What is about the embedded pair says so.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from bot.bootstrap import migrate_all
from storage.db.database import Database
from tests.servers import S3Place, postgresql, swift

BOTH = ("embedded", "server")
embedded_only = pytest.mark.parametrize("place", ["embedded"], indirect=True)
BUCKET = "films"


@dataclass
class Servers:
    """A PostgreSQL and an S3 server for all tests of one process, started when first wanted."""

    stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="servers-"))
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)  # PostgreSQL runs as a user of its own
        self.database = cache(self._database)
        self.objects = cache(self._objects)

    def _database(self) -> Callable[[str], str]:
        """The address of each database by its name; an empty migrated one is there as a template."""
        url = self.stack.enter_context(postgresql(self.folder / "postgresql"))
        with _administrator(url) as say:
            say("create database template_patrol")
        template = Database(url("template_patrol"))
        migrate_all(template)
        template.close()
        return url

    def _objects(self) -> S3Place:
        place = self.stack.enter_context(swift(self.folder / "swift"))
        import boto3

        session = boto3.Session(place.access_key_id, place.secret_access_key, region_name=place.region)
        session.client("s3", endpoint_url=place.endpoint_url, verify=place.ca_bundle).create_bucket(Bucket=BUCKET)
        os.environ["AWS_CA_BUNDLE"] = place.ca_bundle
        self.stack.callback(os.environ.pop, "AWS_CA_BUNDLE", None)
        return place


@contextmanager
def _administrator(url: Callable[[str], str]) -> Iterator[Callable[[str], Any]]:
    engine = create_engine(url("postgres"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield lambda words: connection.execute(text(words))
    finally:
        engine.dispose()


class Embedded:
    """A file and a directory in a folder."""

    def settings(self, folder: Path) -> dict[str, str]:
        """The settings for this place; always the same for a folder."""
        return {"DATABASE_URL": f"sqlite:///{folder}/patrol.db", "OBJECT_STORE_URL": f"file:{folder}/objects"}

    def bare(self, folder: Path) -> str:
        """The address of a database without a schema."""
        return self.settings(folder)["DATABASE_URL"]

    def migrated(self, folder: Path) -> str:
        """The address of an empty database of the newest schema; what is there already stays."""
        if not (folder / "patrol.db").exists():
            shutil.copy(_empty_file(), folder / "patrol.db")
        return self.settings(folder)["DATABASE_URL"]

    def close(self) -> None:
        """Nothing: the folder goes away by itself."""


@cache
def _empty_file() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="stories-"))
    database = Database(f"sqlite:///{folder}/patrol.db")
    migrate_all(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return folder / "patrol.db"


class Served:
    """A database and a prefix of their own on the servers, by folder."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._names: dict[Path, str] = {}
        self._made: set[str] = set()

    def _name(self, folder: Path) -> str:
        return self._names.setdefault(folder, f"patrol_{uuid.uuid4().hex}")

    def settings(self, folder: Path) -> dict[str, str]:
        """See Embedded."""
        name, objects = self._name(folder), self._servers.objects()
        return {
            "DATABASE_URL": self._servers.database()(name),
            "OBJECT_STORE_URL": f"s3://{BUCKET}/{name}",
            "S3_ENDPOINT_URL": objects.endpoint_url,
            "S3_REGION": objects.region,
            "AWS_ACCESS_KEY_ID": objects.access_key_id,
            "AWS_SECRET_ACCESS_KEY": objects.secret_access_key,
        }

    def bare(self, folder: Path) -> str:
        """See Embedded."""
        return self._made_from(folder, "template0")

    def migrated(self, folder: Path) -> str:
        """See Embedded."""
        return self._made_from(folder, "template_patrol")

    def _made_from(self, folder: Path, template: str) -> str:
        name = self._name(folder)
        if name not in self._made:
            self._made.add(name)
            with _administrator(self._servers.database()) as say:
                # Copying files is six times quicker than writing them to a log that no test needs.
                say(f"create database {name} template {template} strategy file_copy")
        return self._servers.database()(name)

    def close(self) -> None:
        """The databases are dropped, so that many tests do not fill the disk."""
        with _administrator(self._servers.database()) as say:
            for name in self._made:
                say(f"drop database {name} with (force)")


Place = Embedded | Served
_here: list[Place] = [Embedded()]


def current_place() -> Place:
    """The place in which the present test plays."""
    return _here[-1]


@contextmanager
def playing_in(place: Place) -> Iterator[Place]:
    """Until the end of the block, that is where everything is kept."""
    _here.append(place)
    try:
        yield place
    finally:
        _here.pop()
        place.close()
