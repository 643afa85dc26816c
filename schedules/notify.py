"""Adding notices for people: jobs and handlers decide here, the bot sends later.

A notice of our own goes by the best route to its person; a reply goes back over the channel its message came by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Protocol

from schedules.channel_choice import route_options
from schedules.context import Context
from storage.contacts import RouteStatus
from storage.db.models import Notice, Person
from storage.notices import NO_ACCOUNT, UNDELIVERABLE, NoticeDraft
from storage.personal_channels import PersonalChannel, route_to
from storage.store import Store

# A notice to an unreachable person is stored as failed, under this channel.
_DEFAULT_CHANNEL = PersonalChannel("wecom_app", "wecom")


class ReplyTarget(Protocol):
    """A stored message or film: its channel, realm and sender, and the group chat if it was sent in one."""

    @property
    def channel(self) -> str: ...
    @property
    def realm(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def chat_id(self) -> str | None: ...
    @property
    def inbox_id(self) -> int: ...


def notify_person(person: Person, draft: NoticeDraft, store: Store) -> Notice | None:
    """Add a notice for a person by the best route; None when there is one with that once-key already."""
    statuses = store.contacts.route_statuses(person.id, store.personal_channels)
    channel, account, failure = _choose_route(draft, statuses, store)
    return store.notices.add_for_account(channel, account, person, draft, failure)


def notify_people(drafts: Sequence[tuple[Person, NoticeDraft]], store: Store) -> None:
    """`notify_person` for many people, with as many queries as for one."""
    statuses = store.contacts.route_statuses_by_person({person.id for person, _ in drafts}, store.personal_channels)
    addressed = []
    for person, draft in drafts:
        channel, account, failure = _choose_route(draft, statuses.get(person.id, []), store)
        addressed.append((channel, account, person, draft, failure))
    store.notices.add_for_accounts(addressed)


def _choose_route(
    draft: NoticeDraft, statuses: Sequence[tuple[PersonalChannel, RouteStatus]], store: Store
) -> tuple[PersonalChannel, str | None, str]:
    """The channel and the account; without a route, no account and the reason."""
    for option in route_options(draft.kind, statuses, draft.due_at):
        return option.personal_channel, option.account, ""
    channels = [*(channel for channel, _ in statuses), *store.personal_channels, _DEFAULT_CHANNEL]
    return channels[0], None, UNDELIVERABLE if statuses else NO_ACCOUNT


def notify_sender(target: ReplyTarget, person: Person | None, draft: NoticeDraft, store: Store) -> Notice | None:
    """Add a reply over the channel of the message; where that cannot reply, by any route to the person."""
    channels = {each.channel for each in store.personal_channels}
    if person is not None and channels and target.channel not in channels:
        return notify_person(person, draft, store)
    draft = replace(draft, reply_to_inbox_id=target.inbox_id)
    if target.chat_id:
        name = person.name if person else target.sender
        return store.notices.add_for_chat(target.channel, target.chat_id, name, draft)
    return store.notices.add_for_account(PersonalChannel(target.channel, target.realm), target.sender, person, draft)


def reply_route(target: ReplyTarget) -> str:
    return route_to(target.channel, "" if target.chat_id else target.realm, target.chat_id or target.sender)


def notify_system(
    person: Person, ctx: Context, night: date, text_key: str, once_key: str, **params: Any
) -> Notice | None:
    """Add a system notice for one person, due now."""
    return notify_person(person, _system_draft(ctx, night, text_key, once_key, params), ctx.store)


def notify_office(ctx: Context, night: date, text_key: str, once_key: str, **params: Any) -> None:
    """Add a system notice for every office member; if none can be reached, one by SMS and mail.

    `once_key` is completed with the person's id.
    """
    notify_office_by(_system_draft(ctx, night, text_key, once_key, params), ctx.store)


def notify_office_by(draft: NoticeDraft, store: Store) -> None:
    """`notify_office` with a draft that has a due time or a check of its own."""
    notices = [
        notify_person(person, replace(draft, once_key=f"{draft.once_key}/{person.id}"), store)
        for person in store.register.office_staff()
    ]
    if all(notice is not None and notice.state == "failed" for notice in notices):
        store.notices.add_for_sms_mail(draft)


def _system_draft(ctx: Context, night: date, text_key: str, once_key: str, params: dict[str, Any]) -> NoticeDraft:
    return NoticeDraft(kind="system", text_key=text_key, once_key=once_key, night=night, due_at=ctx.now, params=params)


def notify_fault(ctx: Context, text_key: str, subject: str, **params: Any) -> None:
    """Notify the office of a fault of this service, at most once a day for each subject."""
    notify_office(ctx, ctx.night, text_key, fault_once_key(subject, ctx), **params)


def fault_once_key(subject: str, ctx: Context) -> str:
    """The once-key of a fault's notices."""
    return f"fault/{subject}/{ctx.today}"


def channel_name(channel: str) -> dict[str, str]:
    """A text parameter that is rendered as the channel's Chinese name."""
    return {"say": f"channel.{channel}"}


def was_in_service(store: Store, instant: datetime) -> bool:
    """Whether this service had been started by then: what fell due before its first start is not made up for."""
    first_start = store.facts.read_fact("service_started")
    return first_start is not None and datetime.fromisoformat(first_start["at"]) <= instant
