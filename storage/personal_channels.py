"""Lines: the channels by which single people can be spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class Window:
    """For how long after somebody's words a platform lets us speak to him, and how many messages that holds."""

    lasts: timedelta
    messages: int


@dataclass(frozen=True)
class Line:
    """One channel to single people, and the realm of the accounts it knows them by: two channels of one realm
    reach the same account. Which lines are open the settings say; the order is that of preference.

    Without a `window` the line speaks whenever it wants, or (`met`) to all who have ever spoken there. `after` are
    the events that open a window of their own, `unasked` says that what matters may also be said outside of any.
    """

    channel: str
    realm: str
    window: Window | None = None
    after: Mapping[str, Window] = field(default_factory=dict)
    unasked: bool = False
    met: bool = False

    def opens(self, kind: str, event: str) -> Window | None:
        """The window that something said, pressed or done opens."""
        return self.after.get(event) if kind == "event" else self.window


def canonical_account(realm: str, account: str) -> str:
    """WeCom user ids are compared without regard to case (its answers fold them); open ids are not."""
    return account.lower() if realm == "wecom" else account


def route_to(channel: str, realm: str, account: str) -> str:
    """The lane of one account on one channel: its messages go out in order and count against one limit."""
    return f"{channel}/{canonical_account(realm, account)}"
