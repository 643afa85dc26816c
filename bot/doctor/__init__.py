"""What a newcomer sets wrong, each found and said with what to do about it.

The order is that of setting up: settings, what is kept and where, who is in the register, the platform, the running
service. A finding is a line; whatever is wrong makes the command fail, a piece of advice does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.bootstrap import build_uow_and_channels, command_clock, open_database
from bot.config import SettingsError, load_config
from bot.doctor import chat_archive, people, platform, service, storage
from bot.doctor.check_result import CheckResult, failed, passed
from bot.engine import InlineEngine
from storage.errors import DatabaseUnavailable, SchemaMismatch

__all__ = ["CheckResult", "run_checks"]


def run_checks() -> Iterator[CheckResult]:
    """Everything, one finding after the other; without a database no further than that."""
    try:
        config = load_config()
    except SettingsError as error:
        yield CheckResult(False, str(error))
        return
    yield passed("doctor.settings")
    yield from storage.check_storage(config)
    try:
        database = open_database(config, migrate=False)
    except SchemaMismatch as error:
        yield storage.schema_mismatch(error)
        return
    except DatabaseUnavailable as error:
        yield failed("cli_error.database", error=str(error))
        return
    try:
        memory, switchboard = build_uow_and_channels(config, database, command_clock(database), InlineEngine())
        yield storage.database_passed(memory)
        yield from people.check_people(memory)
        yield from platform.check_platform(config, memory, switchboard)
        yield chat_archive.check_chat_archive(config)
        yield from service.check_service(config, memory, switchboard)
    finally:
        database.close()
