"""Lines: the channels by which single people can be spoken to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One channel to single people, and the realm of the accounts it knows them by: two channels of one realm
    reach the same account. Which lines are open the settings say; the order is that of preference."""

    channel: str
    realm: str
