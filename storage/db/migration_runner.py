"""The numbered, linear migrations from an empty database to the newest schema (Alembic).

A migration whose module says `after = True` removes what the version before still uses; every other one only adds.
So an upgrade goes: `migrate --before`, replace the processes one by one, `migrate`. The database itself records which
versions it supports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, update

from storage.db.models import Fact

_FACT = "schema"
_AFTER = re.compile("^after = True$", re.MULTILINE)


@dataclass(frozen=True)
class Migrations:
    """The migrations in a folder; a program goes by the newest revision it knows."""

    folder: Path = Path(__file__).parent / "migrations"

    def _all(self) -> list[tuple[str, bool]]:
        """Every revision, oldest first, and whether it removes something.

        From the file names, which begin with the revision: loading Alembic takes longer than most commands do.
        """
        files = sorted((self.folder / "versions").glob("[0-9]*.py"))
        return [(file.name[:4], bool(_AFTER.search(file.read_text("utf-8")))) for file in files]

    def head_revision(self) -> str:
        """The newest revision this program knows."""
        return self.known_revisions()[-1]

    def known_revisions(self) -> list[str]:
        """Every revision this program knows, oldest first."""
        return [revision for revision, _ in self._all()]

    def additive_revision(self) -> str:
        """The newest revision that an older version can still run with, and the oldest that this one can run with."""
        migrations = self._all()
        while migrations[-1][1]:
            migrations.pop()
        return migrations[-1][0]

    def is_compatible(self, revision: str) -> bool:
        """Whether this program can run with that revision: only migrations that remove something may be missing."""
        known = self.known_revisions()
        return revision in known and known.index(revision) >= known.index(self.additive_revision())

    def compatible_revisions(self, connection: Connection, revision: str) -> set[str]:
        """The heads of the programs that can run with the database's revision, as its migration recorded them."""
        fact = connection.execute(select(Fact.value).where(Fact.name == _FACT)).scalar()
        return set(fact["serves"]) if fact and fact["revision"] == revision else set()

    def upgrade(self, engine: Engine, target: str = "head") -> None:
        """Run the missing migrations up to `target` in one transaction."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(self.folder))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, target)
            self._record_compatible(connection, self.head_revision() if target == "head" else target)

    def _record_compatible(self, connection: Connection, reached: str) -> None:
        """Those since the last migration that removed something."""
        migrations = self._all()[: self.known_revisions().index(reached) + 1]
        since = max((index for index, (_, removes) in enumerate(migrations) if removes), default=0)
        value = {"revision": reached, "serves": [revision for revision, _ in migrations[since:]]}
        if connection.execute(select(Fact.name).where(Fact.name == _FACT)).scalar() is None:
            connection.execute(insert(Fact).values(name=_FACT, value=value))
        else:
            connection.execute(update(Fact).where(Fact.name == _FACT).values(value=value))
