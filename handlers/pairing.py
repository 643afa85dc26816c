"""Which word goes with which film. Pure, and the same whatever order things arrived in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_GAP = timedelta(minutes=10)


@dataclass(frozen=True, order=True)
class PairingItem:
    """A film or a word of one sender; `order` settles ties within a second.

    `waits_until` is how long a film may be named afterwards: ten minutes; for ever once the bot has
    asked about it; and not after the bot has said that it is unfit.
    """

    sent_at: datetime
    sequence: int
    id: int
    is_film: bool
    pairable_until: datetime | None = None

    def is_pairable_at(self, instant: datetime) -> bool:
        """Whether a word said at that instant may still be meant for this film."""
        return instant <= (self.pairable_until or self.sent_at + MAX_GAP)


def pair_films_with_texts(items: Iterable[PairingItem]) -> dict[int, int]:
    """Film id -> word id.

    A film takes the last unused word said up to ten minutes before it. A word that finds films
    still waiting goes to the oldest of them: that is the one the bot is asking about.
    """
    found: dict[int, int] = {}
    word: PairingItem | None = None
    waiting: list[PairingItem] = []
    for event in sorted(items):
        waiting = [film for film in waiting if film.is_pairable_at(event.sent_at)]
        if event.is_film and word is not None and event.sent_at - word.sent_at <= MAX_GAP:
            found[event.id], word = word.id, None
        elif event.is_film:
            waiting.append(event)
        elif waiting:
            found[waiting.pop(0).id] = event.id
        else:
            word = event
    return found
