"""What may have been said already, though nobody heard the platform say so.

The body of a notice carries it: when it first left, and whether an attempt at it ended without an answer. In doubt,
only the very same words are safe, and only for as long as the platform drops a repeat of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.channels.interface import Body, repeat_window

_FIRST, _DOUBT = "first_left_at", "in_doubt"
# What is sent now reaches the platform within this; on the way there it must not outlive the window.
_ON_ITS_WAY = timedelta(seconds=25)


def leaving(body: Body, turn: int, wall_now: datetime) -> Body:
    """A fresh body that leaves for the first time; no other on the same route has or had that turn."""
    return {**body, "turn": turn, _FIRST: wall_now.isoformat()}


def doubted(body: Body | None) -> Body:
    """The same body once an attempt at it has ended without an answer."""
    return {**(body or {}), _DOUBT: True}


def as_first_said(body: Body) -> Body:
    """The body as it left the first time, to the letter: the platform may know it by its digest."""
    return {name: value for name, value in body.items() if name != _DOUBT}


def in_doubt(body: Body | None) -> bool:
    """Whether this may have been said already."""
    return bool(body and body.get(_DOUBT))


def repeat_is_safe(body: dict[str, Any], wall_now: datetime) -> bool:
    """Whether the platform still drops these words if it has them, so that they may be sent again."""
    first = body.get(_FIRST)
    if first is None:
        return False
    age = wall_now - datetime.fromisoformat(first)
    return timedelta(0) <= age < repeat_window(body) - _ON_ITS_WAY
