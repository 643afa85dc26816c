"""The open tasks of the supervising office, and the actions that complete them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.db.models import Enterprise, InboxRow, Invitation, Notice, Objection, Submission
from storage.store import Store

_UNDELIVERED_SINCE = timedelta(days=7)
# A message with so many failed attempts needs a person (bot/intake/take_in.py tells the office once).
_STUCK_AFTER_ATTEMPTS = 12


@dataclass(frozen=True)
class OfficeTasks:
    """The tasks by kind, the oldest first."""

    quarantined_films: Sequence[Submission]
    unattributed_films: Sequence[Submission]
    invitations: Sequence[Invitation]
    objections: Sequence[tuple[Objection, Enterprise]]
    undelivered_notices: Sequence[Notice]
    stuck_messages: Sequence[InboxRow]

    @property
    def count(self) -> int:
        """The number of all tasks."""
        return sum(len(tasks) for tasks in vars(self).values())


def load_office_tasks(store: Store, now: datetime) -> OfficeTasks:
    films = store.submissions.awaiting_attribution()
    undelivered = store.notices.undelivered(now - _UNDELIVERED_SINCE)
    seen = store.facts.decided([_seen_key(notice.id) for notice in undelivered])
    return OfficeTasks(
        [film for film in films if film.attribution == "quarantined"],
        [film for film in films if film.attribution == "unattributed"],
        store.invitations.unused(),
        store.objections.unanswered(),
        [notice for notice in undelivered if _seen_key(notice.id) not in seen],
        store.inbox.failing(_STUCK_AFTER_ATTEMPTS),
    )


def mark_notice_seen(notice_id: int, actor: str, store: Store, now: datetime) -> None:
    """Record that a person has seen that a notice was not delivered."""
    if store.notices.get(notice_id) is not None and store.facts.decide(_seen_key(notice_id), now, actor):
        store.audit_log.record(now, actor, "undelivered_notice_seen", notice=notice_id)


def _seen_key(notice_id: int) -> str:
    return f"notice-seen/{notice_id}"
