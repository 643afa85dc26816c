"""How each account on each channel can be reached, learnt from what comes in and from what the platform refuses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Binding, Contact, DeliveryAttempt, Notice
from storage.db.upsert import in_list, insert_if_absent
from storage.notices import UNDELIVERABLE
from storage.personal_channels import PersonalChannel, ReplyWindow, route_to


@dataclass(frozen=True)
class RouteStatus:
    """An account of a person on a line, and how things stand with it; `spent` is what its window has held so far."""

    account: str
    last_received_at: datetime | None = None
    reply_until: datetime | None = None
    reply_quota: int = 0
    replies_used: int = 0
    left_at: datetime | None = None
    undeliverable_at: datetime | None = None


class ContactStore:
    """What is known of reaching accounts."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def record_seen(self, route: str, at: datetime) -> None:
        """An account is there, whatever was the matter before. That alone lets us say nothing more than we could."""
        back = {"left_at": None, "undeliverable_at": None}
        self._update(route, back, or_(Contact.left_at.is_(None), Contact.left_at <= at))

    def record_message(self, route: str, at: datetime, reply_window: ReplyWindow | None) -> None:
        """An account spoke: it is there, and for a while we may answer, unless we may for longer already.

        What came late tells nothing new; but a platform tells whole seconds, and two things may be said in one.
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
        """An account has gone, unless it was heard of later; what it let us say is over."""
        gone = {"left_at": at, "reply_until": at}
        self._update(route, gone, or_(Contact.last_received_at.is_(None), Contact.last_received_at <= at))

    def record_undeliverable(self, route: str, at: datetime) -> None:
        """The platform would not deliver to an account."""
        self._update(route, {"undeliverable_at": at})

    def close_reply_window(self, route: str, at: datetime) -> None:
        """The platform lets us say nothing more to an account until it speaks again."""
        self._update(route, {"reply_until": at})

    def record_delivery(self, route: str) -> None:
        """Something has arrived: what was refused before counts no more."""
        cured = update(Contact).where(Contact.route == route, Contact.undeliverable_at.is_not(None))
        self.session.execute(cured.values(undeliverable_at=None))

    def _update(self, route: str, values: dict[str, Any], *conditions: Any) -> None:
        insert_if_absent(self.session, Contact, {"route": route})
        self.session.execute(update(Contact).where(Contact.route == route, *conditions).values(**values))

    def retryable_notices(self, person_id: int, kinds: Collection[str], now: datetime) -> Sequence[Notice]:
        """What could not be said to a person and is still worth saying."""
        query = select(Notice).where(
            Notice.person_id == person_id,
            Notice.state == "failed",
            Notice.kind.in_(kinds),
            Notice.detail.startswith(UNDELIVERABLE),
            Notice.expires_at > now,
        )
        return self.session.scalars(query.order_by(Notice.id)).all()

    def delivery_problems(self, night: date) -> tuple[list[str], list[str]]:
        """Whom something of a night did not reach, and whom something reached by another way than was meant."""
        rows = self.session.execute(
            select(Notice.recipient_name, Notice.state)
            .where(Notice.night == night, or_(Notice.state == "failed", Notice.tried_routes.is_not(None)))
            .order_by(Notice.id)
        ).all()
        found = [list(dict.fromkeys(name for name, state in rows if state == each)) for each in ("failed", "sent")]
        return found[0], found[1]

    def route_statuses(
        self, person_id: int, personal_channels: Iterable[PersonalChannel]
    ) -> list[tuple[PersonalChannel, RouteStatus]]:
        """Every line with every account of a person that it reaches, the latest account first."""
        return self.route_statuses_by_person([person_id], personal_channels).get(person_id, [])

    def route_statuses_by_person(
        self, people: Iterable[int], personal_channels: Iterable[PersonalChannel]
    ) -> dict[int, list[tuple[PersonalChannel, RouteStatus]]]:
        """The same for several people."""
        bound = select(Binding.person_id, Binding.realm, Binding.account).where(
            in_list(self.session, Binding.person_id, people), Binding.until.is_(None)
        )
        accounts = self.session.execute(bound.order_by(Binding.id.desc())).all()
        pairs = [
            (person, line, account)
            for line in personal_channels
            for person, realm, account in accounts
            if realm == line.realm
        ]
        routes = {route_to(line.channel, line.realm, account) for _, line, account in pairs}
        known, spent = self._known(routes), self._spent(routes)
        found: dict[int, list[tuple[PersonalChannel, RouteStatus]]] = defaultdict(list)
        for person, line, account in pairs:
            route = route_to(line.channel, line.realm, account)
            found[person].append((line, _standing(account, known.get(route), spent.get(route, 0))))
        return found

    def _known(self, routes: Iterable[str]) -> dict[str, Contact]:
        query = (
            select(Contact)
            .where(in_list(self.session, Contact.route, routes))
            .execution_options(populate_existing=True)
        )
        return {contact.route: contact for contact in self.session.scalars(query)}

    def _spent(self, routes: Iterable[str]) -> dict[str, int]:
        """Messages of ours since each account's last words that count; one whose end nobody knows does."""
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


def _standing(account: str, contact: Contact | None, spent: int) -> RouteStatus:
    if contact is None:
        return RouteStatus(account)
    return RouteStatus(
        account,
        contact.last_received_at,
        contact.reply_until,
        contact.reply_quota or 0,
        spent,
        contact.left_at,
        contact.undeliverable_at,
    )
