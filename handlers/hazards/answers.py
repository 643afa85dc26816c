"""The words that complete an act on a hazard: the measure, an extension's date and reason, why it is returned."""

from __future__ import annotations

import re
from datetime import timedelta

from handlers.hazards.access import actor_of, find_hazard, require_state
from handlers.hazards.completing import add_stored_reply
from handlers.hazards.dates import find_date
from handlers.hazards.disputing import dispute_hazard
from handlers.hazards.editing import edit_hazard
from handlers.hazards.extensions import ask_extension, refuse_extension
from handlers.hazards.moving import return_hazard
from handlers.message import Message
from handlers.permissions import Viewer
from handlers.replies import add_reply
from schedules.context import Context
from storage.db.models import Hazard, Person
from storage.errors import OperationRefused
from storage.hazard_prompts import MEASURE, OBJECTION, REFUSAL_REASON, RETURN_REASON, TEXTS
from storage.hazard_terms import INCOMPLETE

# For how long the next text is what was asked for.
_ANSWER_PERIOD = timedelta(minutes=30)
_CANCEL = ("取消", "算了", "不用了")
_INTERIM = re.compile(r"[\s,，;；。]*(?:延期)?(?:期间)?(?:的)?(?:临时)?防护(?:措施)?[\s:：]+", re.DOTALL)
_REASON = re.compile(r"^[\s,，;；。:：]*(?:延期)?(?:至|到|原因|理由)*[\s:：,，]*")


def answer_prompt(message: Message, person: Person, ctx: Context) -> bool:
    """Whether the text is what the person was asked for; if it is refused, the question stays open."""
    prompt = ctx.store.hazard_prompts.open_prompt(person.id)
    if prompt is None or prompt.expects not in TEXTS:
        return False
    if not timedelta(0) <= message.sent_at - prompt.asked_at <= _ANSWER_PERIOD:
        return False
    actor, words = actor_of(person, ctx.store), message.text.strip()
    if words.rstrip("。.!！") in _CANCEL:
        ctx.store.hazard_prompts.close(person.id)
        add_reply(message, ctx, "hazard_chat.cancelled", hazard=prompt.number)
        return True
    try:
        apply_words(prompt.expects, find_hazard(prompt.number, actor, ctx), words, message, actor, ctx)
    except OperationRefused as refused:
        add_reply(message, ctx, refused.text_key, **refused.params)
    else:
        ctx.store.hazard_prompts.close(person.id)
    return True


def apply_words(expected: str, hazard: Hazard, words: str, message: Message, actor: Viewer, ctx: Context) -> None:
    """Carry out the act that the words complete. Raises OperationRefused."""
    if expected == RETURN_REASON:
        return_hazard(hazard.number, words, actor, ctx)
        return add_reply(message, ctx, "hazard_chat.recorded", hazard=hazard.number)
    if expected == REFUSAL_REASON:
        refuse_extension(hazard.number, words, actor, ctx)
        return add_reply(message, ctx, "hazard_chat.recorded", hazard=hazard.number)
    if expected == MEASURE:
        return _take(hazard, words, message, actor, ctx)
    if expected == OBJECTION:
        dispute_hazard(hazard.number, words, actor, ctx)
        return add_reply(message, ctx, "hazard_chat.objection_forwarded", hazard=hazard.number)
    return _ask_extension(hazard, words, message, actor, ctx)


def _take(hazard: Hazard, words: str, message: Message, actor: Viewer, ctx: Context) -> None:
    """The person will put it right, and says how."""
    require_state(hazard, INCOMPLETE)
    edit_hazard(hazard.number, {"responsible": actor.name, "measure": words}, actor, ctx)
    add_stored_reply(hazard, message, ctx)


def _ask_extension(hazard: Hazard, words: str, message: Message, actor: Viewer, ctx: Context) -> None:
    """新时限、原因；防护措施, as one message."""
    found = find_date(words, ctx.today)
    reason, *interim = _INTERIM.split(found.rest, maxsplit=1) if found else ("",)
    reason = _REASON.sub("", reason).strip(" ,，;；。")
    if found is None or not reason or not interim:
        raise OperationRefused("hazard_chat.extension_unclear")
    extension = ask_extension(hazard.number, found.day, reason, interim[0].strip(" 。"), actor, ctx, message.sent_at)
    deadline = extension.new_deadline.isoformat()
    add_reply(message, ctx, "hazard_chat.extension_asked", hazard=hazard.number, deadline=deadline)
