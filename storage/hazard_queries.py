"""Reading the hazard ledger: one hazard, its history, and the ledger by any filter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Hazard, HazardAttempt, HazardExtension, HazardMove
from storage.db.upsert import in_list
from storage.enterprise_search import is_of_enterprise_named
from storage.hazard_films import HazardFilmQueries, is_known_to_enterprise
from storage.hazard_terms import ACCEPTED, ASKED, AWAITING_ACCEPTANCE, RECTIFYING, STATES, VOID

REPEAT_PERIOD = timedelta(days=90)
_MOST_REMEMBERED = 1000


@dataclass(frozen=True)
class HazardFilter:
    """Which hazards of the ledger; None and empty values do not restrict. `text` is searched in number, matter,
    measure, responsible person, finder and enterprise. `found_from`, `found_until` and `due_until` are included.
    `repeated`: only those found again on the same part. `accepted_since` is included, `accepted_before` is not.
    `known_at`: those that their enterprises may know of by then."""

    states: tuple[str, ...] = ()
    enterprise_ids: frozenset[int] | None = None
    part_id: int | None = None
    inspection_number: str | None = None
    level: str | None = None
    source: str | None = None
    kind: str | None = None
    overdue: bool = False
    repeated: bool = False
    found_by: str | None = None
    found_from: date | None = None
    found_until: date | None = None
    due_until: date | None = None
    accepted_since: datetime | None = None
    accepted_before: datetime | None = None
    known_at: datetime | None = None
    text: str = ""


@dataclass(frozen=True)
class HazardHistory:
    """What happened to one hazard, the oldest first."""

    moves: list[HazardMove] = field(default_factory=list)
    attempts: list[HazardAttempt] = field(default_factory=list)
    extensions: list[HazardExtension] = field(default_factory=list)


class HazardQueries(HazardFilmQueries):
    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._searched: dict[str, Sequence[str]] = {}

    def get(self, number: str) -> Hazard | None:
        return self.session.get(Hazard, number)

    def of_numbers(self, numbers: Iterable[str]) -> dict[str, Hazard]:
        """Number -> hazard."""
        query = select(Hazard).where(in_list(self.session, Hazard.number, numbers))
        return {hazard.number: hazard for hazard in self.session.scalars(query)}

    def by_once_key(self, once_key: str) -> Hazard | None:
        return self.session.scalar(select(Hazard).where(Hazard.once_key == once_key))

    def attempts(self, number: str) -> Sequence[HazardAttempt]:
        """Every attempt at putting a hazard right, the oldest first."""
        query = select(HazardAttempt).where(HazardAttempt.hazard_number == number)
        return self.session.scalars(query.order_by(HazardAttempt.ordinal)).all()

    def asked_extension(self, number: str) -> HazardExtension | None:
        """The request for a later deadline that is not decided yet."""
        query = select(HazardExtension).where(HazardExtension.hazard_number == number, HazardExtension.state == ASKED)
        return self.session.scalar(query)

    def histories(self, numbers: Iterable[str]) -> Mapping[str, HazardHistory]:
        """Number -> history, with three queries for any number of hazards."""
        wanted, found = list(numbers), defaultdict[str, HazardHistory](HazardHistory)
        for move in self._of(HazardMove, wanted, HazardMove.seq):
            found[move.hazard_number].moves.append(move)
        for attempt in self._of(HazardAttempt, wanted, HazardAttempt.ordinal):
            found[attempt.hazard_number].attempts.append(attempt)
        for extension in self._of(HazardExtension, wanted, HazardExtension.id):
            found[extension.hazard_number].extensions.append(extension)
        return found

    def _of(self, model: Any, numbers: list[str], order: Any) -> Sequence[Any]:
        query = select(model).where(in_list(self.session, model.hazard_number, numbers))
        return self.session.scalars(query.order_by(order)).all()

    # The ledger

    def find(
        self, wanted: HazardFilter, today: date, limit: int | None = None, before: tuple[int, int] | None = None
    ) -> Sequence[Hazard]:
        """The latest hazards first; `before`: year and ordinal of the last one of the page before."""
        query = self._filtered(select(Hazard), wanted, today)
        if before is not None:
            year, ordinal = before
            query = query.where(or_(Hazard.year < year, and_(Hazard.year == year, Hazard.ordinal < ordinal)))
        return self.session.scalars(query.order_by(Hazard.year.desc(), Hazard.ordinal.desc()).limit(limit)).all()

    def counts(self, wanted: HazardFilter, today: date) -> dict[str, int]:
        """The number of hazards in each state, `total`, and `overdue`; the five states sum to the total."""
        query = self._filtered(
            select(Hazard.state, func.count(), func.count().filter(is_overdue(today))), wanted, today
        ).group_by(Hazard.state)
        rows = {state: (count, overdue) for state, count, overdue in self.session.execute(query)}
        counts = {state: rows.get(state, (0, 0))[0] for state in STATES}
        return {**counts, "total": sum(counts.values()), "overdue": sum(overdue for _, overdue in rows.values())}

    def _filtered(self, query: Any, wanted: HazardFilter, today: date) -> Any:
        equal = {
            Hazard.part_id: wanted.part_id,
            Hazard.inspection_number: wanted.inspection_number,
            Hazard.level: wanted.level,
            Hazard.source: wanted.source,
            Hazard.kind: wanted.kind,
            Hazard.found_by: wanted.found_by,
        }
        query = query.where(*(column == value for column, value in equal.items() if value is not None))
        if wanted.states:
            query = query.where(Hazard.state.in_(wanted.states))
        if wanted.enterprise_ids is not None:
            query = query.where(in_list(self.session, Hazard.enterprise_id, sorted(wanted.enterprise_ids)))
        if wanted.known_at is not None:
            query = query.where(is_known_to_enterprise(wanted.known_at))
        if wanted.overdue:
            query = query.where(is_overdue(today))
        if wanted.repeated:
            query = query.where(Hazard.repeat_of.is_not(None))
        query = query.where(*_within(wanted))
        return query.where(self._matches(wanted.text.strip())) if wanted.text.strip() else query

    def _matches(self, text: str) -> ColumnElement[bool]:
        """A text that few hazards contain is looked for once in a transaction: nothing but a scan finds it."""
        if text not in self._searched:
            query = select(Hazard.number).where(_contains(text)).limit(_MOST_REMEMBERED + 1)
            self._searched[text] = self.session.scalars(query).all()
        numbers = self._searched[text]
        return in_list(self.session, Hazard.number, numbers) if len(numbers) <= _MOST_REMEMBERED else _contains(text)

    def repeated(self, part_id: int, kind: str, found_on: date) -> Hazard | None:
        """The latest hazard of the same kind on the same part found in the 90 days before; not a void one."""
        query = select(Hazard).where(
            Hazard.part_id == part_id,
            Hazard.kind == kind,
            Hazard.state != VOID,
            Hazard.found_on >= found_on - REPEAT_PERIOD,
            Hazard.found_on <= found_on,
        )
        latest = query.order_by(Hazard.found_on.desc(), Hazard.year.desc(), Hazard.ordinal.desc())
        return self.session.scalars(latest.limit(1)).first()

    def repeatable(self, since: date) -> list[tuple[int, str, date, str]]:
        """Part, kind, date of the finding and number of the hazards found since then that are not void, in order."""
        query = select(Hazard.part_id, Hazard.kind, Hazard.found_on, Hazard.number).where(
            Hazard.found_on >= since, Hazard.state != VOID, Hazard.part_id.is_not(None)
        )
        rows = self.session.execute(query.order_by(Hazard.found_on, Hazard.year, Hazard.ordinal))
        return [(part_id or 0, kind, found_on, number) for part_id, kind, found_on, number in rows]

    def existing_keys(self, once_keys: Iterable[str]) -> set[str]:
        """The once-keys among these that have led to a hazard."""
        return set(
            self.session.scalars(select(Hazard.once_key).where(in_list(self.session, Hazard.once_key, once_keys)))
        )

    def acceptors(self, numbers: Iterable[str]) -> dict[str, str]:
        """Number -> the name of the person who accepted the hazard."""
        query = select(HazardAttempt.hazard_number, HazardAttempt.verdict_by).where(
            in_list(self.session, HazardAttempt.hazard_number, numbers), HazardAttempt.verdict == ACCEPTED
        )
        return {number: name or "" for number, name in self.session.execute(query)}


def is_overdue(today: date) -> ColumnElement[bool]:
    """Overdue hazards, as `schedules.hazards.rules.is_overdue` defines them."""
    return and_(
        Hazard.state.in_((RECTIFYING, AWAITING_ACCEPTANCE)), Hazard.deadline < func.coalesce(Hazard.submitted_on, today)
    )


def _within(wanted: HazardFilter) -> list[ColumnElement[bool]]:
    """The limits of dates that a filter has."""
    limits: list[tuple[Any, Any]] = [
        (wanted.found_from, Hazard.found_on.__ge__),
        (wanted.found_until, Hazard.found_on.__le__),
        (wanted.due_until, Hazard.deadline.__le__),
        (wanted.accepted_since, Hazard.closed_at.__ge__),
        (wanted.accepted_before, Hazard.closed_at.__lt__),
    ]
    if wanted.accepted_since is not None or wanted.accepted_before is not None:
        limits.append((ACCEPTED, Hazard.state.__eq__))
    return [compare(limit) for limit, compare in limits if limit is not None]


def _contains(text: str) -> ColumnElement[bool]:
    columns = (Hazard.matter, Hazard.measure, Hazard.responsible, Hazard.found_by)
    return or_(
        Hazard.number.contains(text.upper(), autoescape=True),
        *(column.contains(text, autoescape=True) for column in columns),
        is_of_enterprise_named(Hazard.enterprise_id, text),
    )
