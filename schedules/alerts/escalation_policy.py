"""Which steps of the ladder are due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Rung:
    """One step: whom it tells (by name; nobody = an empty rung) and whether any of it can have arrived."""

    people: int
    all_failed: bool = False


def next_level(
    level: int, climbed_at: datetime | None, rungs: Sequence[Rung], now: datetime, wait: timedelta
) -> int | None:
    """The rung to climb to now, or None while the present one may still answer.

    `level` is the rung last used, -1 before the first. An empty rung is stepped over at once, and
    one whose notices all failed is not waited for: the ladder counts what arrived, not what was tried.
    """
    if level >= 0 and climbed_at is not None and not rungs[level].all_failed and now < climbed_at + wait:
        return None
    for higher in range(level + 1, len(rungs)):
        if rungs[higher].people:
            return higher
    return None
