"""The doctor on what is kept: the secret key, the object store, the database, and who may read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from stat import S_IRWXG, S_IRWXO

from bot.bootstrap import build_object_store
from bot.config import Config
from bot.doctor.check_result import CheckResult, failed, passed, warning
from bot.texts import say
from bot.unit_of_work import UnitOfWork
from storage.errors import SchemaMismatch
from storage.objects import ObjectError

# Sessions and links are signed with it: what is shorter can be guessed.
_SHORTEST_KEY = 32
# A night of films of a county, with as much again.
_ROOM_WANTED = 1024**3


def check_storage(config: Config) -> Iterator[CheckResult]:
    """What can be looked at without a database."""
    yield _secret_key(config)
    yield _objects(config)
    yield from _rights(config)


def _secret_key(config: Config) -> CheckResult:
    length = len(config.SECRET_KEY.get_secret_value())
    if not length:
        return failed("settings.required", name="SECRET_KEY")
    return passed("doctor.secret_key") if length >= _SHORTEST_KEY else warning("doctor.secret_key_short", length=length)


def _objects(config: Config) -> CheckResult:
    try:
        store = build_object_store(config)
        store.check()
        free = store.free_bytes()
    except (ObjectError, ValueError) as error:
        return failed("cli_error.object_store", error=str(error))
    if free is None:
        return passed("doctor.object_store", free="—")
    room = f"{free / 1e9:.1f} GB"
    return passed("doctor.object_store", free=room) if free >= _ROOM_WANTED else failed("doctor.disk_low", free=room)


def _rights(config: Config) -> Iterator[CheckResult]:
    """Files that hold secrets or films and that others on this machine may read."""
    kept = [Path(".env"), Path(config.DATABASE_URL.removeprefix("sqlite:///"))]
    if config.OBJECT_STORE_URL.startswith("file:"):
        kept.append(Path(config.OBJECT_STORE_URL.removeprefix("file:")))
    for path in kept:
        if path.exists() and path.stat().st_mode & (S_IRWXG | S_IRWXO):
            yield warning("doctor.readable_by_others", path=str(path), mode="700" if path.is_dir() else "600")


def schema_mismatch(error: SchemaMismatch) -> CheckResult:
    """A database of another version."""
    if error.found and error.found > error.expected:
        return failed("doctor.schema_newer", found=error.found, expected=error.expected)
    return failed("doctor.schema", found=error.found or say("schema.none"))


def database_passed(uow: UnitOfWork) -> CheckResult:
    """A database that can be worked with."""
    return passed("doctor.database", rehearsal=[{"say": "doctor.rehearsal"}] if uow.clock.is_rehearsal else [])
