"""Stored films read again and compared with their recorded digest and size: on demand, and a sample every day."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from bot.unit_of_work import UnitOfWork
from schedules.notify import notify_fault, was_in_service
from schedules.patrol_night import local_instant
from schedules.rules import RuleBook
from storage.db.models import Submission
from storage.db.process_locks import process_lock
from storage.objects import ObjectMissing, ObjectStore
from storage.store import Store

INTEGRITY_FACT = "integrity_check"
_CHUNK = 1024 * 1024
# Half an hour after the daily report, when nobody waits for the disk.
_AFTER_REPORT = timedelta(minutes=30)
_MAX_NEW_FILMS, _OLD_FILMS = 100, 50


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


def verify_films(films: Iterable[Submission], objects: ObjectStore) -> IntegrityResult:
    """Read every object of these films again, in bounded memory. Raises ObjectError when the store is unavailable."""
    result = IntegrityResult()
    for film in films:
        if film.object_key is None:
            continue
        result.checked += 1
        reference = {"receipt": film.receipt, "object_key": film.object_key}
        try:
            digest, size = _read(film.object_key, objects)
        except ObjectMissing:
            result.absent.append(reference)
            continue
        if (digest, size) == (film.sha256, film.bytes):
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
    """Reads the night's films and some older ones again, once a day, in one of all the workers."""

    def __init__(self, uow: UnitOfWork, objects: ObjectStore) -> None:
        self._uow, self._objects = uow, objects
        self._lock = process_lock(uow.database.url, "integrity-check")

    def run_once(self) -> None:
        """Verify the sample if one is due and not yet taken. Raises DatabaseUnavailable, ObjectError, OSError."""
        now = self._uow.clock.now()
        night = now.astimezone(self._uow.zone).date()
        with self._uow.read() as store:
            films = self._due_films(night, now, self._uow.rules(store), store)
        if films is not None and self._lock.acquire():
            try:
                self._record(night, verify_films(films, self._objects))
            finally:
                self._lock.release()

    def _due_films(self, night: date, now: datetime, rules: RuleBook, store: Store) -> list[Submission] | None:
        due = local_instant(night, rules.for_night(night).daily_report_time, rules) + _AFTER_REPORT
        if due > now or store.facts.decided([_decision_key(night)]) or not was_in_service(store, due):
            return None
        # The same seed in every process: whichever takes the sample takes the same one.
        chance = random.Random(night.isoformat())
        older = store.submissions.stored_ids_before(night)
        return [
            *store.submissions.stored(night, _MAX_NEW_FILMS),
            *store.submissions.by_ids(chance.sample(older, min(len(older), _OLD_FILMS))),
        ]

    def _record(self, night: date, result: IntegrityResult) -> None:
        now = self._uow.clock.now()
        with self._uow.transaction() as store:
            if not store.facts.decide(_decision_key(night), now, f"{result.ok} of {result.checked}"):
                return
            numbers = {"checked": result.checked, "ok": result.ok}
            damaged = {"altered": len(result.altered), "absent": len(result.absent)}
            store.facts.store_fact(INTEGRITY_FACT, {"night": night.isoformat(), **numbers, **damaged})
            if not result.is_intact:
                receipts = {
                    "altered": [each["receipt"] for each in result.altered] or "—",
                    "absent": [each["receipt"] for each in result.absent] or "—",
                }
                ctx = self._uow.context(store)
                notify_fault(ctx, "office_alert.integrity_failed", "rot", checked=result.checked, **receipts)


def _decision_key(night: date) -> str:
    return f"integrity-check/{night}"
