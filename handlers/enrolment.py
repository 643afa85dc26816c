"""Binding an account to a person by a one-time code (绑定 and eight digits)."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from handlers.bindings import announce_bindings
from handlers.enterprise_names import resolve_enterprise
from handlers.message import Message
from handlers.part_names import normalize_text
from handlers.replies import add_reply
from schedules.context import Context
from schedules.notify import reply_route
from storage.db.models import Employment, Enterprise, Invitation, Person
from storage.errors import OperationRefused
from storage.register_terms import APPOINTED_ROLES, ROLES
from storage.store import Store

VALID_FOR = timedelta(days=7)
_BINDING = re.compile(r"^绑定(?:码)?[:：]?(\d{8})$")
# Without a limit, all codes of eight digits could be tried.
_MAX_ATTEMPTS, _ATTEMPTS_PERIOD = 5, timedelta(hours=1)


def parse_binding_code(text: str) -> str | None:
    """The code of a binding request, or None for any other text."""
    match = _BINDING.match(normalize_text(text))
    return match.group(1) if match else None


def handle_binding(message: Message, ctx: Context) -> None:
    """Bind the sender's account from now on, and give the person the roles of the code, if it is valid."""
    attempts_since = ctx.now - _ATTEMPTS_PERIOD
    if ctx.store.notices.count_since(reply_route(message), "enrolment.wrong_code", attempts_since) >= _MAX_ATTEMPTS:
        return add_reply(message, ctx, "enrolment.too_many_attempts")
    person = _redeem(parse_binding_code(message.text) or "", ctx)
    if person is None:
        return add_reply(message, ctx, "enrolment.wrong_code")
    bound = ctx.store.register.bind(person.id, message.realm, message.sender, message.sent_at)
    ctx.store.audit_log.record(ctx.now, person.name, "account_bound", account=message.sender, channel=message.channel)
    if bound is not None:
        announce_bindings([bound], ctx)
    names: list[Any] = [enterprise.short_name for enterprise in ctx.store.register.enterprises_of(person.id)]
    enterprises = names or [{"say": "enrolment.office"}]
    return add_reply(message, ctx, "enrolment.bound", name=person.name, enterprises=enterprises)


def _redeem(code: str, ctx: Context) -> Person | None:
    """Use a code up; the person it stands for, None if it is not valid (any more)."""
    ctx.store.lock_for_transaction(f"invitation/{code}")
    invitation = ctx.store.invitations.by_code(code)
    if invitation is None or invitation.expires_at <= ctx.now or invitation.used_at is not None:
        return None
    person = _invited_person(invitation, ctx.store)
    # The person may have been appointed or may have left since the code was made.
    if person is None or not person.active or (person.has_role(*APPOINTED_ROLES) and not invitation.by_administrator):
        return None
    invitation.used_at, invitation.person_id = ctx.now, person.id
    person.roles = _with_roles(person, invitation.roles)
    return person


def _invited_person(invitation: Invitation, store: Store) -> Person | None:
    """The person of a code, added to the register if necessary; None if it has become unclear who that is."""
    if invitation.person_id is not None:
        return store.register.person(invitation.person_id)
    enterprise = store.register.enterprise(invitation.enterprise_id) if invitation.enterprise_id else None
    try:
        found = _find_person(invitation.name, enterprise, store)
    except OperationRefused:
        return None
    return found or _create_person(invitation.name, enterprise, store)


def invite(
    name: str,
    roles: list[str],
    enterprise_name: str | None,
    store: Store,
    now: datetime,
    actor: str = "night-patrol invite",
    *,
    may_appoint: bool = False,
) -> Invitation:
    """A new one-time code; without `may_appoint` not for APPOINTED_ROLES or their holders. Raises OperationRefused."""
    enterprise, person, name = *_resolve(name, roles, enterprise_name, store), name.strip()
    if not may_appoint:
        _refuse_appointment(roles, person)
    invitation = Invitation(
        code=f"{secrets.randbelow(10**8):08d}",
        person_id=person.id if person else None,
        name=name,
        roles=roles,
        enterprise_id=enterprise.id if enterprise else None,
        by_administrator=may_appoint,
        created_at=now,
        expires_at=now + VALID_FOR,
    )
    details = {"person": name, "roles": roles, "enterprise": enterprise.code if enterprise else None}
    store.audit_log.record(now, actor, "person_invited", subject=f"人员/{name}", **details)
    return store.session.merge(invitation)


def _refuse_appointment(roles: list[str], person: Person | None) -> None:
    appointed = [each for each in APPOINTED_ROLES if each in roles or (person is not None and person.has_role(each))]
    if appointed:
        raise OperationRefused("enrolment.only_administrator", roles="、".join(appointed))


def register_person(name: str, roles: list[str], enterprise_name: str | None, store: Store) -> Person:
    """The person of that name at that enterprise (None = the office), created if necessary, with these roles added.

    Raises OperationRefused.
    """
    enterprise, found = _resolve(name, roles, enterprise_name, store)
    person = found or _create_person(name.strip(), enterprise, store)
    person.roles = _with_roles(person, roles)
    return person


def _with_roles(person: Person, roles: list[str]) -> list[str]:
    return [*person.roles, *(role for role in roles if role not in person.roles)]


def _resolve(
    name: str, roles: list[str], enterprise_name: str | None, store: Store
) -> tuple[Enterprise | None, Person | None]:
    """The enterprise, and the person of that name there if known. Raises OperationRefused."""
    unknown = [role for role in roles if role not in ROLES]
    if not name.strip() or not roles or unknown:
        allowed, refused = "、".join(ROLES), "、".join(unknown or roles)
        raise OperationRefused("enrolment.unknown_role", allowed_roles=allowed, unknown_roles=refused)
    enterprise = resolve_enterprise(enterprise_name, store) if enterprise_name else None
    return enterprise, _find_person(name.strip(), enterprise, store)


def _find_person(name: str, enterprise: Enterprise | None, store: Store) -> Person | None:
    """The one person of that name at that enterprise, or (None) without any enterprise."""
    namesakes = store.register.people_named(name)
    employers = store.register.enterprise_ids_of(person.id for person in namesakes)
    if enterprise is None:
        matching = [person for person in namesakes if not employers.get(person.id)]
    else:
        matching = [person for person in namesakes if enterprise.id in employers.get(person.id, [])]
    if len(matching) > 1:
        raise OperationRefused("enrolment.ambiguous_name", name=name)
    return matching[0] if matching else None


def _create_person(name: str, enterprise: Enterprise | None, store: Store) -> Person:
    person = Person(name=name, roles=[])
    store.session.add(person)
    store.session.flush()
    if enterprise is not None:
        store.session.add(Employment(person_id=person.id, enterprise_id=enterprise.id))
    return person
