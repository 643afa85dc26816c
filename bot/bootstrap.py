"""From settings to a database, a clock and an object store: what a command needs that does not serve.

The channels, with every platform's library, are loaded where something is to be said: that takes longer than most
commands do, and those that only look go without.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot import engine as engines
from bot.clock import Clock, load_clock, start_clock
from bot.config import Config
from bot.unit_of_work import UnitOfWork
from storage.db.database import Database
from storage.objects import ObjectStore, S3Settings, open_object_store
from storage.store import Store

if TYPE_CHECKING:
    from bot.channels.registry import Channels
    from bot.channels.ssrf_guard import SsrfGuard


def open_database(config: Config, *, migrate: bool) -> Database:
    """The database of these settings. Raises SchemaMismatch.

    With `migrate`, an embedded one that is empty or older is brought up to date; a server's never is.
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
    """Our tables and the engine's; with `before` only what an older version can live with."""
    if database.revision() is not None and not database.is_upgradable():
        database.check_schema()
    migrate_engine(database)
    database.migrate(additive_only=additive_only)


def migrate_engine(database: Database) -> None:
    """The engine's tables alone."""
    engines.migrate_engine_tables(database)


def build_object_store(config: Config) -> ObjectStore:
    """The object store of these settings. Raises ObjectError, ValueError."""
    secret = config.AWS_SECRET_ACCESS_KEY.get_secret_value()
    s3 = S3Settings(config.S3_ENDPOINT_URL, config.S3_REGION, config.AWS_ACCESS_KEY_ID, secret)
    return open_object_store(config.OBJECT_STORE_URL, s3)


def serving_clock(database: Database, start: datetime | None, speed: float | None) -> Clock:
    """The clock for a process that serves. Raises Refused."""
    with database.transaction() as session:
        return start_clock(Store(session), start, speed)


def command_clock(database: Database) -> Clock:
    """The clock for a command: the real one, or that of the rehearsal the database is kept for."""
    with database.read() as session:
        return load_clock(Store(session))


def build_ssrf_guard(config: Config) -> SsrfGuard:
    """The way to addresses that came from outside, for doors and links alike."""
    from bot.channels.ssrf_guard import SsrfGuard

    return SsrfGuard(
        (config.WECOM_API_URL, config.WECOM_AIBOT_URL, config.OFFICIAL_ACCOUNT_API_URL), config.MEDIA_HOSTS
    )


def build_uow_and_channels(
    config: Config, database: Database, clock: Clock, engine: engines.Engine
) -> tuple[UnitOfWork, Channels]:
    """The memory, with what the settings have switched on to speak through."""
    from bot.channels.interface import ChannelContext
    from bot.channels.registry import build_channels

    memory = UnitOfWork(database, engine, clock, config.TIMEZONE)
    switchboard = build_channels(
        ChannelContext(config, clock, memory.transaction, memory.read, build_ssrf_guard(config))
    )
    memory.personal_channels, memory.urgent_channels = switchboard.personal_channels, switchboard.urgent
    return memory, switchboard
