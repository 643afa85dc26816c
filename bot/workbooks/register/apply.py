"""A read register becomes rows: all of it or nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from bot.workbooks.register.content import apply_content, store_files
from bot.workbooks.register.enterprises import apply_enterprises, apply_groups, apply_parts
from bot.workbooks.register.import_context import ImportContext
from bot.workbooks.register.parse import ParsedRegister
from bot.workbooks.register.people import apply_people
from bot.workbooks.register.result import ImportResult
from bot.workbooks.register.roster import apply_roster
from bot.workbooks.register.rules import apply_rules
from storage.db.models import Enterprise
from storage.objects import ObjectStore
from storage.store import Store

STEPS = (apply_groups, apply_enterprises, apply_parts, apply_people, apply_roster, apply_rules, apply_content)


def apply_register(
    parsed: ParsedRegister,
    store: Store,
    objects: ObjectStore,
    now: datetime,
    *,
    dry_run: bool = False,
    actor: str | None = "night-patrol import",
) -> ImportResult:
    """Bring the register to what the workbook says; a refused cell or `dry_run` leaves everything as it was.

    `store` must belong to a writing transaction, which the caller commits. Content files are kept
    in `objects` only when the whole import is applied. Raises storage.objects.ObjectError when
    they cannot be; then nothing is changed either. The trail says `actor` did it; None leaves that to the caller.
    """
    outcome = _outcome(parsed)
    if parsed.has_unreadable_sheet:
        return outcome
    with store.session.begin_nested() as attempt:
        work = _work(parsed, store, now, outcome)
        for step in STEPS:
            step(work)
        store.session.flush()
        if outcome.refusals or dry_run:
            attempt.rollback()
            return outcome
        store_files(parsed, objects)
        if actor is not None and (outcome.added or outcome.changed):
            store.audit_log.record(now, actor, "register_imported", added=outcome.added, changed=outcome.changed)
    outcome.applied = True
    return outcome


def _outcome(parsed: ParsedRegister) -> ImportResult:
    outcome = ImportResult(
        refusals=list(parsed.refusals),
        unknown_sheets=list(parsed.unknown_sheets),
        unknown_columns=list(parsed.unknown_columns),
    )
    for title, sheet in parsed.sheets.items():
        outcome.sheet(title).rows_read = sheet.rows_read
    return outcome


def _work(parsed: ParsedRegister, store: Store, now: datetime, outcome: ImportResult) -> ImportContext:
    groups = {group.name: group for group in store.register.groups()}
    enterprises = {found.code: found for found in store.session.scalars(select(Enterprise).order_by(Enterprise.id))}
    return ImportContext(parsed, store, now, outcome, groups, enterprises)
