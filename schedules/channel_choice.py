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


class ChannelLike(Protocol):
    """A line as reaching sees it."""

    @property
    def channel(self) -> str:
        """Its name."""

    @property
    def reply_window(self) -> Any:
        """How long and how often it may speak; None for whenever it wants."""

    @property
    def template_allowed(self) -> bool:
        """Whether what matters may be said outside of the window."""

    @property
    def requires_prior_contact(self) -> bool:
        """Whether it speaks only to those who have spoken there."""


class StandingLike(Protocol):
    """An account of a person on a line, and how things stand with it."""

    @property
    def account(self) -> str:
        """As the platform writes it."""

    @property
    def last_received_at(self) -> datetime | None:
        """When it last spoke."""

    @property
    def reply_until(self) -> datetime | None:
        """Until when it may be answered."""

    @property
    def reply_quota(self) -> int:
        """How many messages that holds."""

    @property
    def replies_used(self) -> int:
        """How many of them are used up."""

    @property
    def left_at(self) -> datetime | None:
        """When it went away."""

    @property
    def undeliverable_at(self) -> datetime | None:
        """When the platform last would not deliver to it."""


L = TypeVar("L", bound=ChannelLike)


@dataclass(frozen=True)
class RouteOption(Generic[L]):
    """One way to a person: by a line, to an account, in answer to words of his or `unasked`."""

    personal_channel: L
    account: str
    outside_reply_window: bool = False

    @property
    def key(self) -> str:
        """Under which it is remembered that it was tried."""
        return route_key(self.personal_channel.channel, self.account, outside_reply_window=self.outside_reply_window)


def route_key(channel: str, account: str, *, outside_reply_window: bool) -> str:
    """Under which it is remembered that a way was tried."""
    return f"{channel}/{account}{'/unasked' if outside_reply_window else ''}"


def route_options(
    kind: str, standings: Sequence[tuple[L, StandingLike]], now: datetime, tried: Collection[str] = ()
) -> list[RouteOption[L]]:
    """The ways to try for a notice of that kind, the best first; none of those that were tried.

    One that refused us lately comes last, one by which the person spoke lately before one by which he never did.
    """
    found = []
    for rank, (line, standing) in enumerate(standings):
        if standing.left_at is not None:
            continue
        for unasked in (False, True):
            way = RouteOption(line, standing.account, unasked)
            if _open(kind, line, standing, now, unasked=unasked) and way.key not in tried:
                found.append((*_worse(standing, now), unasked, rank, way))
    return [each[-1] for each in sorted(found, key=lambda each: each[:-1])]


def _open(kind: str, line: ChannelLike, standing: StandingLike, now: datetime, *, unasked: bool) -> bool:
    if unasked:
        return line.reply_window is not None and line.template_allowed and kind in _UNASKED
    if line.reply_window is None:
        return standing.last_received_at is not None or not line.requires_prior_contact
    left = standing.reply_quota - standing.replies_used if _still(standing.reply_until, now) else 0
    return left > _kept_back(kind, standing.reply_quota)


def _kept_back(kind: str, allowance: int) -> int:
    """A small window is over before anything better comes: less is kept back of it."""
    return max(_KEPT_BACK.get(kind, _KEPT_BACK_FROM_ALL_ELSE) - max(_FULL - allowance, 0), 0)


def _still(until: datetime | None, now: datetime) -> bool:
    return until is not None and now < until


def _worse(standing: StandingLike, now: datetime) -> tuple[bool, bool]:
    refused = standing.undeliverable_at is not None and now - standing.undeliverable_at < _REMEMBERED
    lately = standing.last_received_at is not None and now - standing.last_received_at < _LATELY
    return refused, not lately
