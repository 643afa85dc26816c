"""The doctor on what is kept: the secret key, the object store, the database, and who may read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from stat import S_IRWXG, S_IRWXO

from bot.bootstrap import object_store
from bot.config import Config
from bot.doctor.check_result import Finding, advice, bad, good
from bot.texts import say
from bot.unit_of_work import Memory
from storage.errors import SchemaMismatch
from storage.objects import ObjectError

# Sessions and links are signed with it: what is shorter can be guessed.
_SHORTEST_KEY = 32
# A night of films of a county, with as much again.
_ROOM_WANTED = 1024**3


def examine(config: Config) -> Iterator[Finding]:
    """What can be looked at without a database."""
    yield _secret_key(config)
    yield _objects(config)
    yield from _rights(config)


def _secret_key(config: Config) -> Finding:
    length = len(config.SECRET_KEY.get_secret_value())
    if not length:
        return bad("settings.needed", name="SECRET_KEY")
    return good("doctor.secret_key") if length >= _SHORTEST_KEY else advice("doctor.secret_key_short", length=length)


def _objects(config: Config) -> Finding:
    try:
        store = object_store(config)
        store.check()
        free = store.free_bytes()
    except (ObjectError, ValueError) as error:
        return bad("trouble.objects", why=str(error))
    if free is None:
        return good("doctor.objects", free="—")
    room = f"{free / 1e9:.1f} GB"
    return good("doctor.objects", free=room) if free >= _ROOM_WANTED else bad("doctor.disk_full", free=room)


def _rights(config: Config) -> Iterator[Finding]:
    """Files that hold secrets or films and that others on this machine may read."""
    kept = [Path(".env"), Path(config.DATABASE_URL.removeprefix("sqlite:///"))]
    if config.OBJECT_STORE_URL.startswith("file:"):
        kept.append(Path(config.OBJECT_STORE_URL.removeprefix("file:")))
    for path in kept:
        if path.exists() and path.stat().st_mode & (S_IRWXG | S_IRWXO):
            yield advice("doctor.readable", path=str(path), mode="700" if path.is_dir() else "600")


def schema(error: SchemaMismatch) -> Finding:
    """A database of another version."""
    if error.found and error.found > error.expected:
        return bad("doctor.schema_newer", found=error.found, expected=error.expected)
    return bad("doctor.schema", found=error.found or say("schema.none"))


def database(memory: Memory) -> Finding:
    """A database that can be worked with."""
    return good("doctor.database", rehearsal=[{"say": "doctor.rehearsal"}] if memory.clock.rehearsal else [])
