"""Checks of an installation, each with what to do about a problem.

The order is that of setting up: settings, storage, register, platform, running service. A failed check makes the
command fail, a warning does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.bootstrap import build_uow_and_channels, command_clock, open_database
from bot.config import SettingsError, load_config
from bot.doctor import people, platform, service, storage
from bot.doctor.check_result import CheckResult, failed, passed
from bot.engine import InlineEngine
from storage.errors import DatabaseUnavailable, SchemaMismatch

__all__ = ["CheckResult", "run_checks"]


def run_checks() -> Iterator[CheckResult]:
    """All checks in order; stops after the storage checks if the database cannot be used."""
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
        uow, channels = build_uow_and_channels(config, database, command_clock(database), InlineEngine())
        yield storage.database_passed(uow)
        yield from people.check_people(uow)
        yield from platform.check_platform(config, uow, channels)
        yield from service.check_service(config, uow, channels)
    finally:
        database.close()
