"""What happened without words: a button pressed, somebody joined or left."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from handlers import alerts, attribution, enrolment
from handlers.message import Message
from handlers.replies import add_rate_limited_reply, add_reply, sender_name
from handlers.review import chat
from schedules.channel_choice import route_key
from schedules.context import Context
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from storage.db.models import Submission
from storage.store import Store


def handle(message: Message, ctx: Context) -> None:
    """Events that concern nobody (opening the app, a location ping) are kept and left alone."""
    if message.event in _EVENTS:
        return _EVENTS[message.event](message, ctx)
    if message.event in ("subscribe", "SCAN") and re.fullmatch(r"\d{8}", message.text, re.ASCII):
        return enrolment.handle_binding(replace(message, text=f"绑定{message.text}"), ctx)
    if message.event == "subscribe":
        person = ctx.store.register.account_owner(message.realm, message.sender, ctx.now)
        add_reply(message, ctx, "stranger.text" if person is None else "help.welcome")
    elif message.event == "unsubscribe":
        once_key = f"account-left/{message.channel}/{message.key}"
        where = {"say": f"channel.{message.channel}"}
        text_key = "office.account_left" if message.realm == "wecom" else "office.unfollowed"
        who = sender_name(ctx.store, message)
        notify_office(
            ctx.store, night_of(ctx.now, ctx.rules), ctx.now, text_key, once_key, sender_name=who, channel=where
        )
    return None


def _entered(message: Message, ctx: Context) -> None:
    """Somebody opened the chat: the link may have brought a code along, else a welcome while one is granted."""
    if re.fullmatch(r"\d{8}", message.text, re.ASCII):
        return enrolment.handle_binding(replace(message, text=f"绑定{message.text}"), ctx)
    if message.response_code:
        person = ctx.store.register.account_owner(message.realm, message.sender, ctx.now)
        add_reply(message, ctx, "stranger.text" if person is None else "help.welcome")
    return None


def _looked_in(message: Message, ctx: Context) -> None:
    """The first look into the chat on a day: a stranger learns what to do, a friend is greeted once for ever."""
    person = ctx.store.register.account_owner(message.realm, message.sender, ctx.now)
    if person is None:
        add_rate_limited_reply(message, ctx, "stranger.text")
    elif ctx.store.facts.decide(f"welcome/{message.channel}/{person.id}", ctx.now):
        add_reply(message, ctx, "help.welcome")


def _recalled(message: Message, ctx: Context) -> None:
    """Somebody took a film back from the chat: that is noted. What was filed stays filed."""
    film = ctx.store.submissions.by_message(message.channel, message.related_key)
    if film is not None:
        ctx.store.submissions.add_mark([film.id], "recalled")


def _undelivered(message: Message, ctx: Context) -> None:
    """The platform took a message and could not deliver it after all."""
    notice = ctx.store.notices.by_platform_message_id(message.channel, message.related_key)
    if notice is None or notice.state != "sent":
        return
    ctx.store.notices.record_outcome(notice.id, "failed", ctx.now, message.event)
    ctx.store.contacts.record_undeliverable(notice.route, ctx.now, message.event)
    if notice.person_id is not None and (ended := ctx.store.notices.get(notice.id)):
        by_template = ended.message is not None and ended.message.by_template
        way = route_key(ended.channel, ended.address, outside_reply_window=by_template)
        ctx.store.notices.reopen(ended, ctx.now, message.event, way)


def _template_done(message: Message, ctx: Context) -> None:
    """What became of a service notice that the platform had taken."""
    if message.text != "success":
        _undelivered(message, ctx)


_EVENTS: dict[str, Callable[[Message, Context], None]] = {
    "enter_session": _entered,
    "enter_chat": _looked_in,
    "user_recall_msg": _recalled,
    "msg_send_fail": _undelivered,
    "TEMPLATESENDJOBFINISH": _template_done,
}


def handle_button(message: Message, ctx: Context) -> None:
    """A button of a card: `ack` on an alert, `film:what:id` on a question, `review:film:word` on a film to review."""
    if message.button == "ack":
        return alerts.acknowledge_by_button(message, _notice_id(message.task_id), ctx)
    if verdict := re.fullmatch(r"review:(\d{1,18}):([a-z_]+)", message.button, re.ASCII):
        return chat.handle_verdict_button(message, int(verdict[1]), verdict[2], ctx)
    film_id, what, chosen_id = _choice(message.button)
    film = ctx.store.submissions.get(film_id)
    if film is None or not _may_place(film, message, ctx.store, ctx.now):
        return add_reply(message, ctx, "question.not_your_film")
    label = _label(film, what, chosen_id, ctx.store)
    if label is None:
        return add_reply(message, ctx, "question.not_your_film")
    attribution.apply_choice(film, what, chosen_id, ctx)
    if message.response_code:
        cause, shown = f"question/{film.id}", {"label": label}
        alerts.update_card(message, cause, shown, ctx, "question.card_answered")
    return None


def _notice_id(task_id: str) -> int:
    found = re.search(r"-(\d{1,18})$", task_id, re.ASCII)
    return int(found.group(1)) if found else 0


def _choice(button: str) -> tuple[int, str, int]:
    found = re.fullmatch(r"(\d{1,18}):(part|enterprise):(\d{1,18})", button, re.ASCII)
    return (int(found.group(1)), found.group(2), int(found.group(3))) if found else (0, "", 0)


def _may_place(film: Submission, message: Message, store: Store, now: datetime) -> bool:
    """The sender himself, or a colleague of the same enterprise."""
    person = store.register.account_owner(message.realm, message.sender, now)
    if person is None or film.attribution == "quarantined":
        return False
    own = {enterprise.id for enterprise in store.register.enterprises_of(person.id)}
    return film.person_id == person.id or film.enterprise_id in own


def _label(film: Submission, what: str, chosen_id: int, store: Store) -> str | None:
    """The chosen part or enterprise, if it is one this film could show."""
    if what == "part" and film.enterprise_id:
        labels = {part.id: f"{part.number} {part.name}" for part in store.register.parts_of(film.enterprise_id)}
    else:
        labels = {each.id: each.short_name for each in store.register.enterprises_of(film.person_id or 0)}
    return labels.get(chosen_id)
