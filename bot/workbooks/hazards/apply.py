"""Brings the ledger to what a sheet says: new hazards are added, editable fields of known ones changed."""

from __future__ import annotations

import hashlib
from bisect import bisect_right, insort
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from bot.workbooks.hazards.columns import EDITABLE, SHEET_TITLE, heading_of
from bot.workbooks.hazards.printed import PrintedRows
from bot.workbooks.register.parse import ParsedRegister, ParsedRow
from bot.workbooks.register.result import CellChange, CellError, ImportRefusal, ImportResult, NewRow
from bot.workbooks.register.rows import cell_text
from handlers.hazards.adding import HazardDraft, add_new_hazard
from handlers.hazards.editing import edit_hazard
from handlers.part_names import find_part
from handlers.permissions import Viewer
from schedules.context import Context
from storage.db.models import Enterprise, Hazard
from storage.errors import OperationRefused
from storage.hazard_queries import REPEAT_PERIOD
from storage.hazards import Author

# No sheet reports hazards that were found longer ago.
_OLDEST_FINDING = timedelta(days=10 * 366)
# Fields of a known hazard that no sheet can change: the acts on a hazard do.
_FIXED = ("enterprise", "found_at", "found_by", "rectified_by", "state", "accepted_by", "accepted_on", "closed_on")
# Fields that a new hazard cannot have yet.
_ONLY_BY_ACTS = ("accepted_by", "accepted_on", "closed_on")
_NEW_STATES = ("", "待补全", "待整改", "整改中")
# The field that a refusal of an act is about.
_FIELD_OF_TEXT = {
    "hazards.deadline_past": "deadline",
    "hazards.deadline_before_finding": "deadline",
    "hazards.deadline_by_extension": "deadline",
    "hazards.unknown_criterion": "criterion",
    "hazards.found_in_future": "found_at",
    "hazards.part_of_another": "part",
    "hazards.enterprise_deregistered": "enterprise",
    "hazards.wrong_state": "number",
    "inspections.unknown": "inspection_number",
    "inspections.of_another_enterprise": "inspection_number",
    "inspections.is_void": "inspection_number",
}


# What a changed row is compared by: to complete a hazard moves it, too.
_COMPARED = ("part", *EDITABLE, "state")


def apply_hazards(
    parsed: ParsedRegister, actor: Viewer, ctx: Context, *, dry_run: bool = False, confirmed: str | None = None
) -> ImportResult:
    """Bring the ledger to what a sheet says; a refused cell or `dry_run` leaves everything as it was.

    `confirmed`: see ImportResult.differs_from.
    """
    with ctx.store.session.begin_nested() as attempt:
        result = SheetImport(parsed, actor, ctx).run()
        if result.refusals or dry_run or result.differs_from(confirmed):
            attempt.rollback()
            return result
    result.applied = True
    return result


