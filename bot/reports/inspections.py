"""Inspections as JSON values, and on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.texts import say
from schedules.context import Context
from storage.db.models import EnforcementCase, EnforcementDocument, Inspection
from storage.enforcement import EnforcementFilter
from storage.hazard_terms import STATES
from storage.hazards import HazardFilter

_COLUMNS = ("number", "held_on", "kind", "enterprise", "inspectors", "plan")


def inspections_json(ctx: Context, inspections: Iterable[Inspection]) -> list[dict[str, Any]]:
    """Each inspection, with how many hazards of each state it found."""
    rows = list(inspections)
    names = ctx.store.register.enterprise_names()
    counts = ctx.store.inspections.hazard_counts([each.number for each in rows])
    return [
        {
            "number": each.number,
            "version": each.version,
            "kind": each.kind,
            "held_on": each.held_on.isoformat(),
            "enterprise": names[each.enterprise_id][0],
            "inspectors": [person["name"] for person in each.inspectors],
            "plan": each.plan,
            "remarks": each.remarks,
            "void_reason": each.void_reason,
            "counts": {state: counts.get(each.number, {}).get(state, 0) for state in STATES},
        }
        for each in rows
    ]


def inspection_json(ctx: Context, inspection: Inspection) -> dict[str, Any]:
    """One inspection with what hangs on it."""
    [values] = inspections_json(ctx, [inspection])
    hanging = EnforcementFilter(inspection_number=inspection.number)
    hazards = ctx.store.hazards.find(HazardFilter(inspection_number=inspection.number), ctx.today)
    return {
        **values,
        "hazards": [each.number for each in reversed(hazards)],
        "documents": [_document(each) for each in reversed(ctx.store.enforcement.documents(hanging))],
        "cases": [_case(each) for each in reversed(ctx.store.enforcement.cases(hanging))],
    }


def _document(document: EnforcementDocument) -> dict[str, Any]:
    return {
        "kind": document.kind,
        "number": document.number,
        "issued_on": document.issued_on.isoformat(),
        "file_name": document.file_name,
        "sha256": document.sha256,
    }


def _case(case: EnforcementCase) -> dict[str, Any]:
    days = {name: getattr(case, name) for name in ("filed_on", "fined_on", "closed_on")}
    return {
        "number": case.number,
        "cause": case.cause,
        "fine_yuan": case.fine_yuan,
        **{name: day and day.isoformat() for name, day in days.items()},
    }


def print_inspections(inspections: Iterable[dict[str, Any]], console: Console | None = None) -> None:
    """One line for each."""
    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(_label(column))
    table.add_column(say("inspection_page.hazards"))
    for each in inspections:
        table.add_row(*(_shown(each, column) for column in _COLUMNS), str(sum(each["counts"].values())))
    (console or Console()).print(table)


def print_inspection(inspection: dict[str, Any], console: Console | None = None) -> None:
    """Its fields, and the numbers of what hangs on it."""
    console = console or Console()
    for column in (*_COLUMNS, "remarks"):
        if inspection[column]:
            console.print(say("hazards.field_line", field=_label(column), value=_shown(inspection, column)))
    hanging = {
        "inspection_page.hazards": inspection["hazards"],
        "document_page.title": [each["number"] for each in inspection["documents"]],
        "case_page.title": [each["number"] for each in inspection["cases"]],
    }
    for key, numbers in hanging.items():
        if numbers:
            console.print(say("hazards.field_line", field=say(key), value="、".join(numbers)))


def _label(column: str) -> str:
    return say("hazard_field.inspection_number" if column == "number" else f"inspection_field.{column}")


def _shown(inspection: dict[str, Any], column: str) -> str:
    value = inspection[column]
    if column == "kind":
        return say(f"inspection_kind.{value}")
    return "、".join(value) if isinstance(value, list) else str(value or "")
