"""The audit log: append-only entries in a hash chain.

Changing, removing or inserting an entry breaks every seal after it. The daily report shows the head of the chain, so
copies of the report outside the service prove which entries existed.
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
_MAX_ENTRIES_OF_SUBJECT = 50


@dataclass(frozen=True)
class ChainHead:
    """The last seal, and the number of entries up to it."""

    length: int
    seal: str

    def __str__(self) -> str:
        return f"{self.length}-{self.seal[:16]}"


@dataclass(frozen=True)
class ChainCheck:
    """The number of valid seals before the first broken one, and its position; None when the chain is intact."""

    valid_count: int
    broken_at: int | None


def compute_seal(previous_seal: str, entry: AuditEntry) -> str:
    """SHA-256 in hex over the previous seal and the content of the entry."""
    content = {
        "at": entry.at.astimezone(UTC).isoformat(),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "place": entry.chain_position,
    }
    return hashlib.sha256(
        (previous_seal + json.dumps(content, ensure_ascii=False, sort_keys=True)).encode()
    ).hexdigest()


class AuditLogStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def record(self, at: datetime, actor: str, action: str, subject: str | None = None, **detail: Any) -> None:
        """Add an entry for something a person did; `subject` identifies what it was done to."""
        self.session.add(AuditEntry(at=at, actor=actor, action=action, subject=subject, detail=detail))

    def seal_new(self, now: datetime, limit: int = 500) -> int:
        """Seal the unsealed entries, oldest first; the number sealed. Only one process may call it at a time."""
        unsealed = select(AuditEntry).where(AuditEntry.chain_position.is_(None)).order_by(AuditEntry.id).limit(limit)
        entries = self.session.scalars(unsealed).all()
        head = self.head() if entries else None
        length, last = (head.length, head.seal) if head else (0, _BEGINNING)
        for entry in entries:
            length += 1
            entry.chain_position, entry.sealed_at = length, now
            entry.seal = last = compute_seal(last, entry)
        return len(entries)

    def head(self, as_of: datetime | None = None) -> ChainHead | None:
        """The head of the chain at an instant (None = now); None while nothing is sealed."""
        last = select(AuditEntry.chain_position, AuditEntry.seal).where(AuditEntry.chain_position.is_not(None))
        last = last if as_of is None else last.where(AuditEntry.sealed_at <= as_of)
        row = self.session.execute(last.order_by(AuditEntry.chain_position.desc()).limit(1)).first()
        return ChainHead(row.chain_position, row.seal) if row else None

    def verify(self) -> ChainCheck:
        """Recompute every seal of the chain."""
        query = select(AuditEntry).where(AuditEntry.chain_position.is_not(None)).order_by(AuditEntry.chain_position)
        # Closed explicitly: a broken seal ends the iteration before the server-side cursor is exhausted.
        with closing(self.session.scalars(query.execution_options(yield_per=1000))) as entries:
            return _check_chain(entries)

    def page(self, before_id: int | None = None, search_text: str = "", limit: int = 50) -> Sequence[AuditEntry]:
        """The latest entries with ids below `before_id` whose actor or subject contains `search_text`."""
        query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(AuditEntry.id < before_id)
        if search_text:
            searched = func.lower(AuditEntry.actor + " " + func.coalesce(AuditEntry.subject, ""))
            query = query.where(searched.contains(search_text.lower(), autoescape=True))
        return self.session.scalars(query).all()

    def of_subject(self, subject: str) -> Sequence[AuditEntry]:
        """The latest entries about one subject, the latest first."""
        query = select(AuditEntry).where(AuditEntry.subject == subject)
        return self.session.scalars(query.order_by(AuditEntry.id.desc()).limit(_MAX_ENTRIES_OF_SUBJECT)).all()


def _check_chain(entries: Iterable[AuditEntry]) -> ChainCheck:
    last, sealed = _BEGINNING, 0
    for entry in entries:
        last = compute_seal(last, entry)
        if entry.chain_position != sealed + 1 or entry.seal != last:
            return ChainCheck(sealed, sealed + 1)
        sealed += 1
    return ChainCheck(sealed, None)
