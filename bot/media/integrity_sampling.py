"""Every day some of what is kept is read again, so that rot is found before an inspector finds it."""

from __future__ import annotations

import logging
import random
from datetime import date, datetime, timedelta

from bot.media.integrity import Verification, verify
from bot.unit_of_work import Memory
from schedules.notify import awake_at, tell_office
from schedules.patrol_night import at
from schedules.rules import RuleBook
from storage.db.models import Submission
from storage.db.process_locks import claim
from storage.errors import DatabaseAway
from storage.objects import ObjectError, ObjectStore
from storage.store import Store

log = logging.getLogger(__name__)

FACT = "verified"
# Half an hour after the daily report, when nobody waits for the disk.
_AFTER_REPORT = timedelta(minutes=30)
_FRESH, _OLDER = 100, 50


class Sampler:
    """Reads the night's films and some older ones again, once a day, in one of all the workers."""

    def __init__(self, memory: Memory, objects: ObjectStore) -> None:
        self._memory, self._objects = memory, objects
        self._name = claim(memory.database.url, "sampling")

    def once(self) -> None:
        """The sample that is due and not yet taken. A store that does not answer is asked again next time."""
        now = self._memory.clock.now()
        night = now.astimezone(self._memory.zone).date()
        try:
            with self._memory.reading() as store:
                films = self._due(night, now, self._memory.book(store), store)
            if films is not None and self._name.take():
                try:
                    self._record(night, verify(films, self._objects))
                finally:
                    self._name.release()
        except (DatabaseAway, ObjectError, OSError) as error:
            log.error("the sample of %s could not be read: %s", night, error)

    def _due(self, night: date, now: datetime, book: RuleBook, store: Store) -> list[Submission] | None:
        due = at(night, book.on(night).daily_report, book) + _AFTER_REPORT
        if due > now or store.records.decided([_key(night)]) or not awake_at(store, due):
            return None
        dice = random.Random(night.isoformat())
        older = store.submissions.kept_before(night)
        return [
            *store.submissions.kept_of(night, _FRESH),
            *store.submissions.of_ids(dice.sample(older, min(len(older), _OLDER))),
        ]

    def _record(self, night: date, found: Verification) -> None:
        now = self._memory.clock.now()
        with self._memory.transaction() as store:
            if not store.records.decide(_key(night), now, f"{found.ok} of {found.checked}"):
                return
            numbers = {"night": night.isoformat(), "checked": found.checked, "ok": found.ok}
            store.records.set_fact(FACT, {**numbers, "altered": len(found.altered), "absent": len(found.absent)})
            if not found.is_well:
                spoilt = {
                    "altered": [each["receipt"] for each in found.altered] or "—",
                    "absent": [each["receipt"] for each in found.absent] or "—",
                }
                tell_office(store, night, now, "trouble.rot", _key(night), checked=found.checked, **spoilt)


def _key(night: date) -> str:
    return f"sample/{night}"
