"""The buttons and words by which people act on hazards in the chat."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from handlers.cards import update_card
from handlers.hazards import completing, reporting
from handlers.hazards.access import actor_of, find_hazard, require_complete, require_state, visible_hazards
from handlers.hazards.answers import answer_prompt, apply_words
from handlers.hazards.extensions import grant_extension
from handlers.hazards.material import take_expected
from handlers.hazards.moving import accept_hazard
from handlers.hazards.telling import is_current
from handlers.message import Message
from handlers.permissions import Viewer
from handlers.replies import add_reply, current_owner
from schedules.context import Context
from storage.db.models import Hazard, Person
from storage.errors import OperationRefused
from storage.hazard_prompts import AFTER, EXTENSION, MEASURE, OBJECTION, REFUSAL_REASON, RETURN_REASON, HazardPrompt
from storage.hazard_terms import INCOMPLETE, RECTIFYING

_BUTTON = re.compile(r"hazard:(YH-\d{4}-\d{4,9}):([a-z]+):(\d{1,18})", re.ASCII)
_EXPECTED = {
    "take": MEASURE,
    "done": AFTER,
    "extend": EXTENSION,
    "dispute": OBJECTION,
    "return": RETURN_REASON,
    "refuse": REFUSAL_REASON,
}
_ACT_OF_WORD = {
    "由我整改": "take",
    "已整改": "done",
    "申请延期": "extend",
    "有异议": "dispute",
    "通过": "accept",
    "退回": "return",
    "同意延期": "grant",
    "不同意延期": "refuse",
}
_WORDS = re.compile(
    rf"(?P<act>{'|'.join(_ACT_OF_WORD)})[\s:：]*(?P<number>YH-\d{{4}}-\d{{4,9}})?[\s:：,，。]*(?P<words>.*)",
    re.DOTALL | re.IGNORECASE,
)
# The acts that need no number, because a person mostly has one hazard in these states.
_STATES_OF_OWN_ACT = {
    "take": (INCOMPLETE,),
    "done": (INCOMPLETE, RECTIFYING),
    "extend": (RECTIFYING,),
    "dispute": (INCOMPLETE, RECTIFYING),
}
_MAX_NAMED = 8


def handle_button(message: Message, ctx: Context) -> None:
    """A button of a hazard's card, `hazard:NUMBER:ACT:SUBJECT`; the card stays while only a question was asked."""
    person, match = current_owner(message, ctx), _BUTTON.fullmatch(message.button)
    if person is None or match is None:
        return add_reply(message, ctx, "question.not_your_film")
    number, act, subject = match[1], match[2], int(match[3])
    try:
        hazard = find_hazard(number, actor_of(person, ctx.store), ctx)
        if not is_current(hazard, message.button, subject, ctx):
            raise OperationRefused("hazard_chat.outdated", hazard=number)
        _act(act, hazard, "", message, person, ctx)
    except OperationRefused as refused:
        return add_reply(message, ctx, refused.text_key, **refused.params)
    if act not in _DECISIONS:
        return None
    params = {"label": {"say": f"hazard_chat.button_{act}"}, "name": person.name, "time": ctx.rules.clock_time(ctx.now)}
    return update_card(message, f"hazard/{number}/{act}/{subject}", params, ctx, "hazard_chat.card_pressed")


def handle_text(message: Message, person: Person, ctx: Context) -> bool:
    """Whether the text is about a hazard: the answer to what was asked, an act, missing fields, or a report."""
    return (
        _handle_words(message, person, ctx)
        or completing.handle(message, person, ctx)
        or reporting.handle(message, person, ctx)
        or answer_prompt(message, person, ctx)
    )


def _handle_words(message: Message, person: Person, ctx: Context) -> bool:
    match = _WORDS.fullmatch(message.text.strip())
    if match is None:
        return False
    act, words = _ACT_OF_WORD[match["act"]], match["words"].strip()
    try:
        hazard = _meant(match["number"], act, person, ctx)
        if hazard is None:
            return False
        _act(act, hazard, words, message, person, ctx)
    except OperationRefused as refused:
        add_reply(message, ctx, refused.text_key, **refused.params)
    return True


def _meant(number: str | None, act: str, person: Person, ctx: Context) -> Hazard | None:
    """The hazard by its number, or the only one that the person has to put right. Raises OperationRefused."""
    actor = actor_of(person, ctx.store)
    if number is not None:
        return find_hazard(number, actor, ctx)
    if act not in _STATES_OF_OWN_ACT or not actor.enterprise_ids:
        return None
    wanted = replace(visible_hazards(actor, ctx.now), states=_STATES_OF_OWN_ACT[act])
    found = ctx.store.hazards.find(wanted, ctx.today, limit=200)
    own = [each for each in found if each.responsible_id == person.id] or list(found)
    if len(own) > 1:
        raise OperationRefused("hazard_chat.which", numbers=[each.number for each in own[:_MAX_NAMED]])
    return own[0] if own else None


def _act(act: str, hazard: Hazard, words: str, message: Message, person: Person, ctx: Context) -> None:
    """Carry it out, or ask for what it needs. Raises OperationRefused."""
    actor = actor_of(person, ctx.store)
    if act in _DECISIONS:
        _DECISIONS[act](hazard, actor, ctx)
        return add_reply(message, ctx, "hazard_chat.recorded", hazard=hazard.number)
    if act in _STATES_OF_OWN_ACT and act != "dispute":
        require_state(hazard, *_STATES_OF_OWN_ACT[act])
    if act == "done":
        require_complete(hazard)
    if act == "take" and not actor.may("hazards.edit"):
        raise OperationRefused("hazards.not_permitted", name=actor.name)
    if words and act != "done":
        return apply_words(_EXPECTED[act], hazard, words, message, actor, ctx)
    ctx.store.hazard_prompts.ask(person.id, HazardPrompt(hazard.number, _EXPECTED[act], message.sent_at))
    if act == "done" and take_expected(person, message.realm, message.sender, ctx) is not None:
        return None
    return add_reply(message, ctx, f"hazard_chat.ask_{_EXPECTED[act]}", hazard=hazard.number)


def _accept(hazard: Hazard, actor: Viewer, ctx: Context) -> None:
    accept_hazard(hazard.number, actor, ctx)


def _grant(hazard: Hazard, actor: Viewer, ctx: Context) -> None:
    grant_extension(hazard.number, actor, ctx)


_DECISIONS: dict[str, Callable[[Hazard, Viewer, Context], None]] = {"accept": _accept, "grant": _grant}
