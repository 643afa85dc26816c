"""A new hazard: numbered, with what is known of it; in rectification as soon as nothing is lacking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from handlers.hazards.access import author, require_enterprise
from handlers.hazards.fields import FieldBase, clean_fields, field_label
from handlers.hazards.telling import tell_found, tell_to_rectify
from handlers.permissions import COUNTY_ROLES, Viewer
from schedules.context import Context
from schedules.hazards.rules import lacks
from schedules.patrol_night import local_instant
from storage.db.models import Hazard, Submission
from storage.errors import OperationRefused
from storage.hazard_terms import (
    BY_DEADLINE,
    GENERAL,
    INCOMPLETE,
    INSPECTION,
    NIGHT_PATROL,
    ON_THE_SPOT,
    RECTIFYING,
    SELF_CHECK,
)
from storage.hazards import Author
from storage.inspection_terms import hazard_source
from storage.store import Store

# Part, kind, and the date of the finding -> the number of the earlier hazard that a new one repeats.
FindRepeated = Callable[[int, str, date], str | None]
# By how much the clock of a platform may be ahead of ours.
_CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class HazardDraft:
    """What is known of a new hazard.

    `fields`: see handlers.hazards.fields; the source follows from the actor and the film if it is not among them.
    `found_at` (None = now) and `found_by` (None = the actor). `film`: the film or photo that shows it, `at_s` seconds
    from its start. A second draft with the same `once_key`, such as `verdict/12`, adds nothing. `withheld_until`: when
    the enterprise may learn of it (None = now).
    """

    enterprise_id: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    found_at: datetime | None = None
    found_by: Author | None = None
    film: Submission | None = None
    at_s: float | None = None
    once_key: str | None = None
    withheld_until: datetime | None = None


def add_hazard(draft: HazardDraft, actor: Viewer, ctx: Context) -> Hazard:
    """Add a hazard and tell those in charge, or give the one that was added with that once-key.

    Raises OperationRefused.
    """
    if draft.once_key is not None:
        ctx.store.lock_for_transaction(f"hazard/{draft.once_key}")
        existing = ctx.store.hazards.by_once_key(draft.once_key)
        if existing is not None:
            return existing
    hazard = add_new_hazard(draft, actor, ctx, find_repeated(ctx.store))
    ctx.store.session.flush()
    if hazard.state == RECTIFYING:
        tell_to_rectify(hazard, ctx)
    else:
        tell_found(hazard, ctx)
    return hazard


def find_repeated(store: Store) -> FindRepeated:
    """Looks for the earlier hazard in the database."""

    def find(part_id: int, kind: str, found_on: date) -> str | None:
        earlier = store.hazards.repeated(part_id, kind, found_on)
        return earlier.number if earlier else None

    return find


def add_new_hazard(draft: HazardDraft, actor: Viewer, ctx: Context, repeated: FindRepeated) -> Hazard:
    """Add a hazard whose once-key is known to be new; it is written with the next flush. Raises OperationRefused.

    No notices: those in charge learn of many hazards at once by the daily reminders.
    """
    enterprise = require_enterprise(draft.enterprise_id, "hazards.add", actor, ctx.store)
    hazard = _store(draft, actor, ctx, repeated)
    ctx.store.audit_log.record(
        ctx.now,
        actor.name,
        "hazard_added",
        subject=hazard.audit_subject,
        enterprise=enterprise.code,
        matter=hazard.matter,
    )
    return hazard


def _store(draft: HazardDraft, actor: Viewer, ctx: Context, repeated: FindRepeated) -> Hazard:
    draft = _completed_from_inspection(draft, actor, ctx)
    found_at, found_by = _found_at(draft, ctx), draft.found_by or author(actor)
    found_on = ctx.rules.local_date(found_at)
    values = _defaults(draft, actor) | clean_fields(draft.fields, FieldBase(draft.enterprise_id, found_on), ctx)
    if values["treatment"] == ON_THE_SPOT and values["deadline"] is None:
        values["deadline"] = ctx.today
    _check_film(draft, values["part_id"])
    if values["part_id"] is not None:
        values["repeat_of"] = repeated(values["part_id"], values["kind"], found_on)
    is_complete = not lacks(Hazard(**values))
    return ctx.store.hazards.add(
        ctx.today.year,
        RECTIFYING if is_complete else INCOMPLETE,
        author(actor),
        ctx.now,
        **values,
        first_deadline=values["deadline"] if is_complete else None,
        enterprise_id=draft.enterprise_id,
        found_at=found_at,
        found_on=found_on,
        found_by=found_by.name,
        found_by_id=found_by.id,
        submission_id=draft.film.id if draft.film else None,
        at_s=draft.at_s,
        once_key=draft.once_key,
        withheld_until=draft.withheld_until,
    )


def _completed_from_inspection(draft: HazardDraft, actor: Viewer, ctx: Context) -> HazardDraft:
    """What the draft does not say of source, finder and time is that of the inspection on which it was found."""
    number = str(draft.fields.get("inspection_number") or "").strip().upper()
    inspection = ctx.store.inspections.get(number) if number else None
    if number and not actor.roles & COUNTY_ROLES:
        raise OperationRefused("hazards.field_of_office", field=field_label("inspection_number"))
    if inspection is None:
        return draft
    ids = [each["id"] for each in inspection.inspectors]
    return replace(
        draft,
        fields={"source": hazard_source(inspection.kind), **draft.fields},
        found_at=draft.found_at or local_instant(inspection.held_on, time(), ctx.rules),
        found_by=draft.found_by or Author(ids[0] if len(ids) == 1 else None, inspection.inspector_names),
    )


def _defaults(draft: HazardDraft, actor: Viewer) -> dict[str, Any]:
    source = INSPECTION if actor.roles & COUNTY_ROLES else SELF_CHECK
    return {
        "source": NIGHT_PATROL if draft.film is not None and actor.roles & COUNTY_ROLES else source,
        "level": GENERAL,
        "kind": "other",
        "treatment": BY_DEADLINE,
        "part_id": draft.film.part_id if draft.film else None,
        **dict.fromkeys(("criterion", "matter", "responsible", "measure", "deadline")),
    }


def _found_at(draft: HazardDraft, ctx: Context) -> datetime:
    found_at = draft.found_at or ctx.now
    if found_at > ctx.now + _CLOCK_TOLERANCE:
        raise OperationRefused("hazards.found_in_future")
    return min(found_at, ctx.now)


def _check_film(draft: HazardDraft, part_id: int | None) -> None:
    film = draft.film
    if film is not None and (film.enterprise_id != draft.enterprise_id or film.part_id not in (None, part_id)):
        raise OperationRefused("hazards.film_of_another_part", receipt=film.receipt)
