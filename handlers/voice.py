"""A voice message comes without its words: it is kept, its sender is asked, and a person is asked to listen."""

from __future__ import annotations

from dataclasses import replace

from handlers.alerts.answering import tell_person
from handlers.emergency import doubts, updates
from handlers.emergency.reports import record
from handlers.films import create_submission, file_submission
from handlers.message import Message
from handlers.replies import add_rate_limited_reply, sender_and_enterprises
from schedules.context import Context
from storage.alerts import UPDATE
from storage.db.models import Alert, Submission
from storage.notices import NoticeForm
from storage.submissions import FilingResult


def handle(message: Message, ctx: Context) -> Submission | None:
    """Keep it and have it fetched; unless it belongs to an open emergency, ask whether it reports one."""
    submission = create_submission(message, ctx, kind="voice") if message.media else None
    if updates.open_report(message, ctx) is not None:
        return submission
    person, enterprises = sender_and_enterprises(message, ctx)
    if person is None or not enterprises:
        add_rate_limited_reply(message, ctx, "unsupported.voice")
        return submission
    is_new = doubts.ask(message, ctx, {"say": "emergency.a_voice_message"}) is not None
    if (alert := doubts.held_alert(message, ctx)) is not None:
        if submission is not None:
            record(alert, UPDATE, message, submission.receipt, ctx, submission.id)
        if is_new:
            _ask_to_listen(alert, message, ctx)
    return submission


def file(submission_id: int, result: FilingResult, ctx: Context) -> None:
    """File a stored voice message; its sender was answered when it arrived."""
    voice = ctx.store.submissions.get(submission_id)
    assert voice is not None
    file_submission(voice, replace(result, state="supporting"), [], ctx)


def _ask_to_listen(alert: Alert, message: Message, ctx: Context) -> None:
    """One person on duty is asked whether it reports an emergency, and gets the sound as soon as it is fetched."""
    params = {**alert.params, **doubts.question(alert)}
    for person in updates.listeners(ctx):
        for form, text_key in (
            (NoticeForm.BUTTONS, "emergency.please_listen_card"),
            (NoticeForm.TEXT, "emergency.please_listen"),
        ):
            tell_person(person, alert, text_key, f"listen/{message.key}/{form}", ctx, form=form, **params)
