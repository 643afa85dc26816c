"""Binding an account to a person by a one-time code (绑定 8位码)."""

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
from storage.store import Store

REGISTER_ROLES = ("巡检员", "负责人", "安全员", "值班领导", "工作人员", "审计员", "管理员")
VALID_FOR = timedelta(days=7)
_WORD = re.compile(r"^绑定(?:码)?[:：]?(\d{8})$")
# Eight digits are safe only while nobody may try them all.
_TRIES, _PERIOD = 5, timedelta(hours=1)


def parse_binding_code(text: str) -> str | None:
    """The code of a binding request, or None when the text is none."""
    found = _WORD.match(normalize_text(text))
    return found.group(1) if found else None


def handle_binding(message: Message, ctx: Context) -> None:
    """Bind the sender's account, from this moment on, if the code is good."""
    route = reply_route(message)
    if ctx.store.notices.count_since(route, "enrolment.wrong_code", ctx.now - _PERIOD) >= _TRIES:
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
    """Make a one-time code for a person, who is put into the register if not there yet. Raises Refused."""
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
    """The person of that name at that enterprise (or in the office), with these roles from now on. Raises Refused."""
    name = name.strip()
    unknown = [role for role in roles if role not in REGISTER_ROLES]
    if not name or not roles or unknown:
        raise OperationRefused(
            "enrolment.unknown_role", allowed_roles="、".join(REGISTER_ROLES), unknown_roles="、".join(unknown or roles)
        )
    enterprise = None
    if enterprise_code:
        enterprise = store.register.enterprise_by_code(enterprise_code)
        if enterprise is None:
            raise OperationRefused("enrolment.unknown_enterprise", code=enterprise_code)
    person = _person(name, enterprise, store) or _new_person(name, enterprise, store)
    person.roles = [*person.roles, *(role for role in roles if role not in person.roles)]
    return person


def _person(name: str, enterprise: Enterprise | None, store: Store) -> Person | None:
    """The one person of that name who works for just that enterprise (or for the office)."""
    wanted = [enterprise.id] if enterprise else []
    same = store.register.people_named(name)
    employers = store.register.enterprise_ids_of(person.id for person in same)
    fitting = [person for person in same if wanted == [] and not employers.get(person.id)]
    fitting += [person for person in same if wanted and wanted[0] in employers.get(person.id, [])]
    if len(fitting) > 1:
        raise OperationRefused("enrolment.ambiguous_name", name=name)
    return fitting[0] if fitting else None


def _new_person(name: str, enterprise: Enterprise | None, store: Store) -> Person:
    person = Person(name=name, roles=[])
    store.session.add(person)
    store.session.flush()
    if enterprise is not None:
        store.session.add(Employment(person_id=person.id, enterprise_id=enterprise.id))
    return person
