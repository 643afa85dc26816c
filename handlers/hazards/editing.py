"""Changes to the fields of a hazard; filling in what was lacking puts it into rectification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.hazards.access import author, lock_hazard
from handlers.hazards.fields import FIELD_NAMES, FieldBase, clean_fields, field_label
from handlers.hazards.telling import tell_to_rectify
from handlers.permissions import COUNTY_ROLES, Viewer
from schedules.context import Context
from schedules.hazards.rules import REQUIRED_FIELDS, lacks
from storage.db.models import Hazard
from storage.errors import OperationRefused
from storage.hazard_terms import AWAITING_ACCEPTANCE, INCOMPLETE, MAJOR, RECTIFYING, SELF_CHECK

# What an enterprise fills in for a hazard that others have found; of one that it found itself, all but what the office
# decides.
_ENTERPRISE_FIELDS = frozenset({"responsible", "measure", "cause", "cost_yuan", "plan"})
_OFFICE_FIELDS = frozenset({"source", "inspection_number", "supervised_by", "supervisor"})


@dataclass(frozen=True)
class FieldDifference:
    """A field that two people changed at once: the value that is stored, and the one that was given."""

    name: str
    stored: Any
    given: Any


class HazardConflict(OperationRefused):
    """The hazard was changed since the version that an edit was made from."""

    def __init__(self, hazard: Hazard, differences: list[FieldDifference]) -> None:
        lines = [
            {
                "say": "hazards.difference",
                "field": field_label(each.name),
                "stored": _shown(each.stored),
                "given": _shown(each.given),
            }
            for each in differences
        ]
        super().__init__("hazards.changed_meanwhile", number=hazard.number, differences=lines)
        self.hazard, self.differences = hazard, differences


def editable_fields(hazard: Hazard, actor: Viewer) -> frozenset[str]:
    """The fields of an open hazard that the actor may change; an enterprise cannot lower the level of a major one."""
    if actor.roles & COUNTY_ROLES:
        return FIELD_NAMES
    if hazard.source != SELF_CHECK:
        return _ENTERPRISE_FIELDS
    return FIELD_NAMES - _OFFICE_FIELDS - ({"level"} if hazard.level == MAJOR else set())


def edit_hazard(
    number: str, changes: Mapping[str, Any], actor: Viewer, ctx: Context, version: int | None = None
) -> Hazard:
    """Change fields of an open hazard. `version`: the one that the changes were made from, None to skip the check.

    `changes`: see handlers.hazards.fields. Raises HazardConflict, OperationRefused.
    """
    hazard = lock_hazard(number, "hazards.edit", actor, ctx, INCOMPLETE, RECTIFYING, AWAITING_ACCEPTANCE)
    differing = {name: value for name, value in changes.items() if getattr(hazard, name) != value}
    for name in differing.keys() - editable_fields(hazard, actor):
        raise OperationRefused("hazards.field_of_office", field=field_label(name))
    cleaned = clean_fields(differing, FieldBase(hazard.enterprise_id, hazard.found_on), ctx)
    changed = {name: value for name, value in cleaned.items() if getattr(hazard, name) != value}
    if version is not None and version != hazard.version:
        differences = [FieldDifference(name, getattr(hazard, name), changed.get(name)) for name in changed]
        raise HazardConflict(hazard, [each for each in differences if each.name in changes])
    if changed:
        _check_still_complete(hazard, changed)
        _apply(hazard, changed, actor, ctx)
    return hazard


def _check_still_complete(hazard: Hazard, changed: Mapping[str, Any]) -> None:
    if hazard.state == INCOMPLETE:
        return
    if "deadline" in changed:
        raise OperationRefused("hazards.deadline_by_extension", number=hazard.number)
    for name in REQUIRED_FIELDS:
        if name in changed and changed[name] is None:
            raise OperationRefused("hazards.field_required", field=field_label(name))
    if changed.get("level", hazard.level) == MAJOR and changed.get("criterion", hazard.criterion) is None:
        raise OperationRefused("hazards.field_required", field=field_label("criterion"))


def _apply(hazard: Hazard, changed: Mapping[str, Any], actor: Viewer, ctx: Context) -> None:
    before = {name: getattr(hazard, name) for name in changed}
    for name, value in changed.items():
        setattr(hazard, name, value)
    if hazard.state == INCOMPLETE:
        _complete(hazard, actor, ctx)
    ctx.store.session.flush()
    ctx.store.audit_log.record(
        ctx.now,
        actor.name,
        "hazard_edited",
        subject=hazard.audit_subject,
        hazard_fields=sorted(name for name in changed if name != "responsible_id"),
        changes={name: [_shown(before[name]), _shown(value)] for name, value in changed.items()},
    )


def _complete(hazard: Hazard, actor: Viewer, ctx: Context) -> None:
    """Put the hazard into rectification if nothing is lacking any more; its deadline is then the first one for ever."""
    if hazard.part_id is not None and hazard.repeat_of is None:
        with ctx.store.session.no_autoflush:
            earlier = ctx.store.hazards.repeated(hazard.part_id, hazard.kind, hazard.found_on)
        hazard.repeat_of = earlier.number if earlier and earlier.number != hazard.number else None
    if lacks(hazard):
        return
    if hazard.deadline is not None and hazard.deadline < ctx.today:
        raise OperationRefused("hazards.deadline_past", deadline=hazard.deadline.isoformat())
    hazard.first_deadline = hazard.deadline
    ctx.store.hazards.move(hazard, RECTIFYING, author(actor), ctx.now)
    tell_to_rectify(hazard, ctx)


def _shown(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
