"""Binding an account to a person by a one-time code (绑定 and eight digits)."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from handlers.message import Message
from handlers.part_names import normalize_text
from handlers.replies import add_reply
from schedules.context import Context
from schedules.notify import reply_route
from storage.db.models import Employment, Enterprise, Invitation, Person
from storage.errors import OperationRefused
from storage.register_terms import ROLES
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
    """Bind the sender's account from now on, if the code is valid."""
    attempts_since = ctx.now - _ATTEMPTS_PERIOD
    if ctx.store.notices.count_since(reply_route(message), "enrolment.wrong_code", attempts_since) >= _MAX_ATTEMPTS:
        return add_reply(message, ctx, "enrolment.too_many_attempts")
    invitation = ctx.store.register.invitation(parse_binding_code(message.text) or "")
    if invitation is None or invitation.expires_at <= ctx.now or invitation.used_at is not None:
        return add_reply(message, ctx, "enrolment.wrong_code")
    invitation.used_at = ctx.now
    ctx.store.register.bind(invitation.person_id, message.realm, message.sender, message.sent_at)
    person = ctx.store.register.person(invitation.person_id)
    assert person is not None
    ctx.store.audit_log.record(ctx.now, person.name, "account_bound", account=message.sender, channel=message.channel)
    names: list[Any] = [enterprise.short_name for enterprise in ctx.store.register.enterprises_of(person.id)]
    enterprises = names or [{"say": "enrolment.office"}]
    return add_reply(message, ctx, "enrolment.bound", name=person.name, enterprises=enterprises)


def invite(
    name: str,
    roles: list[str],
    enterprise_code: str | None,
    store: Store,
    now: datetime,
    actor: str = "night-patrol invite",
) -> Invitation:
    """Create a one-time code for a person, who is added to the register if necessary. Raises OperationRefused."""
    person = register_person(name, roles, enterprise_code, store)
    code = f"{secrets.randbelow(10**8):08d}"
    invitation = Invitation(code=code, person_id=person.id, created_at=now, expires_at=now + VALID_FOR)
    store.session.merge(invitation)
    store.audit_log.record(
        now,
        actor,
        "person_invited",
        subject=f"人员/{person.name}",
        person=person.name,
        roles=roles,
        enterprise=enterprise_code,
    )
    return invitation


def register_person(name: str, roles: list[str], enterprise_code: str | None, store: Store) -> Person:
    """The person of that name at that enterprise (None = the office), created if necessary, with these roles added.

    Raises OperationRefused.
    """
    name = name.strip()
    unknown = [role for role in roles if role not in ROLES]
    if not name or not roles or unknown:
        allowed, refused = "、".join(ROLES), "、".join(unknown or roles)
        raise OperationRefused("enrolment.unknown_role", allowed_roles=allowed, unknown_roles=refused)
    enterprise = None
    if enterprise_code:
        enterprise = store.register.enterprise_by_code(enterprise_code)
        if enterprise is None:
            raise OperationRefused("enrolment.unknown_enterprise", code=enterprise_code)
    person = _find_person(name, enterprise, store) or _create_person(name, enterprise, store)
    person.roles = [*person.roles, *(role for role in roles if role not in person.roles)]
    return person


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
