"""What lies on the office's desk in the morning, and what can be done about each thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from storage.db.models import Enterprise, Inbox, Notice, Objection, Submission
from storage.store import Store

# What did not arrive longer ago than that, nobody can mend any more.
_LOOKED_BACK = timedelta(days=7)
# A message that was tried so often waits for a person (bot/intake/take_in.py tells the office once).
_STUCK = 12


@dataclass(frozen=True)
class Desk:
    """Each pile by itself, the oldest first."""

    strangers: Sequence[Submission]
    without_part: Sequence[Submission]
    invitations: Sequence[Any]
    objections: Sequence[tuple[Objection, Enterprise]]
    undelivered: Sequence[Notice]
    stuck: Sequence[Inbox]

    @property
    def number(self) -> int:
        """How much there is to do."""
        return sum(len(pile) for pile in vars(self).values())


def desk(store: Store, now: datetime) -> Desk:
    """Everything that waits for somebody of the office."""
    waiting = store.submissions.unplaced()
    undelivered = store.notices.undelivered(now - _LOOKED_BACK)
    seen = store.records.decided([_key(notice.id) for notice in undelivered])
    return Desk(
        [film for film in waiting if film.place == "quarantined"],
        [film for film in waiting if film.place == "unattributed"],
        store.register.open_invitations(),
        store.objections.open(),
        [notice for notice in undelivered if _key(notice.id) not in seen],
        store.inbox.stuck(_STUCK),
    )


def notice_seen(notice_id: int, actor: str, store: Store, now: datetime) -> None:
    """Somebody has taken note that a message did not arrive."""
    if store.notices.get(notice_id) is not None and store.records.decide(_key(notice_id), now, actor):
        store.trail.note(now, actor, "undelivered_seen", notice=notice_id)


def dismiss(receipt: str, actor: str, store: Store, now: datetime) -> bool:
    """A film that shows no patrol is taken off the desk; it stays where it is kept, and on record."""
    film = store.submissions.by_receipt(receipt, now.date() + timedelta(days=1))
    if film is None or film.place == "attributed" or "dismissed" in film.marks:
        return False
    store.submissions.mark([film.id], "dismissed")
    store.trail.note(now, actor, "dismissed", subject=f"回执/{film.night}/{film.receipt}")
    return True


def _key(notice_id: int) -> str:
    return f"seen/notice/{notice_id}"
