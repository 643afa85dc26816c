"""Who sees which inspection, document and case, and what every act on them checks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from handlers.hazards.access import author, inspection_in_force
from handlers.hazards.fields import field_label, required_reason
from handlers.permissions import COUNTY_ROLES, Viewer
from schedules.context import Context
from storage.db.models import EnforcementCase, EnforcementDocument, Hazard, Inspection
from storage.errors import OperationRefused
from storage.inspection_terms import SERVED_DOCUMENT_KINDS
from storage.store import Store

_EARLIEST = date(2000, 1, 1)


def find_inspection(number: str, actor: Viewer, store: Store) -> Inspection:
    """An inspection that the actor may see; its enterprise sees none that is void. Raises OperationRefused."""
    found = store.inspections.get(number.strip().upper())
    if found is None or not actor.may("inspections.see") or not _may_see(found, actor):
        raise OperationRefused("inspections.unknown", number=number.strip())
    return found


def find_document(document_id: int, actor: Viewer, store: Store) -> EnforcementDocument:
    """A document that the actor may see; its enterprise sees those served on it. Raises OperationRefused."""
    found = store.enforcement.document(document_id)
    if found is None or not actor.may("inspections.see") or not may_see_document(found, actor):
        raise OperationRefused("inspections.unknown_document")
    return found


def find_case(case_id: int, actor: Viewer, store: Store) -> EnforcementCase:
    """A case that the actor may see. Raises OperationRefused."""
    found = store.enforcement.case(case_id)
    if found is None or not actor.may("cases.see"):
        raise OperationRefused("inspections.unknown_case")
    return found


def may_see_document(document: EnforcementDocument, actor: Viewer) -> bool:
    return _may_see(document, actor) and (is_county(actor) or document.kind in SERVED_DOCUMENT_KINDS)


def is_county(actor: Viewer) -> bool:
    """Whether the actor sees also what is internal to the office."""
    return bool(actor.roles & COUNTY_ROLES)


def _may_see(row: Inspection | EnforcementDocument, actor: Viewer) -> bool:
    return actor.can_see(row.enterprise_id) and (is_county(actor) or row.voided_at is None)


def require_editor(actor: Viewer) -> None:
    """Raises OperationRefused."""
    if not actor.may("inspections.edit"):
        raise OperationRefused("hazards.not_permitted", name=actor.name)


def require_in_force(row: Inspection | EnforcementDocument | EnforcementCase) -> None:
    """Raises OperationRefused for what is void."""
    if row.voided_at is not None:
        raise OperationRefused("inspections.is_void", number=row.number)


def past_day(value: date | None, label: str, ctx: Context) -> date:
    """A day up to today. Raises OperationRefused."""
    if value is None:
        raise OperationRefused("hazards.field_required", field=field_label(label))
    if not _EARLIEST <= value <= ctx.today:
        raise OperationRefused("inspections.day_to_come", field=field_label(label), day=value.isoformat())
    return value


def inspection_of(number: str | None, enterprise_id: int, ctx: Context) -> str | None:
    """The number of an inspection in force of this enterprise, None for none. Raises OperationRefused."""
    return inspection_in_force(number, enterprise_id, ctx.store).number if number else None


def hazards_of(numbers: Iterable[str], enterprise_id: int, ctx: Context) -> list[Hazard]:
    """Hazards of this enterprise by number, each once. Raises OperationRefused."""
    wanted = list(dict.fromkeys(numbers))
    found = ctx.store.hazards.of_numbers(wanted)
    for number in wanted:
        if number not in found or found[number].enterprise_id != enterprise_id:
            raise OperationRefused("inspections.hazard_of_another_enterprise", number=number)
    return [found[number] for number in wanted]


def declare_void(
    row: Inspection | EnforcementDocument | EnforcementCase, reason: str | None, actor: Viewer, ctx: Context
) -> str:
    """Mark a row as void and give the cleaned reason. Raises OperationRefused."""
    why, by = required_reason(reason), author(actor)
    require_in_force(row)
    row.voided_at, row.void_reason = ctx.now, why
    row.voided_by, row.voided_by_id = by.name, by.id
    ctx.store.session.flush()
    return why


def apply_changes(
    row: Inspection | EnforcementCase, given: dict[str, Any], version: int | None, ctx: Context
) -> dict[str, list[Any]]:
    """Store the given values; those that changed by name, each with its value before and after for the audit log.

    `version`: the one that they were made from, None to skip the check. Raises OperationRefused.
    """
    require_in_force(row)
    if version is not None and version != row.version:
        raise OperationRefused("inspections.changed_meanwhile", number=row.number)
    changed = {name: (getattr(row, name), value) for name, value in given.items() if getattr(row, name) != value}
    for name, (_, value) in changed.items():
        setattr(row, name, value)
    if changed:
        row.version += 1
        ctx.store.session.flush()
    return {name: [_recorded(each) for each in values] for name, values in changed.items()}


def _recorded(value: Any) -> Any:
    """Inspectors are recorded by their names."""
    if isinstance(value, list):
        return "、".join(each["name"] for each in value)
    return value.isoformat() if isinstance(value, date) else value
