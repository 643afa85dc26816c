"""The fields of a hazard that people fill in: cleaned, checked, and with the ids that go with names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from handlers.hazards.access import inspection_in_force
from schedules.context import Context
from schedules.hazards.criteria import find_criterion
from storage import hazard_terms as terms
from storage.errors import OperationRefused

MAX_REASON = 500
_MAX_LENGTHS = {
    "matter": 300,
    "responsible": 50,
    "measure": 1000,
    "cause": 1000,
    "supervised_by": 100,
    "supervisor": 50,
    "remarks": 1000,
    "hazard_code": 36,
    "risk_measure_id": 36,
    "check_record_id": 36,
}
_CHOICES = {
    "level": terms.LEVELS,
    "source": terms.SOURCES,
    "kind": terms.KINDS,
    "treatment": terms.TREATMENTS,
    "classification": terms.CLASSIFICATIONS,
    "stage": terms.STAGES,
}
# Fields that always have a value.
_NEVER_EMPTY = ("level", "source", "kind", "treatment")
_MAX_COST_YUAN = 2_000_000_000
_MAX_NUMBER = 20


@dataclass(frozen=True)
class FieldBase:
    """What the checks of fields depend on: the enterprise, and the date on which the hazard was found."""

    enterprise_id: int
    found_on: date


def clean_fields(given: Mapping[str, Any], base: FieldBase, ctx: Context) -> dict[str, Any]:
    """The columns to store for fields as people gave them; empty texts become None.

    `deadline` is a date, `part_id` that of a part in use, `plan` heading -> text, `cost_yuan` an integer; all others
    are texts.
    Raises OperationRefused, and KeyError for a field that people do not fill in.
    """
    cleaned: dict[str, Any] = {}
    for name, value in given.items():
        cleaned |= _CLEANERS[name](name, value, base, ctx)
    return cleaned


def field_label(name: str) -> dict[str, str]:
    """A text parameter that is rendered as the Chinese name of a field: of a hazard, unless it names its section."""
    return {"say": name if "." in name else f"hazard_field.{name}"}


def clean_text(value: Any, max_length: int, label: str) -> str | None:
    """Raises OperationRefused for a text that is too long."""
    text = " ".join(str(value or "").replace("\0", "").split())
    if len(text) > max_length:
        raise OperationRefused("hazards.too_long", field=field_label(label), max_length=max_length)
    return text or None


def required_text(value: Any, max_length: int, label: str) -> str:
    """Raises OperationRefused for a text that is empty or too long."""
    text = clean_text(value, max_length, label)
    if text is None:
        raise OperationRefused("hazards.field_required", field=field_label(label))
    return text


def required_reason(reason: str | None) -> str:
    """Raises OperationRefused."""
    text = clean_text(reason, MAX_REASON, "reason")
    if text is None:
        raise OperationRefused("hazards.reason_required")
    return text


def _text(name: str, value: Any, base: FieldBase, ctx: Context) -> dict[str, Any]:
    return {name: clean_text(value, _MAX_LENGTHS[name], name)}


def _choice(name: str, value: Any, base: FieldBase, ctx: Context) -> dict[str, Any]:
    if value in _CHOICES[name] or (value is None and name not in _NEVER_EMPTY):
        return {name: value}
    raise OperationRefused("hazards.unknown_choice", field=field_label(name), value=str(value))


def _criterion(name: str, value: Any, base: FieldBase, ctx: Context) -> dict[str, Any]:
    text = clean_text(value, 100, name)
    criterion = find_criterion(text, base.found_on) if text else None
    if text and criterion is None:
        raise OperationRefused("hazards.unknown_criterion", criterion=text, found=base.found_on.isoformat())
    return {name: criterion}


def _deadline(name: str, value: date | None, base: FieldBase, ctx: Context) -> dict[str, Any]:
    if value is not None and value < ctx.today:
        raise OperationRefused("hazards.deadline_past", deadline=value.isoformat())
    if value is not None and value < base.found_on:
        raise OperationRefused(
            "hazards.deadline_before_finding", deadline=value.isoformat(), found=base.found_on.isoformat()
        )
    return {name: value}


def _part(name: str, value: int | None, base: FieldBase, ctx: Context) -> dict[str, Any]:
    part = ctx.store.register.part(value) if value is not None else None
    if value is not None and (part is None or part.enterprise_id != base.enterprise_id or not part.in_use):
        raise OperationRefused("hazards.part_of_another")
    return {name: value}


def _inspection(name: str, value: Any, base: FieldBase, ctx: Context) -> dict[str, Any]:
    text = clean_text(value, _MAX_NUMBER, name)
    return {name: inspection_in_force(text, base.enterprise_id, ctx.store).number if text else None}


def _responsible(name: str, value: Any, base: FieldBase, ctx: Context) -> dict[str, Any]:
    """With the id of the person, if the enterprise has exactly one of that name."""
    text = clean_text(value, _MAX_LENGTHS[name], name)
    ids = ctx.store.register.employees_named(base.enterprise_id, text) if text else []
    return {name: text, "responsible_id": ids[0] if len(ids) == 1 else None}


def _cost(name: str, value: int | None, base: FieldBase, ctx: Context) -> dict[str, Any]:
    if value is not None and not 0 <= value <= _MAX_COST_YUAN:
        raise OperationRefused("hazards.unknown_choice", field=field_label(name), value=str(value))
    return {name: value}


def _plan(name: str, value: Mapping[str, Any] | None, base: FieldBase, ctx: Context) -> dict[str, Any]:
    """Headings without a text are left out."""
    texts = {heading: clean_text((value or {}).get(heading), 2000, name) for heading in terms.PLAN_HEADINGS}
    return {name: {heading: text for heading, text in texts.items() if text} or None}


_CLEANERS: dict[str, Callable[[str, Any, FieldBase, Context], dict[str, Any]]] = {
    **dict.fromkeys(_MAX_LENGTHS, _text),
    **dict.fromkeys(_CHOICES, _choice),
    "criterion": _criterion,
    "deadline": _deadline,
    "part_id": _part,
    "inspection_number": _inspection,
    "responsible": _responsible,
    "cost_yuan": _cost,
    "plan": _plan,
}
FIELD_NAMES = frozenset(_CLEANERS)
