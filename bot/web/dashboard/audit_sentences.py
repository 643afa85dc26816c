"""Entries of the audit log as Chinese sentences."""

from __future__ import annotations

from functools import cache
from typing import Any

from bot.texts import all_texts, placeholders, say
from bot.workbooks.register.schema import SHEETS
from storage.db.models import AuditEntry

_NOTHING = "—"
# Details whose values have texts of their own.
_VALUE_TEXTS = {
    "verdict": "verdict.{}",
    "before": "verdict.{}",
    "channel": "channel.{}",
    "realm": "realm.{}",
    "cause": "alert_page.{}",
    "sign_in_method": "sign_in.by_{}",
    "second_factor": "audit_value.second_factor_{}",
    "inspection_kind": "inspection_kind.{}",
    "document_kind": "document_kind.{}",
}
# Details that list the changed fields of a noun.
_FIELD_TEXTS = {"hazard_fields": "hazard_field", "inspection_fields": "inspection_field", "case_fields": "case_field"}


def audit_sentence(entry: AuditEntry) -> str:
    """What was done, without who did it; an action of another version of this program stands as it was recorded."""
    key = f"audit_action.{entry.action}"
    if key not in all_texts():
        return entry.action
    subject = entry.subject or _NOTHING
    values = {"subject": subject, "subject_name": subject.rpartition("/")[2]}
    return say(key, **{name: values.get(name) or _detail(entry, name) for name in placeholders(key)})


def _detail(entry: AuditEntry, name: str) -> Any:
    value = entry.detail.get(name)
    if name == "number":
        return say("audit_value.amendment", number=value) if value else say("audit_value.report")
    if name in _FIELD_TEXTS and isinstance(value, list):
        return "、".join(say(f"{_FIELD_TEXTS[name]}.{each}") for each in value)
    key = _VALUE_TEXTS.get(name, "").format(value).lower()
    if key in all_texts():
        return say(key)
    return _NOTHING if value in (None, "", []) else value


def field_label(field: str) -> str:
    """The heading of a register column; the field itself where it has none."""
    return _column_titles().get(field, field)


@cache
def _column_titles() -> dict[str, str]:
    return {column.field: column.title for sheet in reversed(SHEETS) for column in reversed(sheet.columns)}
