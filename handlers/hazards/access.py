"""Who acts on which hazard: everything that the acts on hazards check first."""

from __future__ import annotations

from datetime import datetime

from handlers.permissions import ADMIN, Viewer, build_viewer
from schedules.context import Context
from schedules.hazards.rules import lacks
from schedules.patrol_night import ONE_DAY
from storage.db.models import Enterprise, Hazard, Inspection, Person, Submission
from storage.errors import OperationRefused
from storage.hazard_terms import INCOMPLETE
from storage.hazards import Author, HazardFilter
from storage.register_terms import DEREGISTERED
from storage.store import Store


def actor_of(person: Person, store: Store) -> Viewer:
    """A person of the register as the author of an act."""
    employers = store.register.enterprise_ids_of([person.id])[person.id]
    return build_viewer(person.id, person.name, person.roles, employers)


def command_actor(name: str) -> Viewer:
    """A command as the author of what it does: with the rights of the office, and no person of the register."""
    return Viewer(0, name, frozenset({ADMIN}), None)


def actor_named(name: str, store: Store) -> Viewer:
    """The one active person of that name. Raises OperationRefused."""
    people = store.register.people_named(name.strip())
    if not people:
        raise OperationRefused("hazards.nobody_named", name=name.strip())
    if len(people) > 1:
        raise OperationRefused("hazards.several_people_named", name=name.strip())
    return actor_of(people[0], store)


def film_of_receipt(receipt: str, ctx: Context) -> Submission:
    """The latest film or photo with that receipt. Raises OperationRefused."""
    film = ctx.store.submissions.by_receipt(receipt.strip(), ctx.today + ONE_DAY)
    if film is None:
        raise OperationRefused("attach.no_such_receipt", receipt=receipt.strip())
    return film


def author(actor: Viewer) -> Author:
    """The actor as hazards record it."""
    return Author(actor.person_id or None, actor.name)


def require_enterprise(enterprise_id: int, action: str, actor: Viewer, store: Store) -> Enterprise:
    """The enterprise, if the actor may do this there and it is not deregistered. Raises OperationRefused."""
    enterprise = store.register.enterprise(enterprise_id)
    if enterprise is None or not actor.may(action) or not actor.can_see(enterprise_id):
        raise OperationRefused("hazards.not_permitted", name=actor.name)
    if enterprise.status == DEREGISTERED:
        raise OperationRefused("hazards.enterprise_deregistered", enterprise=enterprise.short_name)
    return enterprise


def inspection_in_force(number: str, enterprise_id: int, store: Store) -> Inspection:
    """An inspection of this enterprise that is not void. Raises OperationRefused."""
    inspection = store.inspections.get(number.strip().upper())
    if inspection is None:
        raise OperationRefused("inspections.unknown", number=number.strip())
    if inspection.enterprise_id != enterprise_id:
        raise OperationRefused("inspections.of_another_enterprise", number=inspection.number)
    if inspection.voided_at is not None:
        raise OperationRefused("inspections.is_void", number=inspection.number)
    return inspection


def existing_hazard(number: str, store: Store) -> Hazard:
    """The hazard, whoever asks. Raises OperationRefused."""
    hazard = store.hazards.get(number.strip().upper())
    if hazard is None:
        raise OperationRefused("hazards.unknown", number=number.strip())
    return hazard


def may_see(hazard: Hazard, viewer: Viewer, now: datetime) -> bool:
    """Whether a hazard may be shown: an enterprise sees its own, from when it may learn of them."""
    is_known = viewer.enterprise_ids is None or hazard.is_known_to_enterprise(now)
    return viewer.may("hazards.see") and viewer.can_see(hazard.enterprise_id) and is_known


def visible_hazards(viewer: Viewer, now: datetime) -> HazardFilter:
    """The part of the ledger that `may_see` allows."""
    is_of_county = viewer.enterprise_ids is None
    return HazardFilter(enterprise_ids=viewer.enterprise_ids, known_at=None if is_of_county else now)


def find_hazard(number: str, actor: Viewer, ctx: Context) -> Hazard:
    """A hazard that the actor may see. Raises OperationRefused."""
    hazard = existing_hazard(number, ctx.store)
    if not may_see(hazard, actor, ctx.now):
        raise OperationRefused("hazards.unknown", number=number.strip())
    return hazard


def lock_hazard(number: str, action: str, actor: Viewer, ctx: Context, *states: str) -> Hazard:
    """The hazard for an act on it: locked, in one of these states, of an enterprise that is not deregistered.

    Raises OperationRefused.
    """
    seen = find_hazard(number, actor, ctx)
    hazard = ctx.store.hazards.lock(seen.number)
    assert hazard is not None
    require_enterprise(hazard.enterprise_id, action, actor, ctx.store)
    require_state(hazard, *states)
    return hazard


def require_state(hazard: Hazard, *states: str) -> None:
    """Raises OperationRefused."""
    if hazard.state not in states:
        raise OperationRefused(
            "hazards.wrong_state", number=hazard.number, state={"say": f"hazard_state.{hazard.state}"}
        )


def require_complete(hazard: Hazard) -> None:
    """Raises OperationRefused for a hazard that lacks something, and so cannot be put right yet."""
    if hazard.state == INCOMPLETE:
        missing = [{"say": f"hazard_field.{name}"} for name in lacks(hazard)]
        raise OperationRefused("hazards.still_incomplete", number=hazard.number, missing=missing)


def is_involved(hazard: Hazard, actor: Viewer) -> bool:
    """Whether the actor answers for a hazard, by the register or by name, or has put it right."""
    return actor.person_id in (hazard.responsible_id, hazard.fixed_by_id) or actor.name == hazard.responsible
