"""Inspections, documents, cases and fines of a span of days, each figure with the rows that it is counted from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schedules.context import Context
from storage.db.models import EnforcementCase, EnforcementDocument
from storage.enforcement import EnforcementFilter
from storage.hazard_terms import VOID
from storage.inspection_terms import ANNUAL
from storage.inspections import InspectionFilter
from storage.report_queries import enterprise_codes_and_names


@dataclass(frozen=True)
class CountedInspection:
    """`hazards`, `documents` and `cases`: how many hang on it, whenever they came; what is void does not."""

    number: str
    held_on: date
    kind: str
    code: str
    enterprise: str
    plan: str
    inspectors: str
    hazards: int
    documents: int
    cases: int


@dataclass(frozen=True)
class CountedDocument:
    number: str
    kind: str
    issued_on: date
    code: str
    enterprise: str
    inspection: str
    has_file: bool


@dataclass(frozen=True)
class CountedCase:
    """A case filed or fined in the span: `filed` tells the former, `fine_yuan` is what was decided in the span."""

    number: str
    filed_on: date
    code: str
    enterprise: str
    cause: str
    inspection: str
    filed: bool
    fine_yuan: int
    fined_on: date | None
    closed_on: date | None


@dataclass(frozen=True)
class EnforcementPeriod:
    """What is not void, in the order of days and numbers."""

    inspections: tuple[CountedInspection, ...]
    documents: tuple[CountedDocument, ...]
    cases: tuple[CountedCase, ...]

    @property
    def figures(self) -> dict[str, int]:
        """Every figure by name; each is a count or a sum over rows."""
        return {
            "inspections": len(self.inspections),
            "inspected_enterprises": len({each.code for each in self.inspections}),
            "annual_enterprises": len({each.code for each in self.inspections if each.kind == ANNUAL}),
            "documents": len(self.documents),
            "cases": sum(each.filed for each in self.cases),
            "case_enterprises": len({each.code for each in self.cases if each.filed}),
            "fines_yuan": sum(each.fine_yuan for each in self.cases),
        }


def enforcement_of_period(ctx: Context, first: date, last: date) -> EnforcementPeriod:
    """Both days are included."""
    found, names = ctx.store.enforcement, enterprise_codes_and_names(ctx.store.session)
    documents = found.documents(EnforcementFilter(since=first, until=last))
    cases = found.cases_between(first, last)
    return EnforcementPeriod(
        _inspections(ctx, first, last, names),
        tuple(sorted((_document(each, names) for each in documents), key=lambda each: (each.issued_on, each.number))),
        tuple(
            sorted((_case(each, first, last, names) for each in cases), key=lambda each: (each.filed_on, each.number))
        ),
    )


def _inspections(
    ctx: Context, first: date, last: date, names: dict[int, tuple[str, str]]
) -> tuple[CountedInspection, ...]:
    found = ctx.store.inspections.find(InspectionFilter(since=first, until=last))
    hazards = ctx.store.inspections.hazard_counts([each.number for each in found])
    documents, cases = ctx.store.enforcement.counts_of_inspections([each.number for each in found])
    rows = (
        CountedInspection(
            each.number,
            each.held_on,
            each.kind,
            *names[each.enterprise_id],
            each.plan or "",
            each.inspector_names,
            sum(count for state, count in hazards.get(each.number, {}).items() if state != VOID),
            documents[each.number],
            cases[each.number],
        )
        for each in found
    )
    return tuple(sorted(rows, key=lambda each: (each.held_on, each.number)))


def _document(document: EnforcementDocument, names: dict[int, tuple[str, str]]) -> CountedDocument:
    return CountedDocument(
        document.number,
        document.kind,
        document.issued_on,
        *names[document.enterprise_id],
        document.inspection_number or "",
        document.sha256 is not None,
    )


def _case(case: EnforcementCase, first: date, last: date, names: dict[int, tuple[str, str]]) -> CountedCase:
    is_fined = case.fined_on is not None and first <= case.fined_on <= last
    return CountedCase(
        case.number,
        case.filed_on,
        *names[case.enterprise_id],
        case.cause,
        case.inspection_number or "",
        first <= case.filed_on <= last,
        (case.fine_yuan or 0) if is_fined else 0,
        case.fined_on,
        case.closed_on,
    )
