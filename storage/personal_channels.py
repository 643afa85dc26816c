"""Channels that reach individual people, and the routes of their messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class ReplyWindow:
    """For how long after a person's message the platform accepts ours, and how many of them."""

    duration: timedelta
    max_messages: int


@dataclass(frozen=True)
class PersonalChannel:
    """`realm` names the kind of account; channels of one realm reach the same accounts.

    Without a `reply_window` messages can be sent at any time, with `requires_prior_contact` only to accounts that have
    sent something before. `event_windows`: events that open a window of their own. `template_allowed`: important
    notices may be sent outside every window.
    """

    channel: str
    realm: str
    reply_window: ReplyWindow | None = None
    event_windows: Mapping[str, ReplyWindow] = field(default_factory=dict)
    template_allowed: bool = False
    requires_prior_contact: bool = False

    def reply_window_for(self, kind: str, event: str) -> ReplyWindow | None:
        """The window that a message of this kind (and, for `event`, this event) opens."""
        return self.event_windows.get(event) if kind == "event" else self.reply_window


def canonical_account(realm: str, account: str) -> str:
    """WeCom user ids are case-insensitive (the API returns them in lower case); open ids are case-sensitive."""
    return account.lower() if realm == "wecom" else account


def route_to(channel: str, realm: str, account: str) -> str:
    """The route of one account on one channel: its messages are sent in order and share a rate limit."""
    return f"{channel}/{canonical_account(realm, account)}"
