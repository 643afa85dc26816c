"""From settings to a database, a clock and an object store: what a command needs that does not serve.

The channels, with every platform's library, are loaded where something is to be said: that takes longer than most
commands do, and those that only look go without.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot import engine as engines
from bot.clock import Clock, joined, started
from bot.config import Config
from bot.unit_of_work import Memory
from storage.db.database import Database
from storage.objects import ObjectStore, S3Settings, open_store
from storage.store import Store

if TYPE_CHECKING:
    from bot.channels import Guard, Switchboard


def open_database(config: Config, *, migrate: bool) -> Database:
    """The database of these settings. Raises SchemaMismatch.

    With `migrate`, an embedded one that is empty or older is brought up to date; a server's never is.
    """
    database = Database(config.DATABASE_URL)
    try:
        if migrate and database.is_sqlite and database.is_older():
            migrate_all(database)
        database.check_schema()
    except Exception:
        database.close()
        raise
    return database


def migrate_all(database: Database, *, before: bool = False) -> None:
    """Our tables and the engine's; with `before` only what an older version can live with."""
    if database.revision() is not None and not database.is_older():
        database.check_schema()
    migrate_engine(database)
    database.migrate(before=before)


def migrate_engine(database: Database) -> None:
    """The engine's tables alone."""
    engines.prepare(database)


def object_store(config: Config) -> ObjectStore:
    """The object store of these settings. Raises ObjectError, ValueError."""
    secret = config.AWS_SECRET_ACCESS_KEY.get_secret_value()
    s3 = S3Settings(config.S3_ENDPOINT_URL, config.S3_REGION, config.AWS_ACCESS_KEY_ID, secret)
    return open_store(config.OBJECT_STORE_URL, s3)


def serving_clock(database: Database, start: datetime | None, speed: float | None) -> Clock:
    """The clock for a process that serves. Raises Refused."""
    with database.transaction() as session:
        return started(Store(session), start, speed)


def joined_clock(database: Database) -> Clock:
    """The clock for a command: the real one, or that of the rehearsal the database is kept for."""
    with database.reading() as session:
        return joined(Store(session))


def guard(config: Config) -> Guard:
    """The way to addresses that came from outside, for doors and links alike."""
    from bot.channels import Guard

    return Guard((config.WECOM_API_URL, config.WECOM_AIBOT_URL, config.OFFICIAL_ACCOUNT_API_URL), config.MEDIA_HOSTS)


def connected(config: Config, database: Database, clock: Clock, engine: engines.Engine) -> tuple[Memory, Switchboard]:
    """The memory, with what the settings have switched on to speak through."""
    from bot.channels import Means, switched_on

    memory = Memory(database, engine, clock, config.TIMEZONE)
    switchboard = switched_on(Means(config, clock, memory.transaction, memory.reading, guard(config)))
    memory.lines = switchboard.lines
    return memory, switchboard
