"""The ledger as rows of the printed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from bot.texts import say
from bot.workbooks.hazards.columns import printed_state
from schedules.context import Context
from schedules.hazards.rules import is_overdue
from storage.db.models import Enterprise, Hazard, KeyPart
from storage.hazard_terms import ACCEPTED
from storage.hazards import HazardFilter

_PAGE = 2000


class PrintedRows:
    """Hazards as the values of the printed form: texts, dates and numbers. Reads the names of the register once."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        session = ctx.store.session
        self.enterprises = {each.id: each for each in session.query(Enterprise)}
        self.parts = {each.id: each for each in session.query(KeyPart)}

    def of_ledger(self, wanted: HazardFilter) -> Iterator[dict[str, Any]]:
        """Every hazard of a filter, the latest first, numbered from 1; read page by page."""
        before, ordinal = None, 0
        while page := self._ctx.store.hazards.find(wanted, self._ctx.today, _PAGE, before):
            for row in self.of(page):
                ordinal += 1
                yield {**row, "ordinal": ordinal}
            before = (page[-1].year, page[-1].ordinal)
            self._ctx.store.session.expunge_all()

    def of(self, hazards: Sequence[Hazard]) -> Iterator[dict[str, Any]]:
        """The rows of these hazards, without 序号."""
        names = self._ctx.store.hazards.acceptors([hazard.number for hazard in hazards if hazard.state == ACCEPTED])
        return (self._row(hazard, names.get(hazard.number)) for hazard in hazards)

    def _row(self, hazard: Hazard, accepted_by: str | None) -> dict[str, Any]:
        enterprise = self.enterprises[hazard.enterprise_id].name
        closed_on = self._ctx.rules.local_date(hazard.closed_at) if hazard.closed_at else None
        accepted_on = closed_on if hazard.state == ACCEPTED else None
        return {
            "number": hazard.number,
            "enterprise": enterprise,
            "part": self.parts[hazard.part_id].label if hazard.part_id is not None else None,
            **{name: getattr(hazard, name) for name in _AS_STORED},
            "level": _word("level", hazard.level),
            "kind": _word("kind", hazard.kind),
            "source": _word("source", hazard.source),
            "treatment": _word("treatment", hazard.treatment),
            "found_at": f"{hazard.found_at.astimezone(self._ctx.rules.zone):%Y-%m-%d %H:%M}",
            "rectified_by": enterprise,
            "state": printed_state(hazard.state, is_overdue=is_overdue(hazard, self._ctx.today)),
            "accepted_by": accepted_by,
            "accepted_on": accepted_on,
            "closed_on": accepted_on,
        }


@cache
def _word(field: str, value: str) -> str:
    return say(f"hazard_{field}.{value}")


_AS_STORED = (
    "matter",
    "criterion",
    "inspection_number",
    "found_by",
    "measure",
    "deadline",
    "cost_yuan",
    "responsible",
    "supervised_by",
    "supervisor",
    "remarks",
)
