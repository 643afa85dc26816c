"""Passwords of people: given, changed and taken away by hand, on record."""

from __future__ import annotations

from datetime import datetime

from handlers.enrolment import enlist
from storage.db.models import Credential
from storage.errors import Refused
from storage.sign_ins import login_key
from storage.store import Store

_ACTOR = "night-patrol user"


def add_user(
    name: str, roles: list[str], enterprise_code: str | None, password_hash: str, totp_secret: str | None,
    store: Store, now: datetime,
) -> Credential:  # fmt: skip
    """Let a person sign in by a password, under the own name; the person is put into the register if not there yet.

    Raises Refused.
    """
    login = login_key(name)
    if not login:
        raise Refused("user.no_login")
    if store.access.credential(login) is not None:
        raise Refused("user.exists", login=login)
    person = enlist(name, roles, enterprise_code, store)
    credential = Credential(
        person_id=person.id, login=login, password_hash=password_hash, totp_secret=totp_secret, made_at=now, wrong=0
    )
    store.access.keep_credential(credential)
    store.trail.note(now, _ACTOR, "user_added", person=person.name, roles=roles, second_factor=bool(totp_secret))
    return credential


def change_password(login: str, password_hash: str, store: Store, now: datetime) -> None:
    """Put a new password in place of the old, and sign everybody out who came by it. Raises Refused."""
    credential = _credential(login, store)
    credential.password_hash, credential.wrong = password_hash, 0
    store.access.end_all(credential.person_id, now)
    store.trail.note(now, _ACTOR, "password_changed", login=credential.login)


def remove_user(login: str, store: Store, now: datetime) -> None:
    """Nobody signs in by that password any more. Raises Refused."""
    credential = _credential(login, store)
    store.access.end_all(credential.person_id, now)
    store.access.drop_credential(credential.person_id)
    store.trail.note(now, _ACTOR, "user_removed", login=credential.login)


def _credential(login: str, store: Store) -> Credential:
    found = store.access.credential(login)
    if found is None:
        raise Refused("user.unknown", login=login)
    return found
