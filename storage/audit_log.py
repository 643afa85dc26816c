"""Who did what: a record that is only ever added to, each entry sealed together with all before it.

Whoever alters, removes or slips in an entry breaks every seal after it. The head of the chain stands on the daily
report: the copies of it that lie elsewhere are the outside witness.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.db.models import AuditEntry

_BEGINNING = "0" * 64


@dataclass(frozen=True)
class ChainHead:
    """The last seal of the chain, and how many entries it stands for."""

    length: int
    seal: str

    def __str__(self) -> str:
        return f"{self.length}-{self.seal[:16]}"


@dataclass(frozen=True)
class ChainCheck:
    """What came of reading the whole chain again: how many seals hold, and the entry at which the first does not."""

    valid_count: int
    broken_at: int | None


def compute_seal(previous_seal: str, entry: AuditEntry) -> str:
    """SHA-256 in hex over the seal before and everything the entry says."""
    said = {
        "at": entry.at.astimezone(UTC).isoformat(),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "place": entry.chain_position,
    }
    return hashlib.sha256((previous_seal + json.dumps(said, ensure_ascii=False, sort_keys=True)).encode()).hexdigest()


class AuditLogStore:
    """The entries, in the order in which they were sealed."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def record(self, at: datetime, actor: str, action: str, subject: str | None = None, **detail: Any) -> None:
        """Put on record what somebody did by hand; `subject` names the thing it was done to."""
        self.session.add(AuditEntry(at=at, actor=actor, action=action, subject=subject, detail=detail))

    def seal_new(self, now: datetime, limit: int = 500) -> int:
        """Seal what is not sealed yet, oldest first; how many. One caller at a time."""
        fresh = select(AuditEntry).where(AuditEntry.chain_position.is_(None)).order_by(AuditEntry.id).limit(limit)
        entries = self.session.scalars(fresh).all()
        head = self.head() if entries else None
        length, last = (head.length, head.seal) if head else (0, _BEGINNING)
        for entry in entries:
            length += 1
            entry.chain_position, entry.sealed_at = length, now
            entry.seal = last = compute_seal(last, entry)
        return len(entries)

    def head(self, as_of: datetime | None = None) -> ChainHead | None:
        """The end of the chain, as it was at an instant; None while nothing is sealed."""
        last = select(AuditEntry.chain_position, AuditEntry.seal).where(AuditEntry.chain_position.is_not(None))
        last = last if as_of is None else last.where(AuditEntry.sealed_at <= as_of)
        found = self.session.execute(last.order_by(AuditEntry.chain_position.desc()).limit(1)).first()
        return ChainHead(found.chain_position, found.seal) if found else None

    def verify(self) -> ChainCheck:
        """Read the whole chain again."""
        query = select(AuditEntry).where(AuditEntry.chain_position.is_not(None)).order_by(AuditEntry.chain_position)
        # The first seal that does not hold ends the reading: the rest of a server's answer is given back.
        with closing(self.session.scalars(query.execution_options(yield_per=1000))) as entries:
            return _checked(entries)

    def page(self, before_id: int | None = None, search_text: str = "", limit: int = 50) -> Sequence[AuditEntry]:
        """The latest entries older than the id `before`, of an actor or a thing whose name holds these words."""
        query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(AuditEntry.id < before_id)
        if search_text:
            named = func.lower(AuditEntry.actor + " " + func.coalesce(AuditEntry.subject, ""))
            query = query.where(named.contains(search_text.lower(), autoescape=True))
        return self.session.scalars(query).all()

    def of_subject(self, subject: str, limit: int = 50) -> Sequence[AuditEntry]:
        """What was done to one thing, the latest first."""
        query = select(AuditEntry).where(AuditEntry.subject == subject)
        return self.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)).all()


def _checked(entries: Iterable[AuditEntry]) -> ChainCheck:
    last, sealed = _BEGINNING, 0
    for entry in entries:
        last = compute_seal(last, entry)
        if entry.chain_position != sealed + 1 or entry.seal != last:
            return ChainCheck(sealed, sealed + 1)
        sealed += 1
    return ChainCheck(sealed, None)
