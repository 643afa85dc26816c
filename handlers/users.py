"""Password accounts for the dashboard: added, changed and removed by hand, with an audit entry."""

from __future__ import annotations

from datetime import datetime

from handlers.enrolment import register_person
from storage.db.models import Credential
from storage.errors import OperationRefused
from storage.sign_ins import normalize_login
from storage.store import Store

_ACTOR = "night-patrol user"


def add_user(
    name: str,
    roles: list[str],
    enterprise_name: str | None,
    password_hash: str,
    totp_secret: str | None,
    store: Store,
    now: datetime,
) -> Credential:
    """Let a person sign in with a password under the own name; the person is added to the register if necessary.

    Raises OperationRefused.
    """
    login = normalize_login(name)
    if not login:
        raise OperationRefused("user.no_login")
    if store.sign_ins.credential_by_login(login) is not None:
        raise OperationRefused("user.exists", login=login)
    person = register_person(name, roles, enterprise_name, store)
    credential = Credential(person_id=person.id, login=login, password_hash=password_hash, totp_secret=totp_secret)
    store.sign_ins.save_credential(credential)
    store.audit_log.record(now, _ACTOR, "user_added", person=person.name, roles=roles, second_factor=bool(totp_secret))
    return credential


def change_password(login: str, password_hash: str, store: Store, now: datetime) -> None:
    """Replace the password and end all sessions of its person. Raises OperationRefused."""
    credential = _credential(login, store)
    credential.password_hash = password_hash
    store.sign_ins.end_all(credential.person_id, now)
    store.audit_log.record(now, _ACTOR, "password_changed", login=credential.login)


def remove_user(login: str, store: Store, now: datetime) -> None:
    """Remove the password and end all sessions of its person, who stays in the register. Raises OperationRefused."""
    credential = _credential(login, store)
    store.sign_ins.end_all(credential.person_id, now)
    store.sign_ins.delete_credential(credential.person_id)
    store.audit_log.record(now, _ACTOR, "user_removed", login=credential.login)


def _credential(login: str, store: Store) -> Credential:
    credential = store.sign_ins.credential_by_login(login)
    if credential is None:
        raise OperationRefused("user.unknown", login=login)
    return credential
