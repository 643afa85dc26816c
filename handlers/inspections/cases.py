"""Cases filed against enterprises: with the fine once it is decided, closed on a day, or declared void."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from handlers.hazards.access import author
from handlers.hazards.fields import clean_text, field_label, required_text
from handlers.inspections.access import (
    apply_changes,
    declare_void,
    find_case,
    hazards_of,
    inspection_of,
    past_day,
    require_editor,
    require_in_force,
)
from handlers.permissions import Viewer
from schedules.context import Context
from storage.db.models import EnforcementCase, EnforcementDocument
from storage.errors import OperationRefused

_MAX_FINE_YUAN = 2_000_000_000


@dataclass(frozen=True)
class CaseCourse:
    """What becomes known in the course of a case. A fine has an amount and the day of its decision, or neither."""

    cause: str
    fine_yuan: int | None = None
    fined_on: date | None = None
    closed_on: date | None = None
    remarks: str | None = None


@dataclass(frozen=True)
class CaseDraft:
    """A new case; what it refers to is of the same enterprise, and its documents belong to no other case."""

    number: str
    filed_on: date | None
    course: CaseCourse
    inspection_number: str | None = None
    hazard_numbers: Sequence[str] = ()
    document_ids: Sequence[int] = ()


def add_case(enterprise_id: int, draft: CaseDraft, actor: Viewer, ctx: Context) -> EnforcementCase:
    """Raises OperationRefused."""
    require_editor(actor)
    number = required_text(draft.number, 60, "case_field.number")
    filed_on = past_day(draft.filed_on, "case_field.filed_on", ctx)
    hazards = hazards_of(draft.hazard_numbers, enterprise_id, ctx)
    documents = _documents(draft.document_ids, enterprise_id, ctx)
    ctx.store.lock_for_transaction(f"case/{number}")
    if ctx.store.enforcement.has_case(number):
        raise OperationRefused("inspections.case_exists", number=number)
    case = ctx.store.enforcement.add_case(
        author(actor),
        ctx.now,
        [hazard.number for hazard in hazards],
        number=number,
        filed_on=filed_on,
        enterprise_id=enterprise_id,
        inspection_number=inspection_of(draft.inspection_number, enterprise_id, ctx),
        **_clean(draft.course, filed_on, ctx),
    )
    for document in documents:
        document.case_id = case.id
    ctx.store.session.flush()
    _record_added(case, actor, ctx)
    return case


def _record_added(case: EnforcementCase, actor: Viewer, ctx: Context) -> None:
    enterprise = ctx.store.register.enterprise(case.enterprise_id)
    ctx.store.audit_log.record(
        ctx.now,
        actor.name,
        "case_added",
        subject=case.audit_subject,
        day=case.filed_on.isoformat(),
        enterprise=enterprise.code if enterprise else "",
        text=case.cause,
        fine_yuan=case.fine_yuan,
    )


def _documents(document_ids: Sequence[int], enterprise_id: int, ctx: Context) -> list[EnforcementDocument]:
    found = []
    for document_id in dict.fromkeys(document_ids):
        document = ctx.store.enforcement.lock_document(document_id)
        if document is None or document.enterprise_id != enterprise_id:
            raise OperationRefused("inspections.unknown_document")
        require_in_force(document)
        earlier = ctx.store.enforcement.case(document.case_id) if document.case_id is not None else None
        if earlier is not None and earlier.voided_at is None:
            raise OperationRefused("inspections.document_of_another_case", number=document.number)
        found.append(document)
    return found


def edit_case(
    case_id: int, course: CaseCourse, actor: Viewer, ctx: Context, version: int | None = None
) -> EnforcementCase:
    """`version`: the one that the course was made from, None to skip the check. Raises OperationRefused."""
    case = _lock(case_id, actor, ctx)
    if changes := apply_changes(case, _clean(course, case.filed_on, ctx), version, ctx):
        ctx.store.audit_log.record(
            ctx.now, actor.name, "case_edited", subject=case.audit_subject, case_fields=sorted(changes), changes=changes
        )
    return case


def void_case(case_id: int, reason: str | None, actor: Viewer, ctx: Context) -> EnforcementCase:
    """Its documents stay in force and may go to another case. Raises OperationRefused."""
    case = _lock(case_id, actor, ctx)
    why = declare_void(case, reason, actor, ctx)
    ctx.store.audit_log.record(ctx.now, actor.name, "case_voided", subject=case.audit_subject, reason=why)
    return case


def _lock(case_id: int, actor: Viewer, ctx: Context) -> EnforcementCase:
    require_editor(actor)
    found = ctx.store.enforcement.lock_case(find_case(case_id, actor, ctx.store).id)
    assert found is not None
    return found


def _clean(course: CaseCourse, filed_on: date, ctx: Context) -> dict[str, Any]:
    cause = required_text(course.cause, 500, "case_field.cause")
    if (course.fine_yuan is None) != (course.fined_on is None):
        raise OperationRefused("inspections.fine_and_day")
    if course.fine_yuan is not None and not 0 < course.fine_yuan <= _MAX_FINE_YUAN:
        raise OperationRefused(
            "hazards.unknown_choice", field=field_label("case_field.fine_yuan"), value=str(course.fine_yuan)
        )
    days = [filed_on]
    for label, day in (("case_field.fined_on", course.fined_on), ("case_field.closed_on", course.closed_on)):
        if day is not None and past_day(day, label, ctx) < days[-1]:
            raise OperationRefused("inspections.day_too_early", field=field_label(label), first=days[-1].isoformat())
        days += [day] if day is not None else []
    return {
        "cause": cause,
        "fine_yuan": course.fine_yuan,
        "fined_on": course.fined_on,
        "closed_on": course.closed_on,
        "remarks": clean_text(course.remarks, 1000, "case_field.remarks"),
    }
