"""Telling people things: decided here, said by the bot.

What starts with us takes the line by which its person can be reached; an answer goes back through the
door its message came by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Protocol

from schedules.channel_choice import ways
from storage.contacts import Standing
from storage.db.models import Notice, Person
from storage.notices import NO_ACCOUNT, UNDELIVERABLE, Saying
from storage.personal_channels import Line, route_to
from storage.store import Store

# Where nobody can be spoken to, the notice still stands on record, under the line there should have been.
_NO_LINE = Line("wecom_app", "wecom")


class Said(Protocol):
    """Something that came in: by which channel, from which account."""

    @property
    def channel(self) -> str:
        """The door it came by."""

    @property
    def realm(self) -> str:
        """Whose accounts the door knows people by."""

    @property
    def sender(self) -> str:
        """The account it came from."""

    @property
    def chat(self) -> str | None:
        """The group it was said in, if it was one."""

    @property
    def inbox_id(self) -> int:
        """The message, as it was kept."""


def tell_person(person: Person, saying: Saying, store: Store) -> Notice | None:
    """Decide to tell a person something, by the line that reaches them; None when it was decided before."""
    standings = store.contacts.standings(person.id, store.lines)
    line, account, why_not = _way_to(saying, standings, store)
    return store.notices.to_account(line, account, person, saying, why_not)


def tell_people(said: Sequence[tuple[Person, Saying]], store: Store) -> None:
    """The same for any number of people at once."""
    standings = store.contacts.of_all({person.id for person, _ in said}, store.lines)
    told = []
    for person, saying in said:
        line, account, why_not = _way_to(saying, standings.get(person.id, []), store)
        told.append((line, account, person, saying, why_not))
    store.notices.to_accounts(told)


def _way_to(
    saying: Saying, standings: Sequence[tuple[Line, Standing]], store: Store
) -> tuple[Line, str | None, str]:  # fmt: skip
    """By which line and to which account, and why to none."""
    for way in ways(saying.kind, standings, saying.due_at):
        return way.line, way.account, ""
    line = next((line for line, _ in standings), store.lines[0] if store.lines else _NO_LINE)
    return line, None, UNDELIVERABLE if standings else NO_ACCOUNT


def reply(said: Said, person: Person | None, saying: Saying, store: Store) -> Notice | None:
    """Decide to answer, by the door it came by; where that has no way back, by any that reaches the person."""
    if person is not None and store.lines and all(line.channel != said.channel for line in store.lines):
        return tell_person(person, saying, store)
    saying = replace(saying, answers=said.inbox_id)
    if said.chat:
        return store.notices.to_chat(said.channel, said.chat, person.name if person else said.sender, saying)
    return store.notices.to_account(Line(said.channel, said.realm), said.sender, person, saying)


def route_back(said: Said) -> str:
    """The lane by which an answer goes."""
    return route_to(said.channel, "" if said.chat else said.realm, said.chat or said.sender)


def tell(
    person: Person, store: Store, night: date, now: datetime, text_key: str, once_key: str, **params: Any
) -> Notice | None:  # fmt: skip
    """Tell one person something, once."""
    saying = Saying(kind="system", text_key=text_key, once_key=once_key, night=night, due_at=now, params=params)
    return tell_person(person, saying, store)


def tell_office(store: Store, night: date, now: datetime, text_key: str, once_key: str, **params: Any) -> None:
    """Tell everybody in the supervising office; when none of it can be reached, the fallback addresses."""
    office = store.register.office()
    told = [tell(person, store, night, now, text_key, f"{once_key}/{person.id}", **params) for person in office]
    if all(notice is not None and notice.state == "failed" for notice in told):
        saying = Saying(kind="system", text_key=text_key, once_key=once_key, night=night, due_at=now, params=params)
        store.notices.to_fallback(saying)


def awake_at(store: Store, due: datetime) -> bool:
    """Whether this service existed at that instant: it owes nobody what fell due before its first start."""
    born = store.records.fact("born")
    return born is not None and datetime.fromisoformat(born["at"]) <= due
