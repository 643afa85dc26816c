"""Inspections: registered with a number, changed on record, and declared void while nothing hangs on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from handlers.hazards.access import author, require_enterprise
from handlers.hazards.fields import clean_text, field_label
from handlers.inspections.access import apply_changes, declare_void, find_inspection, past_day, require_editor
from handlers.permissions import Viewer
from schedules.context import Context
from storage.db.models import Inspection
from storage.enforcement import EnforcementFilter
from storage.errors import OperationRefused
from storage.hazard_terms import VOID
from storage.inspection_terms import INSPECTION_KINDS
from storage.store import Store

_SEPARATORS = re.compile(r"[、,，;；\s]+")
_MAX_INSPECTORS = 30


@dataclass(frozen=True)
class InspectionDraft:
    """An inspection as a person fills it in; `inspectors` are names with 、 between them."""

    kind: str
    held_on: date | None
    inspectors: str
    plan: str | None = None
    remarks: str | None = None


def add_inspection(enterprise_id: int, draft: InspectionDraft, actor: Viewer, ctx: Context) -> Inspection:
    """Raises OperationRefused."""
    enterprise = require_enterprise(enterprise_id, "inspections.edit", actor, ctx.store)
    values = _clean(draft, ctx)
    inspection = ctx.store.inspections.add(
        values["held_on"].year, author(actor), ctx.now, enterprise_id=enterprise.id, **values
    )
    ctx.store.audit_log.record(
        ctx.now,
        actor.name,
        "inspection_added",
        subject=inspection.audit_subject,
        enterprise=enterprise.code,
        inspection_kind=inspection.kind,
        day=inspection.held_on.isoformat(),
        people=inspection.inspector_names,
    )
    return inspection


def edit_inspection(
    number: str, draft: InspectionDraft, actor: Viewer, ctx: Context, version: int | None = None
) -> Inspection:
    """`version`: the one that the draft was made from, None to skip the check. Raises OperationRefused."""
    inspection = _lock(number, actor, ctx)
    if changes := apply_changes(inspection, _clean(draft, ctx), version, ctx):
        ctx.store.audit_log.record(
            ctx.now,
            actor.name,
            "inspection_edited",
            subject=inspection.audit_subject,
            inspection_fields=sorted(changes),
            changes=changes,
        )
    return inspection


def void_inspection(number: str, reason: str | None, actor: Viewer, ctx: Context) -> Inspection:
    """Refused as long as a hazard, document or case that is not void hangs on it. Raises OperationRefused."""
    inspection = _lock(number, actor, ctx)
    hanging = EnforcementFilter(inspection_number=inspection.number)
    hazards = ctx.store.inspections.hazard_counts([inspection.number]).get(inspection.number, {})
    if (
        any(count for state, count in hazards.items() if state != VOID)
        or ctx.store.enforcement.documents(hanging, limit=1)
        or ctx.store.enforcement.cases(hanging, limit=1)
    ):
        raise OperationRefused("inspections.still_used", number=inspection.number)
    why = declare_void(inspection, reason, actor, ctx)
    ctx.store.audit_log.record(ctx.now, actor.name, "inspection_voided", subject=inspection.audit_subject, reason=why)
    return inspection


def _lock(number: str, actor: Viewer, ctx: Context) -> Inspection:
    require_editor(actor)
    found = ctx.store.inspections.lock(find_inspection(number, actor, ctx.store).number)
    assert found is not None
    return found


def _clean(draft: InspectionDraft, ctx: Context) -> dict[str, Any]:
    if draft.kind not in INSPECTION_KINDS:
        raise OperationRefused("hazards.field_required", field=field_label("inspection_field.kind"))
    return {
        "kind": draft.kind,
        "held_on": past_day(draft.held_on, "inspection_field.held_on", ctx),
        "inspectors": _inspectors(draft.inspectors, ctx.store),
        "plan": clean_text(draft.plan, 100, "inspection_field.plan"),
        "remarks": clean_text(draft.remarks, 1000, "inspection_field.remarks"),
    }


def _inspectors(text: str, store: Store) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(filter(None, _SEPARATORS.split(text.replace("\0", "")))))
    label = "inspection_field.inspectors"
    if not names:
        raise OperationRefused("hazards.field_required", field=field_label(label))
    if len(names) > _MAX_INSPECTORS:
        raise OperationRefused("inspections.too_many_inspectors", max_count=_MAX_INSPECTORS)
    return [{"name": clean_text(name, 50, label), "id": _registered(name, store)} for name in names]


def _registered(name: str, store: Store) -> int | None:
    people = store.register.people_named(name)
    return people[0].id if len(people) == 1 else None
