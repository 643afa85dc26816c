"""What may have been said already, though nobody heard the platform say so.

The body of a notice carries it: when it first left, and whether an attempt at it ended without an answer. In doubt,
only the very same words are safe, and only for as long as the platform drops a repeat of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.channels.interface import OutboundMessage, dedupe_window

_FIRST, _DOUBT = "first_left_at", "in_doubt"
# What is sent now reaches the platform within this; on the way there it must not outlive the window.
_ON_ITS_WAY = timedelta(seconds=25)


def mark_first_sent(body: OutboundMessage, route_sequence: int, wall_now: datetime) -> OutboundMessage:
    """A fresh body that leaves for the first time; no other on the same route has or had that turn."""
    return {**body, "turn": route_sequence, _FIRST: wall_now.isoformat()}


def mark_outcome_unknown(body: OutboundMessage | None) -> OutboundMessage:
    """The same body once an attempt at it has ended without an answer."""
    return {**(body or {}), _DOUBT: True}


def original_body(body: OutboundMessage) -> OutboundMessage:
    """The body as it left the first time, to the letter: the platform may know it by its digest."""
    return {name: value for name, value in body.items() if name != _DOUBT}


def outcome_unknown(body: OutboundMessage | None) -> bool:
    """Whether this may have been said already."""
    return bool(body and body.get(_DOUBT))


def resend_is_safe(body: dict[str, Any], wall_now: datetime) -> bool:
    """Whether the platform still drops these words if it has them, so that they may be sent again."""
    first = body.get(_FIRST)
    if first is None:
        return False
    age = wall_now - datetime.fromisoformat(first)
    return timedelta(0) <= age < dedupe_window(body) - _ON_ITS_WAY
