"""Every day some of what is kept is read again, so that rot is found before an inspector finds it."""

from __future__ import annotations

import logging
import random
from datetime import date, datetime, timedelta

from bot.media.integrity import IntegrityResult, verify_films
from bot.unit_of_work import UnitOfWork
from schedules.notify import notify_office, was_in_service
from schedules.patrol_night import local_instant
from schedules.rules import RuleBook
from storage.db.models import Submission
from storage.db.process_locks import process_lock
from storage.errors import DatabaseUnavailable
from storage.objects import ObjectError, ObjectStore
from storage.store import Store

log = logging.getLogger(__name__)

INTEGRITY_FACT = "verified"
# Half an hour after the daily report, when nobody waits for the disk.
_AFTER_REPORT = timedelta(minutes=30)
_FRESH, _OLDER = 100, 50


class IntegritySampler:
    """Reads the night's films and some older ones again, once a day, in one of all the workers."""

    def __init__(self, uow: UnitOfWork, objects: ObjectStore) -> None:
        self._memory, self._objects = uow, objects
        self._name = process_lock(uow.database.url, "sampling")

    def run_once(self) -> None:
        """The sample that is due and not yet taken. A store that does not answer is asked again next time."""
        now = self._memory.clock.now()
        night = now.astimezone(self._memory.zone).date()
        try:
            with self._memory.read() as store:
                films = self._due(night, now, self._memory.rules(store), store)
            if films is not None and self._name.acquire():
                try:
                    self._record(night, verify_films(films, self._objects))
                finally:
                    self._name.release()
        except (DatabaseUnavailable, ObjectError, OSError) as error:
            log.error("the sample of %s could not be read: %s", night, error)

    def _due(self, night: date, now: datetime, book: RuleBook, store: Store) -> list[Submission] | None:
        due = local_instant(night, book.for_night(night).daily_report_time, book) + _AFTER_REPORT
        if due > now or store.facts.decided([_key(night)]) or not was_in_service(store, due):
            return None
        dice = random.Random(night.isoformat())
        older = store.submissions.stored_ids_before(night)
        return [
            *store.submissions.stored(night, _FRESH),
            *store.submissions.by_ids(dice.sample(older, min(len(older), _OLDER))),
        ]

    def _record(self, night: date, found: IntegrityResult) -> None:
        now = self._memory.clock.now()
        with self._memory.transaction() as store:
            if not store.facts.decide(_key(night), now, f"{found.ok} of {found.checked}"):
                return
            numbers = {"night": night.isoformat(), "checked": found.checked, "ok": found.ok}
            store.facts.store_fact(
                INTEGRITY_FACT, {**numbers, "altered": len(found.altered), "absent": len(found.absent)}
            )
            if not found.is_intact:
                spoilt = {
                    "altered": [each["receipt"] for each in found.altered] or "—",
                    "absent": [each["receipt"] for each in found.absent] or "—",
                }
                notify_office(
                    store, night, now, "office_alert.integrity_failed", _key(night), checked=found.checked, **spoilt
                )


def _key(night: date) -> str:
    return f"sample/{night}"
