"""Whom to call, and whether each account can be reached: from received messages and the platform's refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Binding, Contact, DeliveryAttempt, Employment, Notice, Person
from storage.db.upsert import in_list, insert_if_absent
from storage.notices import UNDELIVERABLE
from storage.personal_channels import PersonalChannel, ReplyWindow, route_to
from storage.register_terms import RESPONSIBLE_ROLES


@dataclass(frozen=True)
class RouteStatus:
    """An account on a channel; `replies_used` counts our messages within the current reply window."""

    account: str
    last_received_at: datetime | None = None
    reply_until: datetime | None = None
    reply_quota: int = 0
    replies_used: int = 0
    left_at: datetime | None = None
    undeliverable_at: datetime | None = None


class ContactStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def record_seen(self, route: str, at: datetime) -> None:
        """The account exists and can be reached; this does not open a reply window."""
        values = {"left_at": None, "undeliverable_at": None}
        self._update(route, values, or_(Contact.left_at.is_(None), Contact.left_at <= at))

    def record_message(self, route: str, at: datetime, reply_window: ReplyWindow | None) -> None:
        """The account sent a message: extend its reply window if the new one ends later.

        A message older than the last one is ignored. Equal instants are not: platforms report whole seconds, and two
        messages can be sent within one.
        """
        self.record_seen(route, at)
        values: dict[str, Any] = {"last_received_at": at}
        conditions = [or_(Contact.last_received_at.is_(None), Contact.last_received_at <= at)]
        if reply_window is not None:
            until = at + reply_window.duration
            values |= {"reply_until": until, "reply_quota": reply_window.max_messages}
            conditions.append(or_(Contact.reply_until.is_(None), Contact.reply_until <= until))
        self._update(route, values, *conditions)

    def record_left(self, route: str, at: datetime) -> None:
        """The account left or blocked us, which closes its reply window. Ignored if it sent something later."""
        values = {"left_at": at, "reply_until": at}
        self._update(route, values, or_(Contact.last_received_at.is_(None), Contact.last_received_at <= at))

    def record_undeliverable(self, route: str, at: datetime) -> None:
        """The platform refused to deliver to the account."""
        self._update(route, {"undeliverable_at": at})

    def close_reply_window(self, route: str, at: datetime) -> None:
        """The platform accepts no more messages until the account sends one."""
        self._update(route, {"reply_until": at})

    def record_delivery(self, route: str) -> None:
        """A delivery succeeded: an earlier refusal no longer counts."""
        refused = update(Contact).where(Contact.route == route, Contact.undeliverable_at.is_not(None))
        self.session.execute(refused.values(undeliverable_at=None))

    def _update(self, route: str, values: dict[str, Any], *conditions: Any) -> None:
        insert_if_absent(self.session, Contact, {"route": route})
        self.session.execute(update(Contact).where(Contact.route == route, *conditions).values(**values))

    def retryable_notices(self, person_id: int, kinds: Collection[str], now: datetime) -> Sequence[Notice]:
        """Undeliverable notices to a person that have not expired."""
        query = select(Notice).where(
            Notice.person_id == person_id,
            Notice.state == "failed",
            Notice.kind.in_(kinds),
            Notice.detail.startswith(UNDELIVERABLE),
            Notice.expires_at > now,
        )
        return self.session.scalars(query.order_by(Notice.id)).all()

    def telephone_contacts(self, enterprise_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Enterprise id -> name and number of whom to call: one in charge if there is one, else a patroller."""
        rows = self.session.execute(
            select(Employment.enterprise_id, Person.name, Person.mobile, Person.roles)
            .join(Person, Person.id == Employment.person_id)
            .where(in_list(self.session, Employment.enterprise_id, enterprise_ids), Person.active)
            .where(Person.mobile.is_not(None))
            .order_by(Person.id.desc())
        ).all()
        in_charge_last = sorted(rows, key=lambda row: not {*row.roles}.isdisjoint(RESPONSIBLE_ROLES))
        return {row.enterprise_id: (row.name, row.mobile) for row in in_charge_last}

    def delivery_problems(self, night: date) -> tuple[list[str], list[str]]:
        """Names of those a notice of the night did not reach, and of those it reached through another channel."""
        rows = self.session.execute(
            select(Notice.recipient_name, Notice.state)
            .where(Notice.night == night, or_(Notice.state == "failed", Notice.tried_routes.is_not(None)))
            .order_by(Notice.id)
        ).all()
        failed = dict.fromkeys(name for name, state in rows if state == "failed")
        failed_over = dict.fromkeys(name for name, state in rows if state == "sent")
        return list(failed), list(failed_over)

    def route_statuses(
        self, person_id: int, personal_channels: Iterable[PersonalChannel]
    ) -> list[tuple[PersonalChannel, RouteStatus]]:
        """Every channel with every account of a person on it, the latest binding first."""
        return self.route_statuses_by_person([person_id], personal_channels).get(person_id, [])

    def route_statuses_by_person(
        self, people: Iterable[int], personal_channels: Iterable[PersonalChannel]
    ) -> dict[int, list[tuple[PersonalChannel, RouteStatus]]]:
        """Person id -> the value of `route_statuses`."""
        bound = select(Binding.person_id, Binding.realm, Binding.account).where(
            in_list(self.session, Binding.person_id, people), Binding.until.is_(None)
        )
        accounts = self.session.execute(bound.order_by(Binding.id.desc())).all()
        pairs = [
            (person, channel, account)
            for channel in personal_channels
            for person, realm, account in accounts
            if realm == channel.realm
        ]
        routes = {route_to(channel.channel, channel.realm, account) for _, channel, account in pairs}
        contacts, replies_used = self._contacts(routes), self._replies_used(routes)
        statuses: dict[int, list[tuple[PersonalChannel, RouteStatus]]] = defaultdict(list)
        for person, channel, account in pairs:
            route = route_to(channel.channel, channel.realm, account)
            status = _route_status(account, contacts.get(route), replies_used.get(route, 0))
            statuses[person].append((channel, status))
        return statuses

    def _contacts(self, routes: Iterable[str]) -> dict[str, Contact]:
        query = (
            select(Contact)
            .where(in_list(self.session, Contact.route, routes))
            .execution_options(populate_existing=True)
        )
        return {contact.route: contact for contact in self.session.scalars(query)}

    def _replies_used(self, routes: Iterable[str]) -> dict[str, int]:
        """Our messages since each account's last one; those with an unknown outcome count as sent."""
        query = (
            select(DeliveryAttempt.route, func.count())
            .join(Contact, Contact.route == DeliveryAttempt.route)
            .where(
                in_list(self.session, Contact.route, routes),
                Contact.reply_quota.is_not(None),
                DeliveryAttempt.uses_reply_quota,
                DeliveryAttempt.started_at >= Contact.last_received_at,
                or_(DeliveryAttempt.outcome.is_(None), DeliveryAttempt.outcome.in_(("sent", "unknown"))),
            )
            .group_by(DeliveryAttempt.route)
        )
        return {route: number for route, number in self.session.execute(query) if route}


def _route_status(account: str, contact: Contact | None, replies_used: int) -> RouteStatus:
    if contact is None:
        return RouteStatus(account)
    return RouteStatus(
        account,
        contact.last_received_at,
        contact.reply_until,
        contact.reply_quota or 0,
        replies_used,
        contact.left_at,
        contact.undeliverable_at,
    )
