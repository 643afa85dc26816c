"""The numbered, linear steps from an empty database to the newest schema (Alembic).

A step whose module says `after = True` takes away what the version before still uses; every other step only
adds. So an upgrade goes: `migrate --before`, exchange the processes one by one, `migrate`. The database
itself says which versions it can serve.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, update

from storage.db.models import Fact

_FACT = "schema"
_SCRIPTS = Path(__file__).parent / "migrations"
_AFTER = re.compile("^after = True$", re.MULTILINE)


def _steps() -> list[tuple[str, bool]]:
    """Every step this program knows, oldest first, and whether it takes something away.

    By their files, which begin with their numbers: to load Alembic would take longer than most commands do.
    """
    files = sorted((_SCRIPTS / "versions").glob("[0-9]*.py"))
    return [(file.name[:4], bool(_AFTER.search(file.read_text("utf-8")))) for file in files]


def head_revision() -> str:
    """The newest revision this program knows."""
    return known_revisions()[-1]


def known_revisions() -> list[str]:
    """Every revision this program knows, oldest first."""
    return [revision for revision, _ in _steps()]


def additive_revision() -> str:
    """The newest revision that an older version may still work beside, and the oldest that this one works with."""
    steps = _steps()
    while steps[-1][1]:
        steps.pop()
    return steps[-1][0]


def is_compatible(revision: str) -> bool:
    """Whether this program can work with that revision: only steps that take something away may be lacking."""
    known = known_revisions()
    return revision in known and known.index(revision) >= known.index(additive_revision())


def compatible_revisions(connection: Connection, revision: str) -> set[str]:
    """Whom the step that brought the revision found has left in work, by their newest revisions."""
    fact = connection.execute(select(Fact.value).where(Fact.name == _FACT)).scalar()
    return set(fact["serves"]) if fact and fact["revision"] == revision else set()


def upgrade(engine: Engine, target: str = "head") -> None:
    """Run the missing steps up to `target` in one transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, target)
        _note_served(connection, head_revision() if target == "head" else target)


def _note_served(connection: Connection, reached: str) -> None:
    """Each version goes by its newest revision: those since the last step that took something away."""
    known = _steps()[: known_revisions().index(reached) + 1]
    since = max((place for place, (_, after) in enumerate(known) if after), default=0)
    value = {"revision": reached, "serves": [revision for revision, _ in known[since:]]}
    if connection.execute(select(Fact.name).where(Fact.name == _FACT)).scalar() is None:
        connection.execute(insert(Fact).values(name=_FACT, value=value))
    else:
        connection.execute(update(Fact).where(Fact.name == _FACT).values(value=value))
