"""Who signs in by a password, and how often somebody may try."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.clock import wall_now
from bot.passwords import match_totp_step, verify_password
from bot.unit_of_work import UnitOfWork
from storage.db.models import Credential, Person

# So many wrong tries, and then one in so long, whichever process is asked and from wherever.
_FREELY, _PAUSE = 5, timedelta(minutes=1)


class SignInRefused(Exception):
    """Not signed in; `key` names the sentence that says why, and says no more than it must."""

    def __init__(self, text_key: str) -> None:
        super().__init__(text_key)
        self.text_key = text_key


def authenticate_password(uow: UnitOfWork, login: str, password: str, totp_code: str) -> Person:
    """The person of a login name whose password that is, with the second factor where one is wanted. Raises Refusal."""
    now = wall_now()
    kept = _begin_try(uow, login, now)
    if not verify_password(kept.password_hash if kept else None, password) or kept is None:
        raise SignInRefused("sign_in.wrong_password")
    step = None
    if kept.totp_secret is not None:
        step = match_totp_step(kept.totp_secret, totp_code, now, kept.last_totp_step)
        if step is None:
            raise SignInRefused("sign_in.wrong_code" if totp_code else "sign_in.code_required")
    return _succeed(uow, kept.person_id, step)


def _begin_try(memory: UnitOfWork, login: str, now: datetime) -> Credential | None:
    """Counted as wrong before anything is compared: many at once are no way round the count."""
    with memory.transaction() as store:
        kept = store.sign_ins.credential_by_login(login)
        allowed = (
            kept is None
            or kept.failed_attempts < _FREELY
            or kept.last_failed_at is None
            or now - kept.last_failed_at >= _PAUSE
        )
        if kept is not None and allowed:
            kept.failed_attempts, kept.last_failed_at = kept.failed_attempts + 1, now
    if not allowed:
        raise SignInRefused("sign_in.too_many_attempts")
    return kept


def _succeed(memory: UnitOfWork, person_id: int, step: int | None) -> Person:
    with memory.transaction() as store:
        kept, person = store.sign_ins.credential_of(person_id), store.register.person(person_id)
        good = kept is not None and person is not None and person.active
        # The same code twice, from two browsers at once: one of them is not its owner's.
        good = good and (step is None or kept.last_totp_step is None or step > kept.last_totp_step)  # type: ignore[union-attr]
        if kept is not None and good:
            kept.failed_attempts, kept.last_totp_step = 0, step if step is not None else kept.last_totp_step
    if not good or person is None:
        raise SignInRefused("sign_in.wrong_password")
    return person
