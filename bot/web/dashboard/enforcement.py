"""What the pages of inspections, hazards, documents and cases show of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.web.parameters import parse_number, text_argument
from handlers.enterprise_names import resolve_enterprise
from handlers.hazards.access import find_hazard
from handlers.inspections.access import find_case, find_inspection, may_see_document
from handlers.permissions import Viewer
from schedules.context import Context
from storage.db.models import Enterprise, Hazard
from storage.enforcement import EnforcementFilter
from storage.errors import OperationRefused
from storage.hazard_terms import VOID
from storage.hazards import HazardFilter

LONGEST_TEXT = 100
_YEARS_BACK = 5
# More hazards than any inspection finds.
_MAX_HAZARDS = 500


def shown_enforcement(wanted: EnforcementFilter, viewer: Viewer, ctx: Context) -> dict[str, Any]:
    """The documents and cases that a page lists below its own subject."""
    found = ctx.store.enforcement
    documents = found.documents(wanted) if viewer.may("inspections.see") else []
    return {
        "documents": [each for each in documents if may_see_document(each, viewer)],
        "cases": found.cases(wanted) if viewer.may("cases.see") else [],
    }


@dataclass(frozen=True)
class Origin:
    """What a new document or case begins from: a hazard, an inspection, a case, or an enterprise.

    `hazards` are those it may be about; `chosen` the numbers of those it probably is about. `given` goes with the form.
    """

    enterprise: Enterprise | None
    given: Mapping[str, str]
    back: str
    inspection_number: str | None = None
    case_id: int | None = None
    hazards: Sequence[Hazard] = ()
    chosen: frozenset[str] = frozenset()


def requested_origin(given: Mapping[str, Any], viewer: Viewer, ctx: Context) -> Origin:
    """Raises OperationRefused."""
    if number := str(given.get("hazard") or ""):
        return _from_hazard(number, viewer, ctx)
    if number := str(given.get("case") or ""):
        return _from_case(number, viewer, ctx)
    if number := str(given.get("inspection") or ""):
        inspection = find_inspection(number, viewer, ctx.store)
        hazards = _of_inspection(inspection.number, ctx)
        return Origin(
            ctx.store.register.enterprise(inspection.enterprise_id),
            {"inspection": inspection.number},
            f"/inspections/{inspection.number}",
            inspection_number=inspection.number,
            hazards=hazards,
            chosen=frozenset(each.number for each in hazards),
        )
    named = str(given.get("enterprise") or "").strip()[:LONGEST_TEXT]
    return Origin(resolve_enterprise(named, ctx.store) if named else None, {}, "")


def _from_hazard(number: str, viewer: Viewer, ctx: Context) -> Origin:
    hazard = find_hazard(number, viewer, ctx)
    others = _of_inspection(hazard.inspection_number, ctx) if hazard.inspection_number else []
    return Origin(
        ctx.store.register.enterprise(hazard.enterprise_id),
        {"hazard": hazard.number},
        f"/hazards/{hazard.number}",
        inspection_number=hazard.inspection_number,
        hazards=[hazard, *(each for each in others if each.number != hazard.number)],
        chosen=frozenset({hazard.number}),
    )


def _from_case(number: str, viewer: Viewer, ctx: Context) -> Origin:
    case = find_case(parse_number(number) or 0, viewer, ctx.store)
    hazards = ctx.store.enforcement.hazards_of_case(case.id)
    return Origin(
        ctx.store.register.enterprise(case.enterprise_id),
        {"case": str(case.id)},
        f"/cases/{case.id}",
        inspection_number=case.inspection_number,
        case_id=case.id,
        hazards=hazards,
        chosen=frozenset(each.number for each in hazards),
    )


def _of_inspection(number: str, ctx: Context) -> list[Hazard]:
    found = ctx.store.hazards.find(HazardFilter(inspection_number=number), ctx.today, _MAX_HAZARDS)
    return [each for each in reversed(found) if each.state != VOID]


def required_enterprise(origin: Origin) -> Enterprise:
    """Raises OperationRefused."""
    if origin.enterprise is None:
        raise OperationRefused("hazards.field_required", field={"say": "inspection_field.enterprise"})
    return origin.enterprise


def requested_enforcement_filter(viewer: Viewer, kinds: Sequence[str] = ()) -> EnforcementFilter:
    """The filter in the query, within what the viewer may see."""
    since, until = requested_days()
    return EnforcementFilter(
        enterprise_ids=viewer.enterprise_ids,
        kinds=tuple(kinds),
        since=since,
        until=until,
        text=text_argument("text")[:LONGEST_TEXT],
        with_void=viewer.enterprise_ids is None,
    )


def requested_year() -> int | None:
    year = parse_number(text_argument("year"))
    return year if year is not None and 2000 <= year <= 2199 else None


def requested_days() -> tuple[date, date] | tuple[None, None]:
    """The first and the last day of the year in the query."""
    year = requested_year()
    return (date(year, 1, 1), date(year, 12, 31)) if year else (None, None)


def offered_years(ctx: Context) -> list[int]:
    """The years that lists may be restricted to, the latest first."""
    return [ctx.today.year - back for back in range(_YEARS_BACK + 1)]
