"""The open tasks of the supervising office, and the actions that complete them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.attribution import assign_part
from handlers.enterprise_names import resolve_enterprise
from handlers.part_names import find_part
from schedules.context import Context
from schedules.patrol_night import ONE_DAY
from storage.db.models import Enterprise, InboxRow, Invitation, KeyPart, Notice, Objection, Submission
from storage.errors import OperationRefused
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


def dismiss_film(receipt: str, actor: str, store: Store, now: datetime) -> bool:
    """Remove a film that shows no patrol from the tasks; it stays stored. False if it is attributed or dismissed."""
    film = store.submissions.by_receipt(receipt, now.date() + ONE_DAY)
    if film is None or film.attribution == "attributed" or "dismissed" in film.marks:
        return False
    store.submissions.add_mark([film.id], "dismissed")
    store.audit_log.record(now, actor, "film_dismissed", subject=film.audit_subject)
    return True


def attach_film(receipt: str, enterprise_name: str, part_name: str, ctx: Context, actor: str) -> Submission:
    """Attribute a quarantined or unattributed film to a part by hand; it counts by the instant it was sent.

    The names are as a person types them (see resolve_enterprise). Raises OperationRefused.
    """
    film = ctx.store.submissions.by_receipt(receipt, ctx.today + ONE_DAY)
    if film is None:
        raise OperationRefused("attach.no_such_receipt", receipt=receipt)
    if film.state != "filed":
        raise OperationRefused("attach.not_a_filed_film", receipt=receipt, state=film.state)
    enterprise = resolve_enterprise(enterprise_name, ctx.store)
    part = resolve_part(enterprise, part_name, ctx.store)
    before = {"place": film.attribution, "enterprise_id": film.enterprise_id, "part_id": film.part_id}
    ctx.store.audit_log.record(
        ctx.now, actor, "film_attached", receipt=receipt, enterprise=enterprise.code, part=part.number, before=before
    )
    assign_part(film, part.enterprise_id, part.id, "staff", ctx)
    return film


def resolve_part(enterprise: Enterprise, name: str, store: Store) -> KeyPart:
    """The part in use that a person calls so. Raises OperationRefused."""
    parts = store.register.parts_of(enterprise.id)
    part = find_part(name, parts)
    if part is None:
        labels = [part.label for part in parts]
        raise OperationRefused("attach.no_such_part", enterprise=enterprise.short_name, text=name, parts=labels)
    return part
