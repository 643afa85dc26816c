"""Documents that the office issues: registered, given their file once, and declared void."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from handlers.hazards.access import author
from handlers.hazards.fields import clean_text, field_label, required_text
from handlers.inspections.access import (
    declare_void,
    find_document,
    hazards_of,
    inspection_of,
    past_day,
    require_editor,
    require_in_force,
)
from handlers.permissions import Viewer
from schedules.context import Context
from storage.audit_log import DOCUMENT_FILE_ADDED
from storage.db.models import EnforcementDocument
from storage.errors import OperationRefused
from storage.inspection_terms import DOCUMENT_KINDS


@dataclass(frozen=True)
class StoredFile:
    """A file in the object store."""

    name: str
    object_key: str
    sha256: str


@dataclass(frozen=True)
class DocumentDraft:
    """A document as a person fills it in; what it refers to is of the same enterprise."""

    kind: str
    number: str
    issued_on: date | None
    inspection_number: str | None = None
    case_id: int | None = None
    hazard_numbers: Sequence[str] = ()
    remarks: str | None = None
    file: StoredFile | None = None


def add_document(enterprise_id: int, draft: DocumentDraft, actor: Viewer, ctx: Context) -> EnforcementDocument:
    """Raises OperationRefused."""
    require_editor(actor)
    if draft.kind not in DOCUMENT_KINDS:
        raise OperationRefused("hazards.field_required", field=field_label("document_field.kind"))
    number = required_text(draft.number, 60, "document_field.number")
    issued_on = past_day(draft.issued_on, "document_field.issued_on", ctx)
    hazards = hazards_of(draft.hazard_numbers, enterprise_id, ctx)
    ctx.store.lock_for_transaction(f"document/{draft.kind}/{number}")
    if ctx.store.enforcement.has_document(draft.kind, number):
        kind = {"say": f"document_kind.{draft.kind}"}
        raise OperationRefused("inspections.document_exists", document_kind=kind, number=number)
    document = ctx.store.enforcement.add_document(
        author(actor),
        ctx.now,
        [hazard.number for hazard in hazards],
        kind=draft.kind,
        number=number,
        issued_on=issued_on,
        enterprise_id=enterprise_id,
        inspection_number=inspection_of(draft.inspection_number, enterprise_id, ctx),
        case_id=_case_of(draft.case_id, enterprise_id, ctx),
        remarks=clean_text(draft.remarks, 1000, "document_field.remarks"),
    )
    _record_added(document, actor, ctx)
    if draft.file is not None:
        _give_file(document, draft.file, actor, ctx)
    return document


def _case_of(case_id: int | None, enterprise_id: int, ctx: Context) -> int | None:
    if case_id is None:
        return None
    case = ctx.store.enforcement.case(case_id)
    if case is None or case.enterprise_id != enterprise_id:
        raise OperationRefused("inspections.unknown_case")
    require_in_force(case)
    return case.id


def _record_added(document: EnforcementDocument, actor: Viewer, ctx: Context) -> None:
    enterprise = ctx.store.register.enterprise(document.enterprise_id)
    ctx.store.audit_log.record(
        ctx.now,
        actor.name,
        "document_added",
        subject=document.audit_subject,
        document_kind=document.kind,
        day=document.issued_on.isoformat(),
        enterprise=enterprise.code if enterprise else "",
    )


def add_file(document_id: int, file: StoredFile, actor: Viewer, ctx: Context) -> EnforcementDocument:
    """Give a document its file, which is never replaced. Raises OperationRefused."""
    document = _lock(document_id, actor, ctx)
    require_in_force(document)
    if document.sha256 is not None:
        raise OperationRefused("inspections.file_exists", number=document.number)
    _give_file(document, file, actor, ctx)
    return document


def _give_file(document: EnforcementDocument, file: StoredFile, actor: Viewer, ctx: Context) -> None:
    document.file_name, document.object_key, document.sha256 = file.name, file.object_key, file.sha256
    ctx.store.session.flush()
    ctx.store.audit_log.record(
        ctx.now,
        actor.name,
        DOCUMENT_FILE_ADDED,
        subject=document.audit_subject,
        document_kind=document.kind,
        file=file.name,
        object_key=file.object_key,
        sha256=file.sha256,
    )


def void_document(document_id: int, reason: str | None, actor: Viewer, ctx: Context) -> EnforcementDocument:
    """It stays on record; its number may be used once more. Raises OperationRefused."""
    document = _lock(document_id, actor, ctx)
    why = declare_void(document, reason, actor, ctx)
    ctx.store.audit_log.record(
        ctx.now, actor.name, "document_voided", subject=document.audit_subject, document_kind=document.kind, reason=why
    )
    return document


def _lock(document_id: int, actor: Viewer, ctx: Context) -> EnforcementDocument:
    require_editor(actor)
    found = ctx.store.enforcement.lock_document(find_document(document_id, actor, ctx.store).id)
    assert found is not None
    return found
