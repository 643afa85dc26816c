"""Events: a button pressed, an account that joined or left, a message recalled or not delivered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from handlers import attribution, bindings, enrolment
from handlers.alerts import acknowledging, resolving
from handlers.cards import update_card
from handlers.emergency import doubts
from handlers.hazards import chat as hazard_chat
from handlers.message import Message
from handlers.replies import add_rate_limited_reply, add_reply, current_owner, sender_name
from handlers.review import chat
from schedules.channel_choice import route_key
from schedules.context import Context
from schedules.notify import channel_name, notify_office
from storage.db.models import Submission
from storage.delivery_causes import DeliveryCause

_CODE = re.compile(r"\d{8}", re.ASCII)


def handle(message: Message, ctx: Context) -> None:
    """Handle the events that matter; others (opening the app, a location report) need nothing."""
    if message.event in _EVENTS:
        return _EVENTS[message.event](message, ctx)
    if message.event in ("subscribe", "SCAN") and _CODE.fullmatch(message.text):
        return _bind(message, ctx)
    if message.event == "subscribe":
        _welcome(message, ctx)
    elif message.event == "unsubscribe":
        once_key = f"account-left/{message.channel}/{message.key}"
        text_key = "office.account_left" if message.realm == "wecom" else "office.unfollowed"
        params = {"sender_name": sender_name(message, ctx), "channel": channel_name(message.channel)}
        notify_office(ctx, ctx.night, text_key, once_key, **params)
    return None


def _bind(message: Message, ctx: Context) -> None:
    """A scanned QR code or a link carried a binding code."""
    return enrolment.handle_binding(replace(message, text=f"绑定{message.text}"), ctx)


def _welcome(message: Message, ctx: Context) -> None:
    add_reply(message, ctx, "stranger.text" if current_owner(message, ctx) is None else "help.welcome")


def _handle_enter_session(message: Message, ctx: Context) -> None:
    """A user opened the chat: bind if the link carried a code, else welcome while the platform allows it."""
    if _CODE.fullmatch(message.text):
        return _bind(message, ctx)
    if message.response_code:
        _welcome(message, ctx)
    return None


def _handle_enter_chat(message: Message, ctx: Context) -> None:
    """The first opening of the chat on a day: a stranger gets instructions, a known person is welcomed once."""
    person = current_owner(message, ctx)
    if person is None:
        add_rate_limited_reply(message, ctx, "stranger.text")
    elif ctx.store.facts.decide(f"welcome/{message.channel}/{person.id}", ctx.now):
        add_reply(message, ctx, "help.welcome")


def _handle_recall(message: Message, ctx: Context) -> None:
    """Mark a film whose message was recalled; it stays filed."""
    film = ctx.store.submissions.by_message(message.channel, message.related_key)
    if film is not None:
        ctx.store.submissions.add_mark([film.id], "recalled")


def _handle_undelivered(message: Message, ctx: Context) -> None:
    """The platform accepted a message and then could not deliver it: try another route."""
    notice = ctx.store.notices.by_platform_message_id(message.channel, message.related_key)
    if notice is None or notice.state != "sent":
        return
    ctx.store.notices.record_outcome(notice.id, "failed", ctx.now, message.event, cause=DeliveryCause.UNREACHABLE)
    ctx.store.contacts.record_undeliverable(notice.route, ctx.now)
    if notice.person_id is not None and (failed := ctx.store.notices.get(notice.id)):
        by_template = failed.message is not None and failed.message.by_template
        tried = route_key(failed.channel, failed.address, outside_reply_window=by_template)
        ctx.store.notices.reopen(failed, ctx.now, message.event, DeliveryCause.UNREACHABLE, tried)


def _handle_template_result(message: Message, ctx: Context) -> None:
    """The delivery result of a template message."""
    if message.text != "success":
        _handle_undelivered(message, ctx)


_EVENTS: dict[str, Callable[[Message, Context], None]] = {
    "enter_session": _handle_enter_session,
    "enter_chat": _handle_enter_chat,
    "user_recall_msg": _handle_recall,
    "msg_send_fail": _handle_undelivered,
    "TEMPLATESENDJOBFINISH": _handle_template_result,
}


def handle_button(message: Message, ctx: Context) -> None:
    """A card's button: `ack`, `progress:ALERT:…`, `emergency:ALERT:…`, `review:FILM:VERDICT`, `hazard:NUMBER:…`,
    `unbind:BINDING`, or `FILM:part:PART` and `FILM:enterprise:ENTERPRISE`.
    """
    if message.button == "ack":
        return acknowledging.acknowledge_by_button(message, _notice_id(message.task_id), ctx)
    if answer := re.fullmatch(r"progress:(\d{1,18}):(working|resolved)", message.button, re.ASCII):
        return resolving.answer_by_button(message, int(answer[1]), answer[2], ctx)
    if answer := re.fullmatch(r"emergency:(\d{1,18}):(yes|no)", message.button, re.ASCII):
        return doubts.answer_by_button(message, int(answer[1]), answer[2], ctx)
    if verdict := re.fullmatch(r"review:(\d{1,18}):([a-z_]+)", message.button, re.ASCII):
        return chat.handle_verdict_button(message, int(verdict[1]), verdict[2], ctx)
    if message.button.startswith("hazard:"):
        return hazard_chat.handle_button(message, ctx)
    if unbind := re.fullmatch(r"unbind:(\d{1,18})", message.button, re.ASCII):
        return bindings.undo_by_button(message, int(unbind[1]), ctx)
    choice = re.fullmatch(r"(\d{1,18}):(part|enterprise):(\d{1,18})", message.button, re.ASCII)
    film = ctx.store.submissions.get(int(choice[1])) if choice else None
    if choice is None or film is None or not _may_attribute(film, message, ctx):
        return add_reply(message, ctx, "question.not_your_film")
    choice_kind, chosen_id = choice[2], int(choice[3])
    label = attribution.choice_labels(film, choice_kind, ctx.store).get(chosen_id)
    if label is None:
        return add_reply(message, ctx, "question.not_your_film")
    attribution.apply_choice(film, choice_kind, chosen_id, ctx)
    update_card(message, f"question/{film.id}", {"label": label}, ctx, "question.card_answered")
    return None


def _notice_id(task_id: str) -> int:
    match = re.search(r"-(\d{1,18})$", task_id, re.ASCII)
    return int(match.group(1)) if match else 0


def _may_attribute(film: Submission, message: Message, ctx: Context) -> bool:
    """Whether the button was pressed by the sender of the film or by a colleague of the same enterprise."""
    person = current_owner(message, ctx)
    if person is None or film.attribution == "quarantined":
        return False
    own = {enterprise.id for enterprise in ctx.store.register.enterprises_of(person.id)}
    return film.person_id == person.id or film.enterprise_id in own