class SheetImport:
    """One sheet into the ledger. With refusals the caller undoes the transaction."""

    def __init__(self, parsed: ParsedRegister, actor: Viewer, ctx: Context) -> None:
        self._parsed, self._actor, self._ctx = parsed, actor, ctx
        self.result = ImportResult(refusals=list(parsed.refusals), unknown_sheets=list(parsed.unknown_sheets))
        self.result.unknown_columns = list(parsed.unknown_columns)
        self._printed = PrintedRows(ctx)
        self._by_code = {each.code: each for each in self._printed.enterprises.values()}
        self._repeats = _Repeats(ctx)
        self._changed: dict[str, tuple[ParsedRow, Hazard]] = {}
        self._parts: dict[int, list[Any]] = {}
        for part in self._printed.parts.values():
            self._parts.setdefault(part.enterprise_id, []).append(part)

    def run(self) -> ImportResult:
        """Apply every row; what is refused is in the result."""
        sheet = self._parsed.sheets.get(SHEET_TITLE)
        if sheet is None or self._parsed.has_unreadable_sheet:
            return self.result
        counts = self.result.sheet(SHEET_TITLE)
        counts.rows_read = sheet.rows_read
        keys = {_once_key(row) for row in sheet.rows if row.get("number") is None}
        known = self._ctx.store.hazards.existing_keys(keys)
        # A refused row undoes all, so each of these numbers is used or given back.
        numbered = self._ctx.store.hazards.reserved_numbers(self._ctx.today.year, len(keys - known))
        hazards = self._ctx.store.hazards.of_numbers(str(row.get("number")) for row in sheet.rows if row.get("number"))
        printed = {row["number"]: row for row in self._printed.of(list(hazards.values()))}
        # New hazards are written together at the end.
        with self._ctx.store.session.no_autoflush, numbered:
            for row in sheet.rows:
                number = row.get("number")
                try:
                    if number is None:
                        counts.count(new=self._add(row, known))
                    else:
                        counts.count(new=False, changed=self._change(row, hazards.get(number), printed.get(number, {})))
                except CellError as error:
                    self._refuse(row, "enterprise_code" if row.get("enterprise_code") else "enterprise", error.reason)
                except OperationRefused as error:
                    field = _FIELD_OF_TEXT.get(error.text_key, "matter")
                    self._refuse(row, field, CellError(error.text_key, **error.params).reason)
        self._ctx.store.session.flush()
        self._record_changes(printed)
        return self.result

    def _record_changes(self, before: dict[str, dict[str, Any]]) -> None:
        """Every cell of the ledger that differs, as the workbook shows it."""
        after = self._printed.of([hazard for _, hazard in self._changed.values()])
        for row in after:
            number = row["number"]
            for field in _COMPARED:
                old, new = (cell_text(values[field]) for values in (before[number], row))
                if old != new:
                    place = (SHEET_TITLE, self._changed[number][0].number, number, heading_of(field))
                    self.result.changes.append(CellChange(*place, old, new))

    def _refuse(self, row: ParsedRow, field: str, reason: str) -> None:
        value = row.get(field)
        shown = "" if value is None else str(value)
        self.result.refusals.append(ImportRefusal(SHEET_TITLE, row.number, heading_of(field), shown, reason))

    # New hazards

    def _add(self, row: ParsedRow, known: set[str]) -> bool:
        """Whether the row is new."""
        key = _once_key(row)
        if key in known:
            return False
        known.add(key)
        for field in _ONLY_BY_ACTS:
            if row.get(field) is not None:
                self._refuse(row, field, CellError("hazards.only_by_acts").reason)
        if (row.get("state") or "") not in _NEW_STATES:
            self._refuse(row, "state", CellError("hazards.only_by_acts").reason)
        enterprise = self._enterprise(row)
        given = {name: row.get(name) for name in EDITABLE if row.get(name) is not None}
        fields = {**given, "part_id": self._part_id(row, enterprise)}
        found_at, found_by = row.get("found_at"), row.get("found_by")
        draft = HazardDraft(
            enterprise.id,
            fields,
            found_at=self._instant(found_at) if found_at else None,
            found_by=Author(None, found_by) if found_by else None,
            once_key=key,
        )
        added = add_new_hazard(draft, self._actor, self._ctx, self._repeats.find)
        self._repeats.add(added)
        what = (enterprise.short_name, row.get("part"), row.get("matter"))
        self.result.new_rows.append(NewRow(SHEET_TITLE, row.number, " ".join(filter(None, what))))
        return True

    def _instant(self, at: datetime) -> datetime:
        return at.replace(tzinfo=self._ctx.rules.zone)

    def _enterprise(self, row: ParsedRow) -> Enterprise:
        """By the code, or by the name where there is no code."""
        code, name = row.get("enterprise_code"), row.get("enterprise")
        if code is not None:
            found = [self._by_code[code]] if code in self._by_code else []
        else:
            found = [each for each in self._by_code.values() if name in (each.name, each.short_name, each.code)]
        if len(found) != 1:
            raise CellError("enterprise_name.unknown", text=code or name or "")
        return found[0]

    def _part_id(self, row: ParsedRow, enterprise: Enterprise) -> int | None:
        text = row.get("part")
        if text is None:
            return None
        parts = [each for each in self._parts.get(enterprise.id, []) if each.in_use]
        part = next((each for each in parts if text in (each.number, each.name, each.label)), None)
        part = part or find_part(text, parts)
        if part is None:
            labels = [each.label for each in parts]
            raise OperationRefused("attach.no_such_part", enterprise=enterprise.short_name, text=text, parts=labels)
        return int(part.id)

    # Known hazards

    def _change(self, row: ParsedRow, hazard: Hazard | None, printed: dict[str, Any]) -> bool:
        """Whether the row changes anything of the hazard that it names. Empty cells do not."""
        if hazard is None:
            self._refuse(row, "number", CellError("hazards.unknown", number=row.get("number")).reason)
            return False
        for field in _FIXED:
            value = row.get(field)
            if value is not None and self._compared(value) != printed[field]:
                self._refuse(row, field, CellError("hazards.only_by_acts").reason)
        changes = {
            name: row.get(name)
            for name in EDITABLE
            if row.get(name) is not None and row.get(name) != getattr(hazard, name)
        }
        changes |= self._changed_part(row, hazard, printed["part"])
        if changes:
            edit_hazard(hazard.number, changes, self._actor, self._ctx)
            self._changed[hazard.number] = (row, hazard)
        return bool(changes)

    def _compared(self, value: Any) -> Any:
        return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value

    def _changed_part(self, row: ParsedRow, hazard: Hazard, label: str | None) -> dict[str, Any]:
        if row.get("part") in (None, label):
            return {}
        part_id = self._part_id(row, self._printed.enterprises[hazard.enterprise_id])
        return {"part_id": part_id} if part_id != hazard.part_id else {}


class _Repeats:
    """Earlier hazards by part and kind, among them those of the same sheet: one query for all rows."""

    def __init__(self, ctx: Context) -> None:
        self._found: dict[tuple[int, str], list[tuple[date, str]]] = defaultdict(list)
        for part_id, kind, found_on, number in ctx.store.hazards.repeatable(ctx.today - _OLDEST_FINDING):
            self._found[part_id, kind].append((found_on, number))

    def find(self, part_id: int, kind: str, found_on: date) -> str | None:
        """As HazardQueries.repeated."""
        found = self._found[part_id, kind]
        place = bisect_right(found, found_on, key=lambda each: each[0])
        return found[place - 1][1] if place and found[place - 1][0] >= found_on - REPEAT_PERIOD else None

    def add(self, hazard: Hazard) -> None:
        if hazard.part_id is not None:
            entry = (hazard.found_on, hazard.number)
            insort(self._found[hazard.part_id, hazard.kind], entry, key=lambda each: each[0])


def _once_key(row: ParsedRow) -> str:
    """The same for the same row in any file, so that a sheet that is read twice adds nothing."""
    fields = ("enterprise_code", "enterprise", "part", "matter", "found_at", "found_by", "deadline")
    values = [row.get(field) for field in fields]
    # The same finding of another inspection is another hazard.
    if row.get("inspection_number") is not None:
        values.append(row.get("inspection_number"))
    return f"sheet/{hashlib.sha256(repr(values).encode()).hexdigest()[:32]}"
