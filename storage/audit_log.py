"""The audit log: append-only entries in a hash chain, sealed in the transaction that adds them.

Changing, removing or inserting an entry breaks every seal after it; a counter beside the chain knows its length, so
that removing the last entries shows too. The daily report shows the head of the chain: copies of the report outside
the service prove which entries existed, even if the whole chain was rewritten. docs/audit-log.md describes how an
outsider recomputes the seals.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from storage.db.database import before_commit
from storage.db.models import AuditEntry, Submission
from storage.db.models.submissions import AUDIT_SUBJECT_PREFIX
from storage.facts import FactStore

FILM_FILED = "film_filed"
"""The action of the entry that holds the digest of a stored film."""
DOCUMENT_FILE_ADDED = "document_file_added"
"""The action of the entry that holds the digest of a document's file."""
REPORT_ISSUED, REPORT_FILE_WRITTEN = "report_issued", "report_file_written"
SERVICE_ACTOR = "系统"
"""The actor of what the service does by itself."""
_BEGINNING = "0" * 64
_SERIES, _PENDING = "audit log", "pending_audit_entries"
_SEALED = ("position", "at", "actor", "action", "subject", "detail")
_INSERT = insert(AuditEntry.__table__)  # type: ignore[arg-type]
_HEAD_DIGITS = 16
_MAX_ENTRIES_OF_SUBJECT = 50


@dataclass(frozen=True)
class ChainHead:
    """The number of entries, and the first 16 digits of the last seal; written as 412-9f3ab2c47d01e586."""

    length: int
    seal: str

    def __str__(self) -> str:
        return f"{self.length}-{self.seal[:_HEAD_DIGITS]}"


@dataclass(frozen=True)
class ChainCheck:
    """The number of valid seals before the first broken one, and its position; None when the chain is intact."""

    valid_count: int
    broken_at: int | None


def parse_head(text: str) -> ChainHead:
    """A head as the reports show it. Raises ValueError."""
    found = re.fullmatch(rf"(\d{{1,18}})-([0-9a-f]{{{_HEAD_DIGITS}}})", text.strip().lower(), re.ASCII)
    if found is None:
        raise ValueError(text)
    return ChainHead(int(found[1]), found[2])


def compute_seal(previous_seal: str, entry: Mapping[Any, Any]) -> str:
    """SHA-256 in hex over the previous seal and the content of the entry."""
    content = {name: entry[name] for name in _SEALED}
    content["at"] = entry["at"].astimezone(UTC).isoformat()
    return hashlib.sha256(
        (previous_seal + json.dumps(content, ensure_ascii=False, sort_keys=True)).encode()
    ).hexdigest()


class AuditLogStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def record(self, at: datetime, actor: str, action: str, subject: str | None = None, **detail: Any) -> None:
        """Add an entry for something that was done; `subject` identifies what it was done to.

        It is sealed and written at the end of the transaction: the chain has one writer at a time.
        """
        # As it will be read back, so that the seal can be recomputed.
        detail = json.loads(json.dumps(detail))
        pending: list[dict[str, Any]] = self.session.info.setdefault(_PENDING, [])
        if not pending:
            before_commit(self.session, self._seal_pending)
        pending.append({"at": at, "actor": actor, "action": action, "subject": subject, "detail": detail})

    def _seal_pending(self) -> None:
        rows: list[dict[str, Any]] = self.session.info.pop(_PENDING)
        first = FactStore(self.session).next_number(_SERIES, len(rows)) - len(rows) + 1
        # If the last entries were removed there is no seal to continue from, and the gap stays visible.
        last = self._seal_at(first - 1) or _BEGINNING
        for position, row in enumerate(rows, first):
            row["position"] = position
            row["seal"] = last = compute_seal(last, row)
        self.session.connection().execute(_INSERT, rows)

    def _seal_at(self, position: int) -> str | None:
        return self.session.scalar(select(AuditEntry.seal).where(AuditEntry.position == position))

    def head(self) -> ChainHead | None:
        """The head of the chain; None while it is empty."""
        last = select(AuditEntry.position, AuditEntry.seal).order_by(AuditEntry.position.desc()).limit(1)
        row = self.session.execute(last).first()
        return ChainHead(row.position, row.seal) if row else None

    def continues(self, earlier: ChainHead) -> bool:
        """Whether the chain still contains an earlier head."""
        seal = self._seal_at(earlier.length)
        return seal is not None and seal.startswith(earlier.seal[:_HEAD_DIGITS])

    def verify(self) -> ChainCheck:
        """Recompute every seal of the chain, and compare its length with that of the counter."""
        query = select(AuditEntry.__table__).order_by(AuditEntry.position).execution_options(yield_per=1000)
        # Closed explicitly: a broken seal ends the iteration before the server-side cursor is exhausted.
        with closing(self.session.execute(query).mappings()) as entries:
            check = _check_chain(entries)
        if check.broken_at is None and check.valid_count != (length := FactStore(self.session).last_number(_SERIES)):
            return ChainCheck(min(check.valid_count, length), min(check.valid_count, length) + 1)
        return check

    def film_entry(self, film: Submission) -> AuditEntry | None:
        """The entry made when a film was filed."""
        filed = select(AuditEntry).where(AuditEntry.action == FILM_FILED, AuditEntry.subject == film.audit_subject)
        return self.session.scalars(filed.order_by(AuditEntry.position).limit(1)).first()

    def film_entries(self, night: date | None) -> Iterator[AuditEntry]:
        """The entries of the films filed for a night or (None) of all, in order; fetched in batches."""
        subject_prefix = f"{AUDIT_SUBJECT_PREFIX}{night}/" if night else AUDIT_SUBJECT_PREFIX
        filed = select(AuditEntry).where(AuditEntry.action == FILM_FILED)
        filed = filed.where(AuditEntry.subject.startswith(subject_prefix, autoescape=True))
        return iter(self.session.scalars(filed.order_by(AuditEntry.position).execution_options(yield_per=1000)))

    def sealed_document_files(self) -> set[tuple[str, str, str]]:
        """Subject, object key and SHA-256 of every file of a document, as noted when it was added."""
        query = select(AuditEntry.subject, AuditEntry.detail).where(AuditEntry.action == DOCUMENT_FILE_ADDED)
        return {
            (subject or "", detail["object_key"], detail["sha256"]) for subject, detail in self.session.execute(query)
        }

    def details_by_subject(self, actions: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Subject -> action -> detail of the first such entry."""
        query = select(AuditEntry.subject, AuditEntry.action, AuditEntry.detail).where(AuditEntry.action.in_(actions))
        details: dict[str, dict[str, Any]] = {}
        for subject, action, detail in self.session.execute(query.order_by(AuditEntry.position)):
            details.setdefault(subject or "", {}).setdefault(action, detail)
        return details

    def page(self, before: int | None = None, search_text: str = "", limit: int = 50) -> Sequence[AuditEntry]:
        """The latest entries before a position whose actor or subject contains `search_text`.

        Films filed by the service, hundreds in a night, are only found by searching.
        """
        query = select(AuditEntry).order_by(AuditEntry.position.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditEntry.position < before)
        if search_text:
            searched = func.lower(AuditEntry.actor + " " + func.coalesce(AuditEntry.subject, ""))
            query = query.where(searched.contains(search_text.lower(), autoescape=True))
        else:
            query = query.where(AuditEntry.action != FILM_FILED)
        return self.session.scalars(query).all()

    def of_subject(self, subject: str) -> Sequence[AuditEntry]:
        """The latest entries about one subject, the latest first."""
        query = select(AuditEntry).where(AuditEntry.subject == subject)
        return self.session.scalars(query.order_by(AuditEntry.position.desc()).limit(_MAX_ENTRIES_OF_SUBJECT)).all()


def _check_chain(entries: Iterable[Mapping[Any, Any]]) -> ChainCheck:
    last, sealed = _BEGINNING, 0
    for entry in entries:
        last = compute_seal(last, entry)
        if entry["position"] != sealed + 1 or entry["seal"] != last:
            return ChainCheck(sealed, sealed + 1)
        sealed += 1
    return ChainCheck(sealed, None)
