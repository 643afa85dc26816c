"""Lines: the channels by which single people can be spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class ReplyWindow:
    """For how long after somebody's words a platform lets us speak to him, and how many messages that holds."""

    duration: timedelta
    max_messages: int


@dataclass(frozen=True)
class PersonalChannel:
    """One channel to single people, and the realm of the accounts it knows them by: two channels of one realm
    reach the same account. Which lines are open the settings say; the order is that of preference.

    Without a `window` the line speaks whenever it wants, or (`met`) to all who have ever spoken there. `after` are
    the events that open a window of their own, `unasked` says that what matters may also be said outside of any.
    """

    channel: str
    realm: str
    reply_window: ReplyWindow | None = None
    event_windows: Mapping[str, ReplyWindow] = field(default_factory=dict)
    template_allowed: bool = False
    requires_prior_contact: bool = False

    def reply_window_for(self, kind: str, event: str) -> ReplyWindow | None:
        """The window that something said, pressed or done opens."""
        return self.event_windows.get(event) if kind == "event" else self.reply_window


def canonical_account(realm: str, account: str) -> str:
    """WeCom user ids are compared without regard to case (its answers fold them); open ids are not."""
    return account.lower() if realm == "wecom" else account


def route_to(channel: str, realm: str, account: str) -> str:
    """The lane of one account on one channel: its messages go out in order and count against one limit."""
    return f"{channel}/{canonical_account(realm, account)}"
