"""A notice as the list of notices shows it: its text as the person saw it, and every attempt in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.texts import all_texts, placeholders, say
from storage.db.models import DeliveryAttempt, Notice
from storage.outbound import CardPayload, FilePayload, Payload

# With this link anybody can upload in the name of the person it was sent to.
_UPLOAD_TOKEN = re.compile(r"(/upload/)[\w.\-]+")
_HIDDEN = r"\1…"


@dataclass(frozen=True)
class AttemptView:
    """One attempt, or (without an outcome) a change to another channel."""

    at: datetime
    channel: str
    outcome: str
    cause: str | None


@dataclass(frozen=True)
class NoticeView:
    notice: Notice
    text: str
    attempts: Sequence[AttemptView]

    @property
    def delay(self) -> timedelta | None:
        """From when it was due until the platform had it; None for a notice that was not sent."""
        notice = self.notice
        return notice.sent_at - notice.due_at if notice.state == "sent" and notice.sent_at else None

    @property
    def summary(self) -> str:
        """The first line of the text."""
        return self.text.strip().partition("\n")[0]


def notice_view(notice: Notice, attempts: Sequence[DeliveryAttempt]) -> NoticeView:
    return NoticeView(notice, notice_text(notice), attempt_views(notice, attempts))


def notice_text(notice: Notice) -> str:
    """The message as it was sent last, or else as it would read; empty if that is only known when it is sent."""
    try:
        message = notice.message
    except ValueError:
        message = None
    text = _payload_text(message.payload) if message is not None else _unsent_text(notice)
    return _UPLOAD_TOKEN.sub(_HIDDEN, text)


def _payload_text(payload: Payload) -> str:
    if isinstance(payload, CardPayload):
        buttons = "".join(f" [{choice.label}]" for choice in payload.choices)
        return "\n".join(filter(None, (payload.title, payload.text, buttons.strip())))
    return payload.text or (payload.name if isinstance(payload, FilePayload) else "")


def _unsent_text(notice: Notice) -> str:
    """Texts whose parameters are only gathered when they are sent, such as reminders, cannot be filled in."""
    if notice.text_key not in all_texts():
        return ""
    needed = {name: notice.params[name] for name in placeholders(notice.text_key) if name in notice.params}
    try:
        return say(notice.text_key, **needed)
    except KeyError:
        return ""


def attempt_views(notice: Notice, attempts: Sequence[DeliveryAttempt]) -> list[AttemptView]:
    """The attempts and the changes of channel, in order."""
    views = [_attempt_view(notice, attempt, attempt is attempts[-1]) for attempt in attempts]
    ended = {attempt.ended_at for attempt in attempts if attempt.outcome == "failed"}
    views += [view for each in notice.tried_routes or [] if (view := _channel_change(each)).at not in ended]
    return sorted(views, key=lambda view: view.at)


def _attempt_view(notice: Notice, attempt: DeliveryAttempt, is_last: bool) -> AttemptView:
    channel = (attempt.route or notice.route).partition("/")[0]
    if attempt.outcome is None:
        is_running = is_last and notice.state == "sending"
        return AttemptView(attempt.started_at, channel, "sending" if is_running else "interrupted", None)
    outcome = "postponed" if attempt.outcome == "due" else attempt.outcome
    return AttemptView(attempt.started_at, channel, outcome, attempt.cause)


def _channel_change(tried: dict[str, Any]) -> AttemptView:
    return AttemptView(datetime.fromisoformat(tried["at"]), tried["channel"], "", tried.get("cause"))
