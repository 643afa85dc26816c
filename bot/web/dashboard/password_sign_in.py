"""Who signs in by a password, and how often somebody may try."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.clock import wall_now
from bot.passwords import fits, totp_step
from bot.unit_of_work import Memory
from storage.db.models import Credential, Person

# So many wrong tries, and then one in so long, whichever process is asked and from wherever.
_FREELY, _PAUSE = 5, timedelta(minutes=1)


class Refusal(Exception):
    """Not signed in; `key` names the sentence that says why, and says no more than it must."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def by_password(memory: Memory, login: str, password: str, code: str) -> Person:
    """The person of a login name whose password that is, with the second factor where one is wanted. Raises Refusal."""
    now = wall_now()
    kept = _begin_try(memory, login, now)
    if not fits(kept.password_hash if kept else None, password) or kept is None:
        raise Refusal("sign_in.wrong")
    step = None
    if kept.totp_secret is not None:
        step = totp_step(kept.totp_secret, code, now, kept.totp_step)
        if step is None:
            raise Refusal("sign_in.wrong_code" if code else "sign_in.code_wanted")
    return _succeed(memory, kept.person_id, step)


def _begin_try(memory: Memory, login: str, now: datetime) -> Credential | None:
    """Counted as wrong before anything is compared: many at once are no way round the count."""
    with memory.transaction() as store:
        kept = store.access.credential(login)
        allowed = kept is None or kept.wrong < _FREELY or kept.wrong_at is None or now - kept.wrong_at >= _PAUSE
        if kept is not None and allowed:
            kept.wrong, kept.wrong_at = kept.wrong + 1, now
    if not allowed:
        raise Refusal("sign_in.wait")
    return kept


def _succeed(memory: Memory, person_id: int, step: int | None) -> Person:
    with memory.transaction() as store:
        kept, person = store.access.credential_of(person_id), store.register.person(person_id)
        good = kept is not None and person is not None and person.active
        # The same code twice, from two browsers at once: one of them is not its owner's.
        good = good and (step is None or kept.totp_step is None or step > kept.totp_step)  # type: ignore[union-attr]
        if kept is not None and good:
            kept.wrong, kept.totp_step = 0, step if step is not None else kept.totp_step
    if not good or person is None:
        raise Refusal("sign_in.wrong")
    return person
