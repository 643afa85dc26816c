"""YH-2026-0001 责任人 … 措施 … 时限 …: what a hazard lacks, filled in from the chat."""

from __future__ import annotations

import re
from typing import Any

from handlers.hazards.access import actor_of, find_hazard
from handlers.hazards.dates import find_date
from handlers.hazards.editing import edit_hazard
from handlers.hazards.wording import hazard_params, lacks_params
from handlers.message import Message
from handlers.part_names import find_part
from handlers.replies import add_reply
from schedules.context import Context
from storage.db.models import Hazard, Person
from storage.errors import OperationRefused
from storage.hazard_terms import INCOMPLETE

_MESSAGE = re.compile(r"(?:补全)?\s*(?P<number>YH-\d{4}-\d{4,9})[\s:：,，]+(?P<words>.+)", re.DOTALL | re.IGNORECASE)
_LABELS = {
    "责任人": "responsible",
    "整改措施": "measure",
    "措施": "measure",
    "整改时限": "deadline",
    "时限": "deadline",
    "事项": "matter",
    "部位": "part_id",
}
# A label begins the text or follows a gap, and a gap follows it: 防护措施 is none.
_LABEL = re.compile(rf"(?:^|[\s,，;；。]+)({'|'.join(_LABELS)})[\s:：]+")


def handle(message: Message, person: Person, ctx: Context) -> bool:
    """Whether the text fills in fields of a hazard; if so they are stored, or the sender is told what is wrong."""
    match = _MESSAGE.fullmatch(message.text.strip())
    if match is None:
        return False
    actor = actor_of(person, ctx.store)
    try:
        hazard = find_hazard(match["number"], actor, ctx)
        given = _fields(match["words"], hazard, ctx)
        if given:
            hazard = edit_hazard(hazard.number, given, actor, ctx)
        add_stored_reply(hazard, message, ctx)
    except OperationRefused as refused:
        add_reply(message, ctx, refused.text_key, **refused.params)
    return True


def add_stored_reply(hazard: Hazard, message: Message, ctx: Context) -> None:
    """Reply what of a hazard is stored, or what it still lacks."""
    text_key = "hazard_chat.incomplete" if hazard.state == INCOMPLETE else "hazard_chat.stored"
    add_reply(message, ctx, text_key, **hazard_params(hazard, ctx), lacks=lacks_params(hazard))


def _fields(words: str, hazard: Hazard, ctx: Context) -> dict[str, Any]:
    """The fields that the words give, as edit_hazard takes them. Raises OperationRefused."""
    _, *pieces = _LABEL.split(words)
    given: dict[str, Any] = {}
    for label, text in zip(pieces[::2], pieces[1::2], strict=True):
        name, text = _LABELS[label], text.strip(" \t\r\n,，;；")
        given[name] = _value(name, text, hazard, ctx)
    return given


def _value(name: str, text: str, hazard: Hazard, ctx: Context) -> Any:
    if name == "deadline":
        found = find_date(text, ctx.today)
        if found is None:
            raise OperationRefused("hazard_chat.no_date", text=text[:20])
        return found.day
    if name == "part_id":
        part = find_part(text, ctx.store.register.parts_of(hazard.enterprise_id))
        if part is None:
            raise OperationRefused("hazards.part_of_another")
        return part.id
    return text.rstrip("。")
