"""Checks of the secret key, the object store, the database, and the file modes of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from stat import S_IRWXG, S_IRWXO

from bot.bootstrap import build_disk_reserve, build_object_store
from bot.config import Config
from bot.doctor.check_result import CheckResult, failed, passed, warning
from bot.texts import say
from bot.unit_of_work import UnitOfWork
from storage.errors import SchemaMismatch
from storage.objects import ObjectError


def check_storage(config: Config) -> Iterator[CheckResult]:
    """The checks that need no database."""
    yield _secret_key(config)
    yield _object_store(config)
    yield from _rights(config)


def _secret_key(config: Config) -> CheckResult:
    if not config.SECRET_KEY.get_secret_value():
        return failed("settings.required", name="SECRET_KEY")
    return passed("doctor.secret_key")


def _object_store(config: Config) -> CheckResult:
    try:
        store = build_object_store(config)
        store.check()
        reserve = build_disk_reserve(config, store)
        free, is_reached = reserve.free_bytes(), reserve.is_reached()
    except (ObjectError, ValueError) as error:
        return failed("cli_error.object_store", error=str(error))
    size, kept = _gigabytes(free), _gigabytes(reserve.size)
    if is_reached:
        return failed("doctor.disk_low", free=size, reserve=kept)
    return passed("doctor.object_store", free=size, reserve=kept)


def _gigabytes(size: int | None) -> str:
    return "—" if size is None else f"{size / 1e9:.1f} GB"


def _rights(config: Config) -> Iterator[CheckResult]:
    """Warns of files with secrets or films that other users of this machine may read."""
    paths = [Path(".env"), Path(config.DATABASE_URL.removeprefix("sqlite:///"))]
    if config.OBJECT_STORE_URL.startswith("file:"):
        paths.append(Path(config.OBJECT_STORE_URL.removeprefix("file:")))
    for path in paths:
        if path.exists() and path.stat().st_mode & (S_IRWXG | S_IRWXO):
            yield warning("doctor.readable_by_others", path=str(path), mode="700" if path.is_dir() else "600")


def schema_mismatch(error: SchemaMismatch) -> CheckResult:
    if error.found and error.found > error.expected:
        return failed("doctor.schema_newer", found=error.found, expected=error.expected)
    return failed("doctor.schema", found=error.found or say("schema.none"))


def database_passed(uow: UnitOfWork) -> CheckResult:
    return passed("doctor.database", rehearsal=[{"say": "doctor.rehearsal"}] if uow.clock.is_rehearsal else [])
