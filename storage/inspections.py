"""Inspections of enterprises. None is ever deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Hazard, Inspection
from storage.db.upsert import in_list
from storage.enterprise_search import is_of_enterprise_named
from storage.facts import FactStore
from storage.hazards import Author


@dataclass(frozen=True)
class InspectionFilter:
    """Which inspections; None and empty values do not restrict. `since` and `until` are included.

    `text` is searched in number, plan and enterprise.
    """

    kind: str | None = None
    enterprise_ids: frozenset[int] | None = None
    since: date | None = None
    until: date | None = None
    text: str = ""
    with_void: bool = False


class InspectionStore:
    def __init__(self, session: Session) -> None:
        self.session = session
        # The session forgets what is not referred to, and thousands of rows of a sheet may name one inspection.
        self._kept: dict[str, Inspection] = {}

    def add(self, year: int, author: Author, at: datetime, **values: Any) -> Inspection:
        """A new inspection with the next number of the year."""
        ordinal = FactStore(self.session).next_number(f"inspections/{year}")
        inspection = Inspection(number=f"JC-{year}-{ordinal:04d}", year=year, ordinal=ordinal, **values)
        inspection.registered_at, inspection.registered_by = at, author.name
        inspection.registered_by_id = author.id
        self.session.add(inspection)
        self.session.flush()
        return inspection

    def get(self, number: str) -> Inspection | None:
        """Read once in a transaction."""
        found = self.session.get(Inspection, number)
        if found is not None:
            self._kept[number] = found
        return found

    def lock(self, number: str) -> Inspection | None:
        """The inspection as it is now, locked until the end of the transaction."""
        query = select(Inspection).where(Inspection.number == number).with_for_update()
        return self.session.scalar(query.execution_options(populate_existing=True))

    def find(
        self, wanted: InspectionFilter, limit: int | None = None, before: tuple[int, int] | None = None
    ) -> Sequence[Inspection]:
        """The last registered first; `before`: year and ordinal of the last one of the page before."""
        query = select(Inspection)
        if wanted.kind is not None:
            query = query.where(Inspection.kind == wanted.kind)
        if wanted.enterprise_ids is not None:
            query = query.where(in_list(self.session, Inspection.enterprise_id, sorted(wanted.enterprise_ids)))
        if wanted.since is not None:
            query = query.where(Inspection.held_on >= wanted.since)
        if wanted.until is not None:
            query = query.where(Inspection.held_on <= wanted.until)
        if wanted.text.strip():
            query = query.where(_contains(wanted.text.strip()))
        if not wanted.with_void:
            query = query.where(Inspection.voided_at.is_(None))
        if before is not None:
            year, ordinal = before
            query = query.where(
                or_(Inspection.year < year, and_(Inspection.year == year, Inspection.ordinal < ordinal))
            )
        return self.session.scalars(
            query.order_by(Inspection.year.desc(), Inspection.ordinal.desc()).limit(limit)
        ).all()

    def hazard_counts(self, numbers: Iterable[str]) -> dict[str, dict[str, int]]:
        """Number -> state -> how many hazards that the inspection found are in it."""
        query = select(Hazard.inspection_number, Hazard.state, func.count()).where(
            in_list(self.session, Hazard.inspection_number, numbers)
        )
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for number, state, count in self.session.execute(query.group_by(Hazard.inspection_number, Hazard.state)):
            found[number or ""][state] = count
        return found


def _contains(text: str) -> Any:
    return or_(
        Inspection.number.contains(text.upper(), autoescape=True),
        Inspection.plan.contains(text, autoescape=True),
        is_of_enterprise_named(Inspection.enterprise_id, text),
    )
