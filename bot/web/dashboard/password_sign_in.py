"""Sign-in by password and TOTP code, with a limit on failed attempts."""

from __future__ import annotations

from bot.clock import wall_now
from bot.passwords import match_totp_step, verify_password
from bot.unit_of_work import UnitOfWork
from storage.db.models import Credential, Person


class SignInRefused(Exception):
    """A refused sign-in. The text of `text_key` does not reveal whether the login name exists."""

    def __init__(self, text_key: str) -> None:
        super().__init__(text_key)
        self.text_key = text_key


def authenticate_password(uow: UnitOfWork, login: str, password: str, totp_code: str, attempt_key: str) -> Person:
    """Check a password, and the TOTP code where the credential has a secret. Raises SignInRefused.

    A login that does not exist is counted, hashed for and refused like one that does.
    """
    credential, now = _count_attempt(uow, login, attempt_key), wall_now()
    if not verify_password(credential.password_hash if credential else None, password) or credential is None:
        raise SignInRefused("sign_in.wrong_password")
    step = None
    if credential.totp_secret is not None:
        step = match_totp_step(credential.totp_secret, totp_code, now, credential.last_totp_step)
        if step is None:
            raise SignInRefused("sign_in.wrong_code" if totp_code else "sign_in.code_required")
    return _complete_sign_in(uow, credential.person_id, step, attempt_key)


def _count_attempt(uow: UnitOfWork, login: str, attempt_key: str) -> Credential | None:
    """Count the attempt as failed before the password is checked, so that parallel attempts are limited too."""
    with uow.transaction() as store:
        store.lock_for_transaction("sign-in attempts")
        allowed = store.sign_in_attempts.count(attempt_key, wall_now())
        credential = store.sign_ins.credential_by_login(login)
    if not allowed:
        raise SignInRefused("sign_in.too_many_attempts")
    return credential


def _complete_sign_in(uow: UnitOfWork, person_id: int, step: int | None, attempt_key: str) -> Person:
    with uow.transaction() as store:
        credential, person = store.sign_ins.credential_of(person_id), store.register.person(person_id)
        if credential is None or person is None or not person.active:
            raise SignInRefused("sign_in.wrong_password")
        if step is not None:
            # Each TOTP code is valid once, also for two requests at the same time.
            if credential.last_totp_step is not None and step <= credential.last_totp_step:
                raise SignInRefused("sign_in.wrong_password")
            credential.last_totp_step = step
        store.sign_in_attempts.reset(attempt_key)
    return person
