"""The steps from an empty database to the newest schema, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from bot.bootstrap import migrate_all, open_database
from bot.config import load_config
from storage.db import database as databases
from storage.db import migration_runner
from storage.db.database import Database
from storage.db.migration_runner import head_revision, known_revisions, upgrade
from storage.db.models import Base
from storage.errors import SchemaMismatch
from tests.places import Place

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def database(tmp_path: Path, place: Place) -> Iterator[Database]:
    made = Database(place.bare(tmp_path))
    yield made
    made.close()


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def test_the_migrated_schema_is_the_one_of_the_models(database: Database) -> None:
    migrate_all(database)
    with database.engine.connect() as connection:
        ours = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _parents: kind != "table" or name in Base.metadata.tables,
            },
        )
        assert compare_metadata(ours, Base.metadata) == []


def test_every_constraint_of_the_models_stands_in_the_migrated_schema(
    database: Database, place: Place, tmp_path: Path
) -> None:
    """Alembic does not compare checks."""
    database.migrate()
    fresh = Database(place.bare(tmp_path / "fresh"))
    with fresh.transaction() as session:
        Base.metadata.create_all(session.connection())
    for name in Base.metadata.tables:
        assert checks(database, name) == checks(fresh, name)
    fresh.close()


def checks(database: Database, table: str) -> list[str]:
    found = inspect(database.engine)
    return sorted(map(str, [*found.get_check_constraints(table), *found.get_unique_constraints(table)]))


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate_all(database)
    before = tables(database)
    migrate_all(database)
    assert (tables(database), database.revision()) == (before, head_revision())


def test_a_step_that_fails_leaves_nothing_behind(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(engine: object, target: str) -> None:
        with engine.begin() as connection:  # type: ignore[attr-defined]
            connection.execute(text("create table half (id int)"))
            raise ZeroDivisionError

    monkeypatch.setattr(databases, "upgrade", fails)
    with pytest.raises(ZeroDivisionError):
        database.migrate()
    assert tables(database) == set()
    monkeypatch.setattr(databases, "upgrade", upgrade)
    database.migrate()
    assert database.revision() == head_revision()


def test_a_real_step_that_fails_in_its_middle_leaves_nothing_behind(database: Database) -> None:
    """A table of ours is in the way: the steps before it are undone with it."""
    last = list(Base.metadata.sorted_tables)[-1].name
    with database.transaction() as session:
        session.execute(text(f"create table {last} (id int)"))
    with pytest.raises(Exception, match="already exists"):
        database.migrate()
    assert tables(database) == {last}


def test_an_empty_embedded_database_is_brought_up_to_date_where_that_is_asked_for(tmp_path: Path) -> None:
    config = load_config({"DATABASE_URL": f"sqlite:///{tmp_path}/patrol.db"}, Path("/nowhere"))
    with pytest.raises(SchemaMismatch):
        open_database(config, migrate=False)
    database = open_database(config, migrate=True)
    assert database.revision() == head_revision()
    database.close()


@pytest.mark.parametrize("migrate", [True, False])
def test_a_newer_database_is_refused(database: Database, migrate: bool) -> None:
    migrate_all(database)
    with database.transaction() as session:
        session.execute(text("update alembic_version set version_num='9999'"))
    config = load_config({"DATABASE_URL": database.url.render_as_string(hide_password=False)}, Path("/nowhere"))
    with pytest.raises(SchemaMismatch) as found:
        open_database(config, migrate=migrate)
    assert (found.value.found, found.value.expected) == ("9999", head_revision())
    with pytest.raises(SchemaMismatch):
        migrate_all(database)


def test_the_steps_are_one_line_without_forks() -> None:
    assert known_revisions()[-1] == head_revision()
    assert len(set(known_revisions())) == len(known_revisions())


def test_the_steps_known_by_their_files_are_those_of_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "storage" / "db" / "migrations"))
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert known_revisions() == [script.revision for script in scripts][::-1]


@pytest.mark.parametrize("command", ["serve", "web", "worker", "migrate"])
def test_every_command_refuses_a_newer_database_with_one_line(database: Database, tmp_path: Path, command: str) -> None:
    database.migrate()
    with database.transaction() as session:
        session.execute(text("update alembic_version set version_num='9999'"))
    settings = {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "SECRET_KEY": "x",
        "PORT": "0",
        "PYTHONPATH": str(ROOT),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "bot", command],
        env=settings,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, len(ended.stderr.splitlines()), "9999" in ended.stderr) == (1, 1, True)


# --- an upgrade while the old version is still at work


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program one version on: a step that adds a table, then one that takes another away."""
    scripts = tmp_path / "migrations"
    shutil.copytree(Path(migration_runner.__file__).parent / "migrations", scripts)
    (scripts / "versions" / "9001.py").write_text(STEP.format("9001", head_revision(), "create table wanted (id int)"))
    (scripts / "versions" / "9002.py").write_text(
        STEP.format("9002", "9001", "drop table night_enterprise_choice") + "\nafter = True\n"
    )
    monkeypatch.setattr(migration_runner, "_SCRIPTS", scripts)


STEP = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "{}", "{}", None, None
def upgrade():
    op.execute("{}")
"""


def test_the_old_version_goes_on_while_the_new_one_only_adds(
    database: Database, next_version: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.migrate(additive_only=True)
    assert database.revision() == "9001"
    database.check_schema()  # the new version is content
    monkeypatch.undo()
    assert head_revision() < "9"
    database.check_schema()  # and the old one is served


def test_the_old_version_is_refused_once_something_was_taken_away(
    database: Database, next_version: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.migrate()
    database.check_schema()
    monkeypatch.undo()
    with pytest.raises(SchemaMismatch):
        database.check_schema()


def test_the_new_version_does_not_begin_on_the_old_schema(
    database: Database, next_version: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as old:
        old.setattr(migration_runner, "_SCRIPTS", Path(migration_runner.__file__).parent / "migrations")
        database.migrate()
    with pytest.raises(SchemaMismatch):
        database.check_schema()
