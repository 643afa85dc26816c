"""Applies a parsed register to the database, all of it or nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from bot.workbooks.register.changes import record_changes
from bot.workbooks.register.content import apply_content, store_files
from bot.workbooks.register.enterprises import apply_enterprises, apply_groups, apply_parts
from bot.workbooks.register.hazard_sources import apply_hazard_sources
from bot.workbooks.register.import_context import ImportContext
from bot.workbooks.register.parse import ParsedRegister
from bot.workbooks.register.people import apply_people
from bot.workbooks.register.result import ImportResult
from bot.workbooks.register.roster import apply_roster
from bot.workbooks.register.rows import register_rows
from bot.workbooks.register.rules import apply_rules
from storage.db.models import Enterprise
from storage.objects import ObjectStore
from storage.store import Store

STEPS = (
    apply_groups,
    apply_enterprises,
    apply_parts,
    apply_people,
    apply_hazard_sources,
    apply_roster,
    apply_rules,
    apply_content,
)


def apply_register(
    parsed: ParsedRegister,
    store: Store,
    objects: ObjectStore,
    now: datetime,
    *,
    dry_run: bool = False,
    confirmed: str | None = None,
    actor: str | None = "night-patrol import",
    may_appoint: bool = True,
) -> ImportResult:
    """Bring the register to what the workbook says; a refused cell or `dry_run` leaves everything as it was.

    The caller commits. Content files are stored in `objects` when all is applied; if that fails, ObjectError is raised
    and nothing is changed. The audit log names `actor`, None: no entry. Without `may_appoint`, rows that change
    APPOINTED_ROLES, or accounts of people who have one, are refused. `confirmed`: see ImportResult.differs_from.
    """
    result = _initial_result(parsed)
    if parsed.has_unreadable_sheet:
        return result
    with store.session.begin_nested() as attempt:
        _run_steps(_import_context(parsed, store, now, result, may_appoint=may_appoint))
        if result.refusals or dry_run or result.differs_from(confirmed):
            attempt.rollback()
            return result
        store_files(parsed, objects)
        if actor is not None and (result.added or result.changed):
            store.audit_log.record(now, actor, "register_imported", added=result.added, changed=result.changed)
    result.applied = True
    return result


def _run_steps(context: ImportContext) -> None:
    before = register_rows(context.store, context.parsed.sheets)
    for step in STEPS:
        step(context)
    context.store.session.flush()
    record_changes(context, before, register_rows(context.store, context.parsed.sheets))


def _initial_result(parsed: ParsedRegister) -> ImportResult:
    result = ImportResult(
        refusals=list(parsed.refusals),
        warnings=list(parsed.warnings),
        notes=list(parsed.notes),
        hidden_sheets=list(parsed.hidden_sheets),
        unknown_sheets=list(parsed.unknown_sheets),
        unknown_columns=list(parsed.unknown_columns),
    )
    for title, sheet in parsed.sheets.items():
        result.sheet(title).rows_read = sheet.rows_read
    return result


def _import_context(
    parsed: ParsedRegister, store: Store, now: datetime, result: ImportResult, *, may_appoint: bool
) -> ImportContext:
    groups = {group.name: group for group in store.register.groups()}
    enterprises = {
        enterprise.code: enterprise for enterprise in store.session.scalars(select(Enterprise).order_by(Enterprise.id))
    }
    return ImportContext(parsed, store, now, result, groups, enterprises, may_appoint)
