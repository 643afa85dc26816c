"""Telling people things: decided here, said by the bot.

What starts with us takes the line by which its person can be reached; an answer goes back through the
door its message came by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Protocol

from schedules.channel_choice import route_options
from schedules.context import Context
from schedules.patrol_night import night_of
from storage.contacts import RouteStatus
from storage.db.models import Notice, Person
from storage.notices import NO_ACCOUNT, UNDELIVERABLE, NoticeDraft
from storage.personal_channels import PersonalChannel, route_to
from storage.store import Store

# Where nobody can be spoken to, the notice still stands on record, under the line there should have been.
_NO_LINE = PersonalChannel("wecom_app", "wecom")


class ReplyTarget(Protocol):
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
    def chat_id(self) -> str | None:
        """The group it was said in, if it was one."""

    @property
    def inbox_id(self) -> int:
        """The message, as it was kept."""


def notify_person(person: Person, draft: NoticeDraft, store: Store) -> Notice | None:
    """Decide to tell a person something, by the line that reaches them; None when it was decided before."""
    standings = store.contacts.route_statuses(person.id, store.personal_channels)
    line, account, why_not = _way_to(draft, standings, store)
    return store.notices.add_for_account(line, account, person, draft, why_not)


def notify_people(drafts: Sequence[tuple[Person, NoticeDraft]], store: Store) -> None:
    """The same for any number of people at once."""
    standings = store.contacts.route_statuses_by_person({person.id for person, _ in drafts}, store.personal_channels)
    told = []
    for person, saying in drafts:
        line, account, why_not = _way_to(saying, standings.get(person.id, []), store)
        told.append((line, account, person, saying, why_not))
    store.notices.add_for_accounts(told)


def _way_to(
    saying: NoticeDraft, standings: Sequence[tuple[PersonalChannel, RouteStatus]], store: Store
) -> tuple[PersonalChannel, str | None, str]:
    """By which line and to which account, and why to none."""
    for way in route_options(saying.kind, standings, saying.due_at):
        return way.personal_channel, way.account, ""
    line = next((line for line, _ in standings), store.personal_channels[0] if store.personal_channels else _NO_LINE)
    return line, None, UNDELIVERABLE if standings else NO_ACCOUNT


def notify_sender(target: ReplyTarget, person: Person | None, draft: NoticeDraft, store: Store) -> Notice | None:
    """Decide to answer, by the door it came by; where that has no way back, by any that reaches the person."""
    if (
        person is not None
        and store.personal_channels
        and all(line.channel != target.channel for line in store.personal_channels)
    ):
        return notify_person(person, draft, store)
    draft = replace(draft, reply_to_inbox_id=target.inbox_id)
    if target.chat_id:
        return store.notices.add_for_chat(
            target.channel, target.chat_id, person.name if person else target.sender, draft
        )
    return store.notices.add_for_account(PersonalChannel(target.channel, target.realm), target.sender, person, draft)


def reply_route(target: ReplyTarget) -> str:
    """The lane by which an answer goes."""
    return route_to(target.channel, "" if target.chat_id else target.realm, target.chat_id or target.sender)


def notify_system(
    person: Person, store: Store, night: date, now: datetime, text_key: str, once_key: str, **params: Any
) -> Notice | None:
    """Tell one person something, once."""
    saying = NoticeDraft(kind="system", text_key=text_key, once_key=once_key, night=night, due_at=now, params=params)
    return notify_person(person, saying, store)


def notify_office(store: Store, night: date, now: datetime, text_key: str, once_key: str, **params: Any) -> None:
    """Tell everybody in the supervising office; when none of it can be reached, the fallback addresses."""
    office = store.register.office_staff()
    told = [
        notify_system(person, store, night, now, text_key, f"{once_key}/{person.id}", **params) for person in office
    ]
    if all(notice is not None and notice.state == "failed" for notice in told):
        saying = NoticeDraft(
            kind="system", text_key=text_key, once_key=once_key, night=night, due_at=now, params=params
        )
        store.notices.add_for_sms_mail(saying)


def notify_fault(ctx: Context, text_key: str, subject: str, **params: Any) -> None:
    """Notify the office of a fault of this service, at most once a day for each subject."""
    night = night_of(ctx.now, ctx.rules)
    notify_office(ctx.store, night, ctx.now, text_key, fault_once_key(subject, ctx), **params)


def fault_once_key(subject: str, ctx: Context) -> str:
    """The once-key of a fault's notices."""
    return f"trouble/{subject}/{ctx.now.astimezone(ctx.rules.zone).date()}"


def channel_name(channel: str) -> dict[str, str]:
    """A text parameter that is rendered as the channel's Chinese name."""
    return {"say": f"channel.{channel}"}


def was_in_service(store: Store, instant: datetime) -> bool:
    """Whether this service existed at that instant: it owes nobody what fell due before its first start."""
    born = store.facts.read_fact("service_started")
    return born is not None and datetime.fromisoformat(born["at"]) <= instant
