"""The hazard ledger: hazards, their moves, attempts and extensions. Nothing in it is ever deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from storage.db.models import Hazard, HazardAttempt, HazardExtension, HazardMove
from storage.facts import FactStore
from storage.hazard_queries import HazardFilter, HazardHistory, HazardQueries, is_overdue
from storage.hazard_terms import CLOSED_STATES

__all__ = ["Author", "HazardFilter", "HazardHistory", "HazardStore", "is_overdue"]


@dataclass(frozen=True)
class Author:
    """The person who does something, by id (None: not in the register) and name."""

    id: int | None
    name: str


class HazardStore(HazardQueries):
    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._reserved: dict[int, list[int]] = {}

    @contextmanager
    def reserved_numbers(self, year: int, count: int) -> Iterator[None]:
        """The `count` hazards that are added in the block get their numbers with one query."""
        last = FactStore(self.session).next_number(f"hazards/{year}", count) if count else 0
        self._reserved[year] = list(range(last, last - count, -1))
        try:
            yield
        finally:
            del self._reserved[year]

    def add(self, year: int, state: str, author: Author, at: datetime, **values: Any) -> Hazard:
        """A new hazard with the next number of the year, and its first move; written with the next flush."""
        reserved = self._reserved.get(year)
        ordinal = reserved.pop() if reserved else FactStore(self.session).next_number(f"hazards/{year}")
        number = f"YH-{year}-{ordinal:04d}"
        self._add_move(number, 0, None, state, author, at, None)
        hazard = Hazard(number=number, year=year, ordinal=ordinal, state=state, registered_at=at, **values)
        hazard.registered_by_id, hazard.registered_by = author.id, author.name
        self.session.add(hazard)
        return hazard

    def lock(self, number: str) -> Hazard | None:
        """The hazard as it is now, locked until the end of the transaction."""
        query = select(Hazard).where(Hazard.number == number).with_for_update()
        return self.session.scalar(query.execution_options(populate_existing=True))

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

    def add_extension(self, hazard: Hazard, person: Author, at: datetime, **values: Any) -> HazardExtension:
        extension = HazardExtension(hazard_number=hazard.number, asked_at=at, old_deadline=hazard.deadline, **values)
        extension.asked_by_id, extension.asked_by = person.id or 0, person.name
        self.session.add(extension)
        self.session.flush()
        return extension
