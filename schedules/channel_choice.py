"""The routes by which a person can be reached now, in the order to try them. Pure.

Some platforms allow messages only for a limited time after the person wrote, and only a limited number of them.
Part of that quota is reserved: receipts first, then alerts, then questions, then everything else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

# How many of the five messages of a full reply window a notice of that kind must leave for more important ones.
_RESERVED = {"receipt": 0, "alert": 1, "escalation": 1, "question": 2}
_RESERVED_BY_DEFAULT, _FULL_QUOTA = 3, 5
# The kinds that may be sent outside a reply window, as a service notice by the platform's template.
_TEMPLATE_KINDS = frozenset({"reminder", "alert", "escalation", "report", "system"})
_RECENT_MESSAGE, _RECENT_REFUSAL = timedelta(days=14), timedelta(days=1)


class ChannelLike(Protocol):
    """A channel to single people, see storage.personal_channels.PersonalChannel."""

    @property
    def channel(self) -> str: ...
    @property
    def reply_window(self) -> Any: ...
    @property
    def template_allowed(self) -> bool: ...
    @property
    def requires_prior_contact(self) -> bool: ...


class RouteStatusLike(Protocol):
    """The state of one account on a channel, see storage.contacts.RouteStatus."""

    @property
    def account(self) -> str: ...
    @property
    def last_received_at(self) -> datetime | None: ...
    @property
    def reply_until(self) -> datetime | None: ...
    @property
    def reply_quota(self) -> int: ...
    @property
    def replies_used(self) -> int: ...
    @property
    def left_at(self) -> datetime | None: ...
    @property
    def undeliverable_at(self) -> datetime | None: ...


C = TypeVar("C", bound=ChannelLike)


@dataclass(frozen=True)
class RouteOption(Generic[C]):
    """One route to a person: a channel and an account, within the reply window or outside it."""

    personal_channel: C
    account: str
    outside_reply_window: bool = False

    @property
    def key(self) -> str:
        """Identifies the route among those already tried."""
        return route_key(self.personal_channel.channel, self.account, outside_reply_window=self.outside_reply_window)


def route_key(channel: str, account: str, *, outside_reply_window: bool) -> str:
    """Identifies a route among those already tried."""
    return f"{channel}/{account}{'/outside-reply-window' if outside_reply_window else ''}"


def route_options(
    kind: str, statuses: Sequence[tuple[C, RouteStatusLike]], now: datetime, tried: Collection[str] = ()
) -> list[RouteOption[C]]:
    """The routes to try for a notice of that kind, the best first, without those already tried.

    Routes that refused a message within a day come last; routes on which the person wrote lately come first.
    Among equals the order of `statuses` decides.
    """
    ranked = []
    for preference, (channel, status) in enumerate(statuses):
        if status.left_at is not None:
            continue
        for outside in (False, True):
            option = RouteOption(channel, status.account, outside)
            if option.key not in tried and _is_open(kind, channel, status, now, outside_reply_window=outside):
                ranked.append((*_penalty(status, now), outside, preference, option))
    return [option for *_, option in sorted(ranked, key=lambda each: each[:-1])]


def _is_open(
    kind: str, channel: ChannelLike, status: RouteStatusLike, now: datetime, *, outside_reply_window: bool
) -> bool:
    if outside_reply_window:
        return channel.reply_window is not None and channel.template_allowed and kind in _TEMPLATE_KINDS
    if channel.reply_window is None:
        return status.last_received_at is not None or not channel.requires_prior_contact
    if status.reply_until is None or now >= status.reply_until:
        return False
    return status.reply_quota - status.replies_used > _reserved(kind, status.reply_quota)


def _reserved(kind: str, quota: int) -> int:
    """A window with a smaller quota reserves fewer messages."""
    return max(_RESERVED.get(kind, _RESERVED_BY_DEFAULT) - max(_FULL_QUOTA - quota, 0), 0)


def _penalty(status: RouteStatusLike, now: datetime) -> tuple[bool, bool]:
    refused = status.undeliverable_at is not None and now - status.undeliverable_at < _RECENT_REFUSAL
    wrote_lately = status.last_received_at is not None and now - status.last_received_at < _RECENT_MESSAGE
    return refused, not wrote_lately
