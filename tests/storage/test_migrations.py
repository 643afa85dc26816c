"""The migrations from an empty database to the newest schema, and the schemas that are refused."""

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
from storage.db.database import Database
from storage.db.migration_runner import Migrations
from storage.db.models import Base
from storage.errors import SchemaMismatch
from tests.places import Place

ROOT = Path(__file__).parent.parent.parent
CURRENT = Migrations()


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
    assert (tables(database), database.revision()) == (before, CURRENT.head_revision())


def test_a_migration_that_fails_in_the_middle_leaves_nothing_behind(database: Database) -> None:
    """A table already exists: the tables created before it are rolled back."""
    last = list(Base.metadata.sorted_tables)[-1].name
    with database.transaction() as session:
        session.execute(text(f"create table {last} (id int)"))
    with pytest.raises(Exception, match="already exists"):
        database.migrate()
    assert tables(database) == {last}
    with database.transaction() as session:
        session.execute(text(f"drop table {last}"))
    database.migrate()
    assert database.revision() == CURRENT.head_revision()


def test_an_empty_embedded_database_is_brought_up_to_date_where_that_is_asked_for(tmp_path: Path) -> None:
    config = load_config({"DATABASE_URL": f"sqlite:///{tmp_path}/patrol.db"}, Path("/nowhere"))
    with pytest.raises(SchemaMismatch):
        open_database(config, migrate=False)
    database = open_database(config, migrate=True)
    assert database.revision() == CURRENT.head_revision()
    database.close()


@pytest.mark.parametrize("migrate", [True, False])
def test_a_newer_database_is_refused(database: Database, migrate: bool) -> None:
    migrate_all(database)
    with database.transaction() as session:
        session.execute(text("update alembic_version set version_num='9999'"))
    config = load_config({"DATABASE_URL": database.url.render_as_string(hide_password=False)}, Path("/nowhere"))
    with pytest.raises(SchemaMismatch) as found:
        open_database(config, migrate=migrate)
    assert (found.value.found, found.value.expected) == ("9999", CURRENT.head_revision())
    with pytest.raises(SchemaMismatch):
        migrate_all(database)


def test_the_migrations_are_linear() -> None:
    assert CURRENT.known_revisions()[-1] == CURRENT.head_revision()
    assert len(set(CURRENT.known_revisions())) == len(CURRENT.known_revisions())


def test_the_revisions_in_the_file_names_are_those_of_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "storage" / "db" / "migrations"))
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert CURRENT.known_revisions() == [script.revision for script in scripts][::-1]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "web", "worker", "migrate"])
def test_every_command_refuses_a_newer_database_with_one_line(database: Database, tmp_path: Path, command: str) -> None:
    database.migrate()
    with database.transaction() as session:
        session.execute(text("update alembic_version set version_num='9999'"))
    settings = {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "SECRET_KEY": "a secret key used by the tests only",
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


# --- an upgrade while the old version is running


MIGRATION = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "{}", "{}", None, None
def upgrade():
    op.execute("{}")
"""


@pytest.fixture
def upgraded(database: Database, tmp_path: Path) -> Iterator[Database]:
    """The same database as the next version of the program sees it.

    That version has a migration that adds a table, and one that removes another.
    """
    folder, head = tmp_path / "migrations", CURRENT.head_revision()
    shutil.copytree(CURRENT.folder, folder)
    adding = MIGRATION.format("9001", head, "create table added (id int)")
    removing = MIGRATION.format("9002", "9001", "drop table night_enterprise_choice") + "\nafter = True\n"
    (folder / "versions" / "9001.py").write_text(adding)
    (folder / "versions" / "9002.py").write_text(removing)
    made = Database(database.url.render_as_string(hide_password=False), Migrations(folder))
    yield made
    made.close()


def test_the_old_version_keeps_running_while_the_new_one_only_adds(database: Database, upgraded: Database) -> None:
    upgraded.migrate(additive_only=True)
    assert upgraded.revision() == "9001"
    upgraded.check_schema()
    assert CURRENT.head_revision() < "9"
    database.check_schema()


def test_the_old_version_is_refused_once_something_was_removed(database: Database, upgraded: Database) -> None:
    upgraded.migrate()
    upgraded.check_schema()
    with pytest.raises(SchemaMismatch):
        database.check_schema()


def test_the_new_version_does_not_start_on_the_old_schema(database: Database, upgraded: Database) -> None:
    database.migrate()
    with pytest.raises(SchemaMismatch):
        upgraded.check_schema()
