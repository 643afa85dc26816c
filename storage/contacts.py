"""How each account on each channel can be reached, learnt from what comes in and from what the platform refuses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Attempt, Binding, Contact, Notice
from storage.facts import among, insert_once
from storage.notices import UNDELIVERABLE
from storage.personal_channels import Line, Window, route_to


@dataclass(frozen=True)
class Standing:
    """An account of a person on a line, and how things stand with it; `spent` is what its window has held so far."""

    account: str
    heard_at: datetime | None = None
    open_until: datetime | None = None
    allowance: int = 0
    spent: int = 0
    left_at: datetime | None = None
    refused_at: datetime | None = None


class ContactStore:
    """What is known of reaching accounts."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def came(self, route: str, at: datetime) -> None:
        """An account is there, whatever was the matter before. That alone lets us say nothing more than we could."""
        back = {"left_at": None, "refused_at": None, "refused_why": None}
        self._update(route, back, or_(Contact.left_at.is_(None), Contact.left_at <= at))

    def heard(self, route: str, at: datetime, window: Window | None) -> None:
        """An account spoke: it is there, and for a while we may answer, unless we may for longer already.

        What came late tells nothing new; but a platform tells whole seconds, and two things may be said in one.
        """
        self.came(route, at)
        values: dict[str, Any] = {"heard_at": at}
        conditions = [or_(Contact.heard_at.is_(None), Contact.heard_at <= at)]
        if window is not None:
            until = at + window.lasts
            values |= {"open_until": until, "allowance": window.messages}
            conditions.append(or_(Contact.open_until.is_(None), Contact.open_until <= until))
        self._update(route, values, *conditions)

    def left(self, route: str, at: datetime) -> None:
        """An account has gone, unless it was heard of later; what it let us say is over."""
        gone = {"left_at": at, "open_until": at}
        self._update(route, gone, or_(Contact.heard_at.is_(None), Contact.heard_at <= at))

    def refused(self, route: str, at: datetime, why: str) -> None:
        """The platform would not deliver to an account."""
        self._update(route, {"refused_at": at, "refused_why": why})

    def shut(self, route: str, at: datetime) -> None:
        """The platform lets us say nothing more to an account until it speaks again."""
        self._update(route, {"open_until": at})

    def reached(self, route: str) -> None:
        """Something has arrived: what was refused before counts no more."""
        cured = update(Contact).where(Contact.route == route, Contact.refused_at.is_not(None))
        self.session.execute(cured.values(refused_at=None, refused_why=None))

    def _update(self, route: str, values: dict[str, Any], *conditions: Any) -> None:
        insert_once(self.session, Contact, {"route": route})
        self.session.execute(update(Contact).where(Contact.route == route, *conditions).values(**values))

    def undelivered(self, person_id: int, kinds: Collection[str], now: datetime) -> Sequence[Notice]:
        """What could not be said to a person and is still worth saying."""
        query = select(Notice).where(
            Notice.person_id == person_id, Notice.state == "failed", Notice.kind.in_(kinds),
            Notice.detail.startswith(UNDELIVERABLE), Notice.expires_at > now,
        )  # fmt: skip
        return self.session.scalars(query.order_by(Notice.id)).all()

    def astray(self, night: date) -> tuple[list[str], list[str]]:
        """Whom something of a night did not reach, and whom something reached by another way than was meant."""
        rows = self.session.execute(
            select(Notice.to_name, Notice.state)
            .where(Notice.night == night, or_(Notice.state == "failed", Notice.tried.is_not(None)))
            .order_by(Notice.id)
        ).all()
        found = [list(dict.fromkeys(name for name, state in rows if state == each)) for each in ("failed", "sent")]
        return found[0], found[1]

    def standings(self, person_id: int, lines: Iterable[Line]) -> list[tuple[Line, Standing]]:
        """Every line with every account of a person that it reaches, the latest account first."""
        return self.of_all([person_id], lines).get(person_id, [])

    def of_all(self, people: Iterable[int], lines: Iterable[Line]) -> dict[int, list[tuple[Line, Standing]]]:
        """The same for several people."""
        bound = select(Binding.person_id, Binding.realm, Binding.account).where(
            among(self.session, Binding.person_id, people), Binding.until.is_(None)
        )
        accounts = self.session.execute(bound.order_by(Binding.id.desc())).all()
        pairs = [
            (person, line, account) for line in lines for person, realm, account in accounts if realm == line.realm
        ]
        routes = {route_to(line.channel, line.realm, account) for _, line, account in pairs}
        known, spent = self._known(routes), self._spent(routes)
        found: dict[int, list[tuple[Line, Standing]]] = defaultdict(list)
        for person, line, account in pairs:
            route = route_to(line.channel, line.realm, account)
            found[person].append((line, _standing(account, known.get(route), spent.get(route, 0))))
        return found

    def _known(self, routes: Iterable[str]) -> dict[str, Contact]:
        query = (
            select(Contact).where(among(self.session, Contact.route, routes)).execution_options(populate_existing=True)
        )
        return {contact.route: contact for contact in self.session.scalars(query)}

    def _spent(self, routes: Iterable[str]) -> dict[str, int]:
        """Messages of ours since each account's last words that count; one whose end nobody knows does."""
        query = (
            select(Attempt.route, func.count())
            .join(Contact, Contact.route == Attempt.route)
            .where(
                among(self.session, Contact.route, routes), Contact.allowance.is_not(None), Attempt.spends,
                Attempt.started_at >= Contact.heard_at,
                or_(Attempt.outcome.is_(None), Attempt.outcome.in_(("sent", "unknown"))),
            )
            .group_by(Attempt.route)
        )  # fmt: skip
        return {route: number for route, number in self.session.execute(query) if route}


def _standing(account: str, contact: Contact | None, spent: int) -> Standing:
    if contact is None:
        return Standing(account)
    return Standing(
        account, contact.heard_at, contact.open_until, contact.allowance or 0, spent, contact.left_at,
        contact.refused_at,
    )  # fmt: skip
