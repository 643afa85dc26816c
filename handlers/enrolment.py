"""Binding an account to a person by a one-time code (绑定 8位码)."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from handlers.message import Message
from handlers.part_names import plain
from handlers.replies import answer
from schedules.notify import route_back
from schedules.rules import RuleBook
from storage.db.models import Employment, Enterprise, Invitation, Person
from storage.errors import Refused
from storage.store import Store

ROLES = ("巡检员", "负责人", "安全员", "值班领导", "工作人员", "审计员", "管理员")
VALID_FOR = timedelta(days=7)
_WORD = re.compile(r"^绑定(?:码)?[:：]?(\d{8})$")
# Eight digits are safe only while nobody may try them all.
_TRIES, _PERIOD = 5, timedelta(hours=1)


def code_in(text: str) -> str | None:
    """The code of a binding request, or None when the text is none."""
    found = _WORD.match(plain(text))
    return found.group(1) if found else None


def handle(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    """Bind the sender's account, from this moment on, if the code is good."""
    route = route_back(message)
    if store.notices.texts_since(route, "enrolment.wrong_code", now - _PERIOD) >= _TRIES:
        return answer(message, store, rules, now, "enrolment.too_many_tries")
    invitation = store.register.invitation(code_in(message.text) or "")
    if invitation is None or invitation.expires_at <= now or invitation.used_at is not None:
        return answer(message, store, rules, now, "enrolment.wrong_code")
    invitation.used_at = now
    store.register.bind(invitation.person_id, message.realm, message.sender, message.sent_at)
    person = store.register.person(invitation.person_id)
    assert person is not None
    store.trail.note(now, person.name, "bound", account=message.sender, channel=message.channel)
    names: list[Any] = [enterprise.short_name for enterprise in store.register.enterprises_of(person.id)]
    enterprises = names or [{"say": "enrolment.office"}]
    return answer(message, store, rules, now, "enrolment.bound", name=person.name, enterprises=enterprises)


def invite(
    name: str, roles: list[str], enterprise_code: str | None, store: Store, now: datetime,
    actor: str = "night-patrol invite",
) -> Invitation:  # fmt: skip
    """Make a one-time code for a person, who is put into the register if not there yet. Raises Refused."""
    person = enlist(name, roles, enterprise_code, store)
    code = f"{secrets.randbelow(10**8):08d}"
    invitation = Invitation(code=code, person_id=person.id, made_at=now, expires_at=now + VALID_FOR)
    store.session.merge(invitation)
    store.trail.note(
        now,
        actor,
        "invited",
        subject=f"人员/{person.name}",
        person=person.name,
        roles=roles,
        enterprise=enterprise_code,
    )
    return invitation


def enlist(name: str, roles: list[str], enterprise_code: str | None, store: Store) -> Person:
    """The person of that name at that enterprise (or in the office), with these roles from now on. Raises Refused."""
    name = name.strip()
    unknown = [role for role in roles if role not in ROLES]
    if not name or not roles or unknown:
        raise Refused("enrolment.unknown_role", roles="、".join(ROLES), found="、".join(unknown or roles))
    enterprise = None
    if enterprise_code:
        enterprise = store.register.by_code(enterprise_code)
        if enterprise is None:
            raise Refused("enrolment.unknown_enterprise", code=enterprise_code)
    person = _person(name, enterprise, store) or _new_person(name, enterprise, store)
    person.roles = [*person.roles, *(role for role in roles if role not in person.roles)]
    return person


def _person(name: str, enterprise: Enterprise | None, store: Store) -> Person | None:
    """The one person of that name who works for just that enterprise (or for the office)."""
    wanted = [enterprise.id] if enterprise else []
    same = store.register.people_named(name)
    employers = store.register.employers(person.id for person in same)
    fitting = [person for person in same if wanted == [] and not employers.get(person.id)]
    fitting += [person for person in same if wanted and wanted[0] in employers.get(person.id, [])]
    if len(fitting) > 1:
        raise Refused("enrolment.several_people", name=name)
    return fitting[0] if fitting else None


def _new_person(name: str, enterprise: Enterprise | None, store: Store) -> Person:
    person = Person(name=name, roles=[])
    store.session.add(person)
    store.session.flush()
    if enterprise is not None:
        store.session.add(Employment(person_id=person.id, enterprise_id=enterprise.id))
    return person
