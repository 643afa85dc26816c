"""The filter of the hazard ledger that a query asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from flask import request

from bot.web.dashboard.enterprise_argument import enterprise_text, find_enterprise
from bot.web.parameters import parse_night, text_argument
from handlers.hazards.access import visible_hazards
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.patrol_night import ONE_DAY, local_instant
from storage import hazard_terms as terms
from storage.db.models import Enterprise, KeyPart
from storage.hazards import HazardFilter

# What may be asked for as a state: each state, all that are open, and all but the void ones.
STATE_GROUPS = {"open": terms.OPEN_STATES, "valid": terms.VALID_STATES, **{state: (state,) for state in terms.STATES}}
_LONGEST_TEXT = 100
# These stand in the part of the form that is folded up.
_FURTHER = ("found_from", "found_until", "accepted_from", "accepted_until", "repeated", "found_by", "source")


@dataclass(frozen=True)
class RequestedFilter:
    """What to look for. `parts` are those of the one enterprise that was chosen; `error` says what is not applied."""

    wanted: HazardFilter
    state: str
    parts: Sequence[KeyPart]
    error: str

    @property
    def uses_further_fields(self) -> bool:
        """Whether a field of the folded part of the form is filled in."""
        return any(text_argument(name) for name in _FURTHER)


def requested_filter(viewer: Viewer, ctx: Context) -> RequestedFilter:
    """The filter in the query, within what the viewer may see."""
    enterprise, error = chosen_enterprise(viewer, ctx)
    enterprise_ids = viewer.enterprise_ids
    if error or enterprise is not None:
        enterprise_ids = frozenset({enterprise.id} if enterprise else ())
    parts = ctx.store.register.parts_of(enterprise.id, also_unused=True) if enterprise else []
    state = _choice("state", tuple(STATE_GROUPS)) or ""
    wanted = replace(
        visible_hazards(viewer, ctx.now),
        states=STATE_GROUPS.get(state, ()),
        enterprise_ids=enterprise_ids,
        part_id=next((part.id for part in parts if part.number == text_argument("part")), None),
        level=_choice("level", terms.LEVELS),
        kind=_choice("kind", terms.KINDS),
        source=_choice("source", terms.SOURCES),
        inspection_number=text_argument("inspection")[:_LONGEST_TEXT].upper() or None,
        overdue="overdue" in request.args,
        repeated="repeated" in request.args,
        found_by=text_argument("found_by")[:_LONGEST_TEXT] or None,
        found_from=parse_night(text_argument("found_from")),
        found_until=parse_night(text_argument("found_until")),
        text=text_argument("text")[:_LONGEST_TEXT],
        **_accepted_between(ctx),
    )
    return RequestedFilter(wanted, state, parts, error)


def chosen_enterprise(viewer: Viewer, ctx: Context) -> tuple[Enterprise | None, str]:
    """The one enterprise to look at, if there is only one; and why the text names none."""
    if viewer.enterprise_ids is None:
        return find_enterprise(enterprise_text(), ctx.store)
    own = [each for each in map(ctx.store.register.enterprise, sorted(viewer.enterprise_ids)) if each is not None]
    if len(own) > 1:
        own = [each for each in own if enterprise_text() in (each.code, each.short_name, each.name)]
    return (own[0] if len(own) == 1 else None), ""


def selectable_enterprises(viewer: Viewer, ctx: Context) -> list[Enterprise]:
    """What the field of the enterprise offers; nothing where there is no choice."""
    seen = [each for each in ctx.store.register.supervised_enterprises() if viewer.can_see(each.id)]
    return seen if len(seen) > 1 else []


def _accepted_between(ctx: Context) -> dict[str, datetime | None]:
    first, last = parse_night(text_argument("accepted_from")), parse_night(text_argument("accepted_until"))
    midnight = time()
    return {
        "accepted_since": local_instant(first, midnight, ctx.rules) if first else None,
        "accepted_before": local_instant(last + ONE_DAY, midnight, ctx.rules) if last else None,
    }


def _choice(name: str, values: Sequence[str]) -> str | None:
    found = text_argument(name)
    return found if found in values else None


def form_values() -> dict[str, Any]:
    """What was typed into the fields that are no list of choices."""
    return {name: text_argument(name)[:_LONGEST_TEXT] for name in (*_FURTHER, "enterprise", "part")}
