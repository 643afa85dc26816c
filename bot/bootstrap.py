"""From settings to a database, a clock and an object store: what a command needs that does not serve.

The channels, with every platform's library, are imported where something is sent: that takes longer than most commands
do, and commands that only read go without.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.clock import Clock, load_clock, start_clock
from bot.config import Config
from bot.engine import Engine, migrate_engine_tables
from bot.unit_of_work import UnitOfWork
from storage.db.database import Database
from storage.disk_reserve import DiskReserve
from storage.objects import ObjectStore, S3Settings, open_object_store
from storage.store import Store

if TYPE_CHECKING:
    from bot.channels.registry import Channels
    from bot.channels.ssrf_guard import SsrfGuard


def open_database(config: Config, *, migrate: bool) -> Database:
    """The database of these settings. Raises SchemaMismatch.

    With `migrate` an empty or older SQLite database is migrated; a PostgreSQL one never is.
    """
    database = Database(config.DATABASE_URL)
    try:
        if migrate and database.is_sqlite and database.is_upgradable():
            migrate_all(database)
        database.check_schema()
    except Exception:
        database.close()
        raise
    return database


def migrate_all(database: Database, *, additive_only: bool = False) -> None:
    """Migrate our tables and the engine's; with `additive_only` only as far as an older version can still run with."""
    if database.revision() is not None and not database.is_upgradable():
        database.check_schema()
    migrate_engine_tables(database)
    database.migrate(additive_only=additive_only)


def build_object_store(config: Config) -> ObjectStore:
    """The object store of these settings. Raises ObjectError, ValueError."""
    secret = config.AWS_SECRET_ACCESS_KEY.get_secret_value()
    s3 = S3Settings(config.S3_ENDPOINT_URL, config.S3_REGION, config.AWS_ACCESS_KEY_ID, secret)
    return open_object_store(config.OBJECT_STORE_URL, s3)


def build_disk_reserve(config: Config, objects: ObjectStore) -> DiskReserve:
    """The reserve on the disks of the object store and of an SQLite database."""
    _, is_sqlite, path = config.DATABASE_URL.partition("sqlite:///")
    parents = Path(path).absolute().parents if is_sqlite else ()
    folders = [each for each in parents if each.is_dir()][:1]
    return DiskReserve(objects, config.DISK_RESERVE_MB * 1024**2, folders)


def serving_clock(database: Database, start: datetime | None, speed: float | None) -> Clock:
    """The clock for a process that serves. Raises OperationRefused."""
    with database.transaction() as session:
        return start_clock(Store(session), start, speed)


def command_clock(database: Database) -> Clock:
    """The clock for a command: the real one, or that of the database's rehearsal."""
    with database.read() as session:
        return load_clock(Store(session))


def build_ssrf_guard(config: Config) -> SsrfGuard:
    """The guard for every address that came from outside, in messages and links alike."""
    from bot.channels.ssrf_guard import SsrfGuard

    return SsrfGuard(
        (config.WECOM_API_URL, config.WECOM_AIBOT_URL, config.OFFICIAL_ACCOUNT_API_URL), config.MEDIA_HOSTS
    )


def build_uow_and_channels(
    config: Config, database: Database, clock: Clock, engine: Engine
) -> tuple[UnitOfWork, Channels]:
    """The unit of work, and the channels that the settings switch on."""
    from bot.channels.interface import ChannelContext
    from bot.channels.registry import build_channels

    uow = UnitOfWork(database, engine, clock, config.TIMEZONE)
    channels = build_channels(ChannelContext(config, clock, uow.transaction, uow.read, build_ssrf_guard(config)))
    uow.personal_channels = channels.personal_channels
    return uow, channels
