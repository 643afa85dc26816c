"""By which line a person can really be reached now, and which to try after it. Pure.

A platform that lets us speak only for a while after somebody's own words, and only so often, has its messages kept
for what matters most: receipts before danger before questions before who is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

# So many of a window's five messages are kept back from a kind of notice for those that matter more.
_KEPT_BACK = {"receipt": 0, "alert": 1, "escalation": 1, "question": 2}
_KEPT_BACK_FROM_ALL_ELSE, _FULL = 3, 5
# What may be said to somebody who has not spoken lately: a service notice by the platform's template.
_UNASKED = frozenset({"reminder", "alert", "escalation", "report", "system"})
# Somebody who spoke so lately is there; a refusal is remembered for so long.
_LATELY, _REMEMBERED = timedelta(days=14), timedelta(days=1)


class Open(Protocol):
    """A line as reaching sees it."""

    @property
    def channel(self) -> str:
        """Its name."""

    @property
    def window(self) -> Any:
        """How long and how often it may speak; None for whenever it wants."""

    @property
    def unasked(self) -> bool:
        """Whether what matters may be said outside of the window."""

    @property
    def met(self) -> bool:
        """Whether it speaks only to those who have spoken there."""


class Stands(Protocol):
    """An account of a person on a line, and how things stand with it."""

    @property
    def account(self) -> str:
        """As the platform writes it."""

    @property
    def heard_at(self) -> datetime | None:
        """When it last spoke."""

    @property
    def open_until(self) -> datetime | None:
        """Until when it may be answered."""

    @property
    def allowance(self) -> int:
        """How many messages that holds."""

    @property
    def spent(self) -> int:
        """How many of them are used up."""

    @property
    def left_at(self) -> datetime | None:
        """When it went away."""

    @property
    def refused_at(self) -> datetime | None:
        """When the platform last would not deliver to it."""


L = TypeVar("L", bound=Open)


@dataclass(frozen=True)
class Way(Generic[L]):
    """One way to a person: by a line, to an account, in answer to words of his or `unasked`."""

    line: L
    account: str
    unasked: bool = False

    @property
    def name(self) -> str:
        """Under which it is remembered that it was tried."""
        return way_name(self.line.channel, self.account, unasked=self.unasked)


def way_name(channel: str, account: str, *, unasked: bool) -> str:
    """Under which it is remembered that a way was tried."""
    return f"{channel}/{account}{'/unasked' if unasked else ''}"


def ways(kind: str, standings: Sequence[tuple[L, Stands]], now: datetime, tried: Collection[str] = ()) -> list[Way[L]]:
    """The ways to try for a notice of that kind, the best first; none of those that were tried.

    One that refused us lately comes last, one by which the person spoke lately before one by which he never did.
    """
    found = []
    for rank, (line, standing) in enumerate(standings):
        if standing.left_at is not None:
            continue
        for unasked in (False, True):
            way = Way(line, standing.account, unasked)
            if _open(kind, line, standing, now, unasked=unasked) and way.name not in tried:
                found.append((*_worse(standing, now), unasked, rank, way))
    return [each[-1] for each in sorted(found, key=lambda each: each[:-1])]


def _open(kind: str, line: Open, standing: Stands, now: datetime, *, unasked: bool) -> bool:
    if unasked:
        return line.window is not None and line.unasked and kind in _UNASKED
    if line.window is None:
        return standing.heard_at is not None or not line.met
    left = standing.allowance - standing.spent if _still(standing.open_until, now) else 0
    return left > _kept_back(kind, standing.allowance)


def _kept_back(kind: str, allowance: int) -> int:
    """A small window is over before anything better comes: less is kept back of it."""
    return max(_KEPT_BACK.get(kind, _KEPT_BACK_FROM_ALL_ELSE) - max(_FULL - allowance, 0), 0)


def _still(until: datetime | None, now: datetime) -> bool:
    return until is not None and now < until


def _worse(standing: Stands, now: datetime) -> tuple[bool, bool]:
    refused = standing.refused_at is not None and now - standing.refused_at < _REMEMBERED
    lately = standing.heard_at is not None and now - standing.heard_at < _LATELY
    return refused, not lately
