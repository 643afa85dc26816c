"""What a newcomer sets wrong, each found and said with what to do about it.

The order is that of setting up: settings, what is kept and where, who is in the register, the platform, the running
service. A finding is a line; whatever is wrong makes the command fail, a piece of advice does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.bootstrap import connected, joined_clock, open_database
from bot.config import SettingsError, load
from bot.doctor import chat_archive, people, platform, service, storage
from bot.doctor.check_result import Finding, bad, good
from bot.engine import InlineEngine
from storage.errors import DatabaseAway, SchemaMismatch

__all__ = ["Finding", "examine"]


def examine() -> Iterator[Finding]:
    """Everything, one finding after the other; without a database no further than that."""
    try:
        config = load()
    except SettingsError as error:
        yield Finding(False, str(error))
        return
    yield good("doctor.settings")
    yield from storage.examine(config)
    try:
        database = open_database(config, migrate=False)
    except SchemaMismatch as error:
        yield storage.schema(error)
        return
    except DatabaseAway as error:
        yield bad("trouble.database", why=str(error))
        return
    try:
        memory, switchboard = connected(config, database, joined_clock(database), InlineEngine())
        yield storage.database(memory)
        yield from people.examine(memory)
        yield from platform.examine(config, memory, switchboard)
        yield chat_archive.examine(config)
        yield from service.examine(config, memory, switchboard)
    finally:
        database.close()
