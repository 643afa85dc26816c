"""The hazard ledger: hazards, their moves, attempts and extensions. Nothing in it is ever deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Enterprise, Hazard, HazardAttempt, HazardExtension, HazardMove
from storage.db.upsert import in_list
from storage.facts import FactStore
from storage.hazard_terms import ASKED, AWAITING_ACCEPTANCE, CLOSED_STATES, RECTIFYING, STATES, VOID

REPEAT_PERIOD = timedelta(days=90)


@dataclass(frozen=True)
class Author:
    """The person who does something, by id (None: not in the register) and name."""

    id: int | None
    name: str


@dataclass(frozen=True)
class HazardFilter:
    """Which hazards of the ledger; None and empty values do not restrict. `text` is searched in number, matter,
    measure, responsible person, finder and enterprise. `found_from` and `found_until` are both included."""

    states: tuple[str, ...] = ()
    enterprise_ids: frozenset[int] | None = None
    part_id: int | None = None
    level: str | None = None
    source: str | None = None
    kind: str | None = None
    overdue: bool = False
    responsible_id: int | None = None
    found_by: str | None = None
    found_from: date | None = None
    found_until: date | None = None
    text: str = ""


@dataclass(frozen=True)
class HazardHistory:
    """What happened to one hazard, the oldest first."""

    moves: list[HazardMove] = field(default_factory=list)
    attempts: list[HazardAttempt] = field(default_factory=list)
    extensions: list[HazardExtension] = field(default_factory=list)


class HazardStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, year: int, state: str, author: Author, at: datetime, reason: str | None, **values: Any) -> Hazard:
        """A new hazard with the next number of the year, and its first move."""
        ordinal = FactStore(self.session).next_number(f"hazards/{year}")
        number = f"YH-{year}-{ordinal:04d}"
        self._add_move(number, 0, None, state, author, at, reason)
        hazard = Hazard(number=number, year=year, ordinal=ordinal, state=state, registered_at=at, **values)
        hazard.registered_by_id, hazard.registered_by = author.id, author.name
        self.session.add(hazard)
        self.session.flush()
        return hazard

    def get(self, number: str) -> Hazard | None:
        return self.session.get(Hazard, number)

    def lock(self, number: str) -> Hazard | None:
        """The hazard as it is now, locked until the end of the transaction."""
        query = select(Hazard).where(Hazard.number == number).with_for_update()
        return self.session.scalar(query.execution_options(populate_existing=True))

    def by_once_key(self, once_key: str) -> Hazard | None:
        return self.session.scalar(select(Hazard).where(Hazard.once_key == once_key))

    def of_film(self, submission_id: int) -> Sequence[Hazard]:
        """The hazards that a film or photo shows, the oldest first."""
        query = select(Hazard).where(Hazard.submission_id == submission_id)
        return self.session.scalars(query.order_by(Hazard.year, Hazard.ordinal)).all()

    def move(self, hazard: Hazard, to_state: str, author: Author, at: datetime, reason: str | None = None) -> None:
        """Move a hazard to a state, on record; changed fields of it are stored with the move."""
        self._add_move(hazard.number, hazard.last_move, hazard.state, to_state, author, at, reason)
        hazard.state, hazard.last_move = to_state, hazard.last_move + 1
        hazard.closed_at = at if to_state in CLOSED_STATES else None
        self.session.flush()

    def _add_move(
        self,
        number: str,
        last: int,
        from_state: str | None,
        to_state: str,
        author: Author,
        at: datetime,
        reason: str | None,
    ) -> None:
        # Not through the session, which would write the hazard with its old state first.
        move = {"hazard_number": number, "seq": last + 1, "previous_seq": last or None, "from_state": from_state}
        move |= {"to_state": to_state, "at": at, "by_id": author.id, "by_name": author.name, "reason": reason}
        self.session.connection().execute(insert(HazardMove), move)

    # Attempts and extensions

    def add_attempt(
        self, hazard: Hazard, submission_id: int, person: Author, at: datetime, note: str | None
    ) -> HazardAttempt:
        ordinal = len(self.attempts(hazard.number)) + 1
        attempt = HazardAttempt(hazard_number=hazard.number, ordinal=ordinal, submission_id=submission_id)
        attempt.submitted_at, attempt.note = at, note
        attempt.by_id, attempt.by_name = person.id or 0, person.name
        self.session.add(attempt)
        self.session.flush()
        return attempt

    def judge_attempt(
        self, attempt: HazardAttempt, verdict: str, person: Author, at: datetime, reason: str | None
    ) -> None:
        attempt.verdict, attempt.verdict_at, attempt.reason = verdict, at, reason
        attempt.verdict_by_id, attempt.verdict_by = person.id, person.name
        self.session.flush()

    def attempts(self, number: str) -> Sequence[HazardAttempt]:
        """Every attempt at putting a hazard right, the oldest first."""
        query = select(HazardAttempt).where(HazardAttempt.hazard_number == number)
        return self.session.scalars(query.order_by(HazardAttempt.ordinal)).all()

    def add_extension(self, hazard: Hazard, person: Author, at: datetime, **values: Any) -> HazardExtension:
        extension = HazardExtension(hazard_number=hazard.number, asked_at=at, old_deadline=hazard.deadline, **values)
        extension.asked_by_id, extension.asked_by = person.id or 0, person.name
        self.session.add(extension)
        self.session.flush()
        return extension

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
            Hazard.level: wanted.level,
            Hazard.source: wanted.source,
            Hazard.kind: wanted.kind,
            Hazard.responsible_id: wanted.responsible_id,
            Hazard.found_by: wanted.found_by,
        }
        query = query.where(*(column == value for column, value in equal.items() if value is not None))
        if wanted.states:
            query = query.where(Hazard.state.in_(wanted.states))
        if wanted.enterprise_ids is not None:
            query = query.where(in_list(self.session, Hazard.enterprise_id, sorted(wanted.enterprise_ids)))
        if wanted.overdue:
            query = query.where(is_overdue(today))
        if wanted.found_from is not None:
            query = query.where(Hazard.found_on >= wanted.found_from)
        if wanted.found_until is not None:
            query = query.where(Hazard.found_on <= wanted.found_until)
        return query.where(_contains(wanted.text.strip())) if wanted.text.strip() else query

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


def is_overdue(today: date) -> ColumnElement[bool]:
    """Overdue hazards, as `schedules.hazards.rules.is_overdue` defines them."""
    return and_(
        Hazard.state.in_((RECTIFYING, AWAITING_ACCEPTANCE)), Hazard.deadline < func.coalesce(Hazard.submitted_on, today)
    )


def _contains(text: str) -> ColumnElement[bool]:
    columns = (Hazard.number, Hazard.matter, Hazard.measure, Hazard.responsible, Hazard.found_by)
    names = select(Enterprise.id).where(
        or_(*(column.contains(text, autoescape=True) for column in (Enterprise.name, Enterprise.short_name)))
    )
    matches = [column.icontains(text, autoescape=True) for column in columns]
    return or_(*matches, Hazard.enterprise_id.in_(names))
