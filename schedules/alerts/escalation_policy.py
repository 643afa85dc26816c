"""Which steps of the ladder are due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class RungStatus:
    """One step: whom it tells (by name; nobody = an empty rung) and whether any of it can have arrived."""

    people_count: int
    all_failed: bool = False


def next_rung(
    rung: int, escalated_at: datetime | None, rungs: Sequence[RungStatus], now: datetime, wait: timedelta
) -> int | None:
    """The rung to climb to now, or None while the present one may still answer.

    `level` is the rung last used, -1 before the first. An empty rung is stepped over at once, and
    one whose notices all failed is not waited for: the ladder counts what arrived, not what was tried.
    """
    if rung >= 0 and escalated_at is not None and not rungs[rung].all_failed and now < escalated_at + wait:
        return None
    for higher in range(rung + 1, len(rungs)):
        if rungs[higher].people_count:
            return higher
    return None
