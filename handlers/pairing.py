"""Which text belongs to which film. Pure, and independent of the order of arrival."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_GAP = timedelta(minutes=10)


@dataclass(frozen=True, order=True)
class PairingItem:
    """A film or a text of one sender; `sequence` orders those of the same second.

    `pairable_until` is how long a film may be named by a later text, None for ten minutes: all night once the bot
    has asked about it, and no longer once the bot has called it unfit.
    """

    sent_at: datetime
    sequence: int
    id: int
    is_film: bool
    pairable_until: datetime | None = None

    def is_pairable_at(self, instant: datetime) -> bool:
        """Whether a text sent at that instant may still name this film."""
        return instant <= (self.pairable_until or self.sent_at + MAX_GAP)


def pair_films_with_texts(items: Iterable[PairingItem]) -> dict[int, int]:
    """Film id -> text id.

    A film takes the last unused text sent up to ten minutes before it. A text sent while films are waiting goes
    to the oldest of them: that is the one the bot is asking about.
    """
    pairs: dict[int, int] = {}
    text: PairingItem | None = None
    waiting: list[PairingItem] = []
    for item in sorted(items):
        waiting = [film for film in waiting if film.is_pairable_at(item.sent_at)]
        if item.is_film and text is not None and item.sent_at - text.sent_at <= MAX_GAP:
            pairs[item.id], text = text.id, None
        elif item.is_film:
            waiting.append(item)
        elif waiting:
            pairs[waiting.pop(0).id] = item.id
        else:
            text = item
    return pairs
