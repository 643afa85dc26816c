"""While an emergency is open, everything that its reporters send goes to those who hold it."""

from __future__ import annotations

import re
from typing import Any

from handlers.alerts.acknowledging import add_note
from handlers.alerts.answering import holders, tell_person
from handlers.emergency.reports import record, sent_time, tell_holders
from handlers.message import Message
from handlers.part_names import normalize_text
from handlers.replies import add_reply, current_owner, handle_unsupported
from schedules.alerts.escalation import duty_ladder_at
from schedules.context import Context
from storage.alerts import EMERGENCY, NOTE, SAID_OVER, UPDATE
from storage.db.models import Alert, Person, Submission
from storage.notices import NoticeForm

_OVER = re.compile(
    r"^(是|已经?|都)?(误报|不是(险情)?|虚惊|(险情|警报)?(已经?)?(解除|排除|消除)|没事了|处理好了|已?扑灭|火灭了)"
)
_MAX_LENGTH = 200
_MEDIA_TEXTS = {"film": "emergency.sent_film", "photo": "emergency.sent_photo", "voice": "emergency.sent_voice"}
_MEDIA_KINDS = ("film", "photo", "file", "voice")


def open_report(message: Message, ctx: Context) -> Alert | None:
    """The open emergency that the sender has reported, if at least one person has been alerted."""
    alert = ctx.store.alerts.reported_by(message.realm, message.sender)
    return alert if alert is not None and alert.rung >= 0 else None


def forward_text(alert: Alert, message: Message, ctx: Context) -> None:
    """Pass a text on, and confirm it to its sender."""
    names = pass_on(alert, message, ctx)
    time = sent_time(message, ctx)
    add_reply(
        message, ctx, "emergency.passed_on_over" if _is_over(message) else "emergency.passed_on", names=names, time=time
    )


def pass_on(alert: Alert, message: Message, ctx: Context) -> list[str]:
    """Pass a text on as what it is: a further report, or that it is over, which does not close the alert."""
    text = message.text[:_MAX_LENGTH]
    if _is_over(message):
        record(alert, SAID_OVER, message, text, ctx)
        return tell_holders(alert, message, text, ctx, over=True)
    record(alert, UPDATE, message, text, ctx)
    return tell_holders(alert, message, text, ctx)


def _is_over(message: Message) -> bool:
    return _OVER.match(normalize_text(message.text)) is not None


def handle_place(message: Message, ctx: Context) -> None:
    """A location: pass its label and coordinates on."""
    alert = open_report(message, ctx)
    if alert is None:
        return handle_unsupported(message, ctx)
    return forward_as(alert, message, {"say": "emergency.place", "place": message.text or "—"}, message.text, ctx)


def forward_as(
    alert: Alert, message: Message, what: Any, text: str, ctx: Context, submission: Submission | None = None
) -> None:
    """Pass on what is not a text, by what it is, and confirm it."""
    record(alert, UPDATE, message, text, ctx, submission.id if submission else None)
    names = tell_holders(alert, message, what, ctx)
    add_reply(message, ctx, "emergency.passed_on", names=names, time=sent_time(message, ctx))


def note_media(message: Message, ctx: Context) -> None:
    """A film, photo or voice message: on the record of the emergency that its sender has reported or holds."""
    if message.kind not in _MEDIA_KINDS:
        return
    submission = ctx.store.submissions.by_message(message.channel, message.key)
    if submission is None:
        return
    if alert := open_report(message, ctx):
        what: dict[str, Any] = {"say": _MEDIA_TEXTS[submission.kind], "receipt": submission.receipt}
        words = message.text[:_MAX_LENGTH]
        if words:
            what = {"say": "emergency.with_words", "words": words, "what": what}
        forward_as(alert, message, what, f"{submission.receipt} {words}".strip(), ctx, submission)
    elif (person := current_owner(message, ctx)) and (held := _held_by(person.id, ctx)):
        add_note(held, person, submission.receipt, f"{message.channel}/{message.key}", ctx, submission.id)


def _held_by(person_id: int, ctx: Context) -> Alert | None:
    held = [each for each in ctx.store.alerts.acknowledged() if each.acknowledged_by == person_id]
    return next((each for each in reversed(held) if each.cause == EMERGENCY), None)


def on_record(submission: Submission, ctx: Context) -> str | None:
    """Whether a film or picture is on the record of an emergency: by its reporter, who was answered, or as a note."""
    return next((entry.kind for entry in ctx.store.alerts.entries_with(submission.id)), None)


def listeners(ctx: Context) -> list[Person]:
    """Who is asked to listen to a voice message: one of the staff on duty, else the leader."""
    ladder = duty_ladder_at(ctx.now, ctx)
    return list(ladder.staff or ladder.leader)[:1]


def forward_filed(submission: Submission, ctx: Context) -> None:
    """Send what has now been fetched to those who hold the emergency: the picture, the sound, a frame of the film."""
    for entry in ctx.store.alerts.entries_with(submission.id):
        alert = ctx.store.alerts.get(entry.alert_id)
        if alert is None or alert.closed_at is not None or entry.kind == NOTE:
            continue
        params = {
            "film": submission.id,
            "at_s": None,
            "receipt": submission.receipt,
            "page": [submission.night.isoformat(), submission.receipt],
        }
        for person in holders(alert, ctx) if alert.rung >= 0 else listeners(ctx):
            tell_person(
                person, alert, "emergency.media", f"media/{submission.id}", ctx, form=NoticeForm.PICTURE, **params
            )
