"""Stored films read again and compared with their digest and size: on demand, and a sample every day.

Digest and size stand in the film's row and in the audit log, so a film swapped together with its row is noticed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from bot.unit_of_work import UnitOfWork
from schedules.audit_log import AuditLogCheck, check_audit_log
from schedules.notify import notify_fault, was_in_service
from schedules.patrol_night import local_instant
from schedules.rules import RuleBook
from storage.db.models import AuditEntry, Submission
from storage.db.process_locks import process_lock
from storage.objects import ObjectMissing, ObjectStore
from storage.store import Store

INTEGRITY_FACT = "integrity_check"
_CHUNK = 1024 * 1024
# Half an hour after the daily report, when the disk is idle.
_AFTER_REPORT = timedelta(minutes=30)
_MAX_NEW_FILMS, _OLD_FILMS = 100, 50
# Hands films through and may show how many are done.
Track: TypeAlias = Callable[[Iterable[Submission]], Iterable[Submission]]
# A film's row, and its entry in the audit log.
FiledFilm: TypeAlias = tuple[Submission, AuditEntry | None]


@dataclass
class IntegrityResult:
    """`altered` and `absent` hold {"receipt", "object_key"}, as `verify --json` prints them."""

    checked: int = 0
    ok: int = 0
    altered: list[dict[str, str]] = field(default_factory=list)
    absent: list[dict[str, str]] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether every checked film is unaltered."""
        return self.ok == self.checked

    def to_json(self) -> dict[str, Any]:
        """The output of `verify --json`."""
        return vars(self)


def verify_night(night: date | None, store: Store, objects: ObjectStore, track: Track = iter) -> IntegrityResult:
    """Verify the films of a night or (None) of all, those whose row was removed included; then also all documents.

    Raises ObjectError when the store is unavailable.
    """
    subjects: set[str] = set()

    def films() -> Iterator[FiledFilm]:
        for film in track(store.submissions.stored(night)):
            subjects.add(film.audit_subject)
            yield film, store.audit_log.film_entry(film)

    result = verify_films(films(), objects)
    for entry in store.audit_log.film_entries(night):
        if entry.subject is not None and entry.subject not in subjects:
            subjects.add(entry.subject)
            result.checked += 1
            receipt = entry.subject.rpartition("/")[2]
            result.absent.append({"receipt": receipt, "object_key": entry.detail["object_key"]})
    if night is None:
        _verify_documents(store, objects, result)
    return result


def _verify_documents(store: Store, objects: ObjectStore, result: IntegrityResult) -> None:
    """Add the files of documents, each under the number of its document; those whose row was removed included."""
    sealed = store.audit_log.sealed_document_files()
    stored = {
        (each.audit_subject, each.object_key or "", each.sha256 or "")
        for each in store.enforcement.documents_with_file()
    }
    for subject, key, sha256 in sorted(sealed | stored):
        result.checked += 1
        reference = {"receipt": subject.rpartition("/")[2], "object_key": key}
        try:
            found, _ = _read(key, objects)
        except ObjectMissing:
            result.absent.append(reference)
            continue
        if found == sha256 and (subject, key, sha256) in sealed & stored:
            result.ok += 1
        else:
            result.altered.append(reference)


def verify_films(films: Iterable[FiledFilm], objects: ObjectStore) -> IntegrityResult:
    """Read every object of these films again, in bounded memory. Raises ObjectError when the store is unavailable."""
    result = IntegrityResult()
    for film, entry in films:
        if film.object_key is None:
            continue
        result.checked += 1
        reference = {"receipt": film.receipt, "object_key": film.object_key}
        sealed = (entry.detail["sha256"], entry.detail["bytes"]) if entry else None
        try:
            found = _read(film.object_key, objects)
        except ObjectMissing:
            result.absent.append(reference)
            continue
        if found == (film.sha256, film.bytes) == sealed:
            result.ok += 1
        else:
            result.altered.append(reference)
    return result


def _read(key: str, objects: ObjectStore) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with objects.open(key) as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


class IntegritySampler:
    """Reads the audit log, the night's films and some older ones again, once a day, in one of all the workers."""

    def __init__(self, uow: UnitOfWork, objects: ObjectStore) -> None:
        self._uow, self._objects = uow, objects
        self._lock = process_lock(uow.database.url, "integrity-check")

    def run_once(self) -> None:
        """Verify log and sample if that is due and not yet done. Raises DatabaseUnavailable, ObjectError, OSError."""
        now = self._uow.clock.now()
        night = now.astimezone(self._uow.zone).date()
        with self._uow.read() as store:
            is_due = _is_due(night, now, self._uow.rules(store), store)
        if is_due and self._lock.acquire():
            try:
                with self._uow.read() as store:
                    log, films = check_audit_log(store), _sample(night, store)
                self._record(night, verify_films(films, self._objects), log)
            finally:
                self._lock.release()

    def _record(self, night: date, result: IntegrityResult, log: AuditLogCheck) -> None:
        now = self._uow.clock.now()
        with self._uow.transaction() as store:
            if not store.facts.decide(_decision_key(night), now, f"{result.ok} of {result.checked}"):
                return
            numbers = {"checked": result.checked, "ok": result.ok}
            damaged = {"altered": len(result.altered), "absent": len(result.absent)}
            fact = {"night": night.isoformat(), **numbers, **damaged, "audit_log_intact": not log.faults}
            store.facts.store_fact(INTEGRITY_FACT, fact)
            ctx = self._uow.context(store)
            if log.faults:
                notify_fault(ctx, "office_alert.audit_log_broken", "audit log", faults=log.faults)
            if not result.is_intact:
                receipts = {
                    "altered": [each["receipt"] for each in result.altered] or "—",
                    "absent": [each["receipt"] for each in result.absent] or "—",
                }
                notify_fault(ctx, "office_alert.integrity_failed", "rot", checked=result.checked, **receipts)


def _is_due(night: date, now: datetime, rules: RuleBook, store: Store) -> bool:
    due = local_instant(night, rules.for_night(night).daily_report_time, rules) + _AFTER_REPORT
    return due <= now and not store.facts.decided([_decision_key(night)]) and was_in_service(store, due)


def _sample(night: date, store: Store) -> list[FiledFilm]:
    chance, older = random.Random(night.isoformat()), store.submissions.stored_ids_before(night)
    films = [
        *store.submissions.stored(night, _MAX_NEW_FILMS),
        *store.submissions.by_ids(chance.sample(older, min(len(older), _OLD_FILMS))),
    ]
    return [(film, store.audit_log.film_entry(film)) for film in films]


def _decision_key(night: date) -> str:
    return f"integrity-check/{night}"
