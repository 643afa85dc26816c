"""隐患 部位 文字: a hazard reported in the chat, by the office or by the enterprise's own people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from handlers.enterprise_names import resolve_enterprise
from handlers.hazards.access import actor_of, author
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.hazards.material import latest_finding
from handlers.hazards.wording import hazard_params, lacks_params
from handlers.message import Message
from handlers.part_names import find_enterprise, find_part, normalize_text
from handlers.permissions import COUNTY_ROLES, Viewer
from handlers.replies import add_reply
from schedules.context import Context
from storage.db.models import Enterprise, Hazard, KeyPart, Person
from storage.errors import OperationRefused
from storage.hazard_prompts import FINDING, HazardPrompt
from storage.hazard_terms import INSPECTION, SELF_CHECK

_REPORT = re.compile(r"隐患(?P<separator>[\s:：,，、]*)(?P<words>.*)", re.DOTALL)
_SEPARATORS = " \t\r\n:：,，、。"
_MAX_MATTER = 300


@dataclass(frozen=True)
class _Report:
    enterprise: Enterprise
    part: KeyPart | None
    matter: str


def is_report(text: str) -> bool:
    """Whether a text begins as a report does."""
    return _REPORT.fullmatch(text.strip()) is not None


def handle(message: Message, person: Person, ctx: Context) -> bool:
    """Whether the text reports a hazard; if so it is added, or the sender is told what is wrong with the report."""
    match, actor = _REPORT.fullmatch(message.text.strip()), actor_of(person, ctx.store)
    if match is None or not actor.may("hazards.add"):
        return False
    words = match["words"].strip(_SEPARATORS)
    if words and not match["separator"] and not _begins_with_part(words, person, ctx):
        return False  # such as 隐患排查已完成
    try:
        report = _parse(words, actor, ctx)
        if report is None:
            add_reply(message, ctx, "hazard_chat.usage_office" if actor.roles & COUNTY_ROLES else "hazard_chat.usage")
        else:
            _add(report, message, actor, ctx)
    except OperationRefused as refused:
        add_reply(message, ctx, refused.text_key, **refused.params)
    return True


def _begins_with_part(words: str, person: Person, ctx: Context) -> bool:
    enterprises = ctx.store.register.enterprises_of(person.id)
    return any(_leading_part(words, ctx.store.register.parts_of(each.id)) for each in enterprises)


def _leading_part(words: str, parts: list[KeyPart]) -> KeyPart | None:
    """The part with the longest name that the words begin with."""
    text = normalize_text(words)
    named = [part for part in parts if text.startswith(normalize_text(part.name))]
    return max(named, key=lambda part: len(part.name), default=None)


def _parse(words: str, actor: Viewer, ctx: Context) -> _Report | None:
    """None if the words do not say where, or what. Raises OperationRefused for a name that is not one enterprise's."""
    enterprise, rest = _enterprise_and_rest(words, actor, ctx)
    if enterprise is None:
        return None
    parts = ctx.store.register.parts_of(enterprise.id)
    first, *others = rest.split(maxsplit=1) or [""]
    part = find_part(first, parts) if others else None
    if part is not None:
        matter = others[0]
    elif part := _leading_part(rest, parts):
        matter = rest[len(part.name) :]
    else:
        matter = rest
    matter = matter.strip(_SEPARATORS)[:_MAX_MATTER]
    return _Report(enterprise, part, matter) if matter else None


def _enterprise_and_rest(words: str, actor: Viewer, ctx: Context) -> tuple[Enterprise | None, str]:
    """The enterprise by the first word, or the only one the actor works for."""
    first, *others = words.split(maxsplit=1) or [""]
    if actor.enterprise_ids is None:
        return (resolve_enterprise(first, ctx.store), others[0]) if others else (None, words)
    own = ctx.store.register.enterprises_of(actor.person_id)
    named = find_enterprise(first, own)
    if named is not None and others:
        return named, others[0]
    return (own[0] if len(own) == 1 else None), words


def _add(report: _Report, message: Message, actor: Viewer, ctx: Context) -> None:
    part_id = report.part.id if report.part else None
    source = INSPECTION if actor.roles & COUNTY_ROLES else SELF_CHECK
    draft = HazardDraft(
        report.enterprise.id,
        {"part_id": part_id, "matter": report.matter, "source": source},
        found_at=message.sent_at,
        found_by=author(actor),
        film=latest_finding(message, report.enterprise.id, part_id, ctx),
        once_key=f"chat/{message.channel}/{message.key}",
    )
    hazard = add_hazard(draft, actor, ctx)
    if hazard.submission_id is None:
        ctx.store.hazard_prompts.ask(actor.person_id, HazardPrompt(hazard.number, FINDING, message.sent_at))
    params = hazard_params(hazard, ctx)
    add_reply(
        message,
        ctx,
        "hazard_chat.added",
        hazard=hazard.number,
        enterprise=params["enterprise"],
        part=params["part"],
        matter=params["matter"],
        lacks=lacks_params(hazard),
        material=_material(hazard, ctx),
    )


def _material(hazard: Hazard, ctx: Context) -> dict[str, Any]:
    film = ctx.store.submissions.get(hazard.submission_id) if hazard.submission_id else None
    if film is None:
        return {"say": "hazard_chat.send_material"}
    return {"say": "hazard_chat.has_material", "receipt": film.receipt}
