"""What lies on the office's desk in the morning, and what can be done about each thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from storage.db.models import Enterprise, InboxRow, Notice, Objection, Submission
from storage.store import Store

# What did not arrive longer ago than that, nobody can mend any more.
_LOOKED_BACK = timedelta(days=7)
# A message that was tried so often waits for a person (bot/intake/take_in.py tells the office once).
_STUCK = 12


@dataclass(frozen=True)
class OfficeTasks:
    """Each pile by itself, the oldest first."""

    quarantined_films: Sequence[Submission]
    unattributed_films: Sequence[Submission]
    invitations: Sequence[Any]
    objections: Sequence[tuple[Objection, Enterprise]]
    undelivered_notices: Sequence[Notice]
    stuck_messages: Sequence[InboxRow]

    @property
    def count(self) -> int:
        """How much there is to do."""
        return sum(len(pile) for pile in vars(self).values())


def load_office_tasks(store: Store, now: datetime) -> OfficeTasks:
    """Everything that waits for somebody of the office."""
    waiting = store.submissions.awaiting_attribution()
    undelivered = store.notices.undelivered(now - _LOOKED_BACK)
    seen = store.facts.decided([_key(notice.id) for notice in undelivered])
    return OfficeTasks(
        [film for film in waiting if film.attribution == "quarantined"],
        [film for film in waiting if film.attribution == "unattributed"],
        store.register.open_invitations(),
        store.objections.unanswered(),
        [notice for notice in undelivered if _key(notice.id) not in seen],
        store.inbox.failing(_STUCK),
    )


def mark_notice_seen(notice_id: int, actor: str, store: Store, now: datetime) -> None:
    """Somebody has taken note that a message did not arrive."""
    if store.notices.get(notice_id) is not None and store.facts.decide(_key(notice_id), now, actor):
        store.audit_log.record(now, actor, "undelivered_notice_seen", notice=notice_id)


def dismiss_film(receipt: str, actor: str, store: Store, now: datetime) -> bool:
    """A film that shows no patrol is taken off the desk; it stays where it is kept, and on record."""
    film = store.submissions.by_receipt(receipt, now.date() + timedelta(days=1))
    if film is None or film.attribution == "attributed" or "dismissed" in film.marks:
        return False
    store.submissions.add_mark([film.id], "dismissed")
    store.audit_log.record(now, actor, "film_dismissed", subject=f"回执/{film.night}/{film.receipt}")
    return True


def _key(notice_id: int) -> str:
    return f"notice-seen/{notice_id}"
