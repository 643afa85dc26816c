"""The priority of messages and of notices."""

from __future__ import annotations

from enum import IntEnum


class Priority(IntEnum):
    """The lower number goes first (column `priority` of `inbox` and of `notice`)."""

    EMERGENCY = 1
    # A person is waiting for it, or it loses its value within minutes.
    PROMPT = 2
    ORDINARY = 3
