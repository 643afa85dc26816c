"""The parameters of the texts about hazards."""

from __future__ import annotations

from typing import Any

from schedules.context import Context
from schedules.hazards.rules import lacks
from storage.db.models import Hazard, Submission

# What of a text goes into a message; the ledger has all of it.
_MAX_LENGTH = 150


def hazard_params(hazard: Hazard, ctx: Context) -> dict[str, Any]:
    """The parameters that any text about a hazard may use."""
    enterprise = ctx.store.register.enterprise(hazard.enterprise_id)
    part = ctx.store.register.part(hazard.part_id) if hazard.part_id else None
    return {
        "hazard": hazard.number,
        "enterprise": enterprise.short_name if enterprise else "",
        "part": part.label if part else {"say": "hazard_chat.no_part"},
        "matter": _shortened(hazard.matter) or {"say": "hazard_chat.no_matter"},
        "measure": _shortened(hazard.measure) or "—",
        "responsible": hazard.responsible or "—",
        "deadline": hazard.deadline.isoformat() if hazard.deadline else "—",
    }


def lacks_params(hazard: Hazard) -> dict[str, Any]:
    """What a hazard lacks and how to add it, as a nested text."""
    missing = [{"say": f"hazard_field.{name}"} for name in lacks(hazard)]
    if not missing:
        return {"say": "hazard_chat.complete"}
    text_key = "hazard_chat.lacks" if hazard.deadline is None else "hazard_chat.lacks_but_deadline"
    return {"say": text_key, "missing": missing, "hazard": hazard.number}


def found_params(hazard: Hazard, film: Submission | None, ctx: Context) -> dict[str, Any]:
    """By whom a hazard was found and what it lacks, with the film and the deadline."""
    seen: list[dict[str, str]] = []
    if film is not None and hazard.deadline is not None:
        time, deadline = ctx.rules.clock_time(film.sent_at), hazard.deadline.isoformat()
        seen = [{"say": "hazard_chat.seen_on_film", "receipt": film.receipt, "time": time, "deadline": deadline}]
    elif film is not None:
        seen = [{"say": "hazard_chat.has_material", "receipt": film.receipt}]
    return {"finder": hazard.found_by, "seen": seen, "lacks": lacks_params(hazard)}


def picture_params(material: Submission | None, at_s: float | None = None) -> dict[str, Any]:
    """The picture and the page of a film or photo."""
    if material is None:
        return {}
    page = {"page": [material.night.isoformat(), material.receipt]} if material.kind == "film" else {}
    return {"film": material.id, "at_s": at_s, "receipt": material.receipt, **page}


def _shortened(text: str | None) -> str | None:
    return text if text is None or len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"
