"""What a serving process does besides answering: carry out jobs, tick, sweep up, keep its clock alive."""

from __future__ import annotations

import logging
from datetime import timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from bot.clock import beat, monotonic, wall_now
from bot.delivery import Delivery
from bot.engine import DELIVER, TAKE_IN, Job
from bot.hearing import Hearing
from bot.intake import Intake
from bot.memory import Memory, WorkingStore
from bot.metrics import TICK_SECONDS
from schedules.scheduler import start_ticking, tick
from storage.errors import DatabaseAway
from storage.store import Store

log = logging.getLogger(__name__)

_TICK, _REHEARSAL_TICK = timedelta(seconds=1), timedelta(seconds=0.25)
_SWEEP = timedelta(seconds=30)
# A worker whose beat is older than this is gone; its jobs go to the others.
_GONE_AFTER = timedelta(seconds=60)
_BEAT = "executor/"
_COURTESY_S = 0.5


class Worker:
    """Jobs and timetable of one process, under one executor id."""

    def __init__(self, memory: Memory, hearing: Hearing, intake: Intake, delivery: Delivery, executor_id: str) -> None:
        self._memory, self._hearing, self._executor_id = memory, hearing, executor_id
        self._intake, self._delivery = intake, delivery
        self._scheduler: BackgroundScheduler | None = None
        self._swept = monotonic()

    def run(self, work: str, row_id: int) -> None:
        """Carry out one job of the engine. What is still arriving goes before what is already kept."""
        if work == TAKE_IN:
            self._hearing.give_way(_COURTESY_S)
        {TAKE_IN: self._intake.take_in, DELIVER: self._delivery.deliver}[work](row_id)

    def start(self) -> None:
        """Begin with what an earlier process left, then tick."""
        with self._memory.transaction() as store:
            now = self._memory.clock.now()
            if store.records.fact("born") is None:
                store.records.set_fact("born", {"at": now.isoformat()})
            # Before the first job: others take over the work of whoever gives no sign of life.
            self._sign_of_life(store)
            if store.records.beats(_BEAT, wall_now() - _GONE_AFTER) == {self._executor_id}:
                store.notices.end_leases(wall_now())
        self._memory.engine.start(self.run)
        every = _REHEARSAL_TICK if self._memory.clock.rehearsal else _TICK
        self._scheduler = start_ticking(self.once, every, self._memory.zone)

    def stop(self) -> None:
        """Finish what is under way and do nothing more."""
        if self._scheduler is not None:
            self._scheduler.shutdown()
        self._memory.engine.stop()

    def once(self) -> None:
        """One tick. A database that is away is logged and asked again on the next."""
        try:
            with TICK_SECONDS.time():
                with self._memory.transaction() as store:
                    beat(self._memory.clock, store)
                    self._sign_of_life(store)
                tick(self._memory.transaction, self._memory.zone, self._memory.clock.now())
            if monotonic() - self._swept > _SWEEP.total_seconds():
                self._swept = monotonic()
                self.sweep()
        except DatabaseAway as error:
            log.error("the database is away: %s", error)

    def _sign_of_life(self, store: Store) -> None:
        store.records.set_fact(_BEAT + self._executor_id, {"at": wall_now().isoformat()})

    def sweep(self) -> None:
        """Find what the engine may have lost sight of: dead workers' jobs, messages and notices left lying.

        What still lies with it is left alone: a film that takes long is not fetched twice at once.
        """
        with self._memory.reading() as store:
            alive = store.records.beats(_BEAT, wall_now() - _GONE_AFTER)
        held = self._memory.engine.reap(alive | {self._executor_id})
        wall, now = wall_now(), self._memory.clock.now()
        slot = f"s{int(wall.timestamp() / _SWEEP.total_seconds())}"
        lost_for = _SWEEP * self._memory.clock.speed
        with self._memory.transaction() as store:
            for kept in store.inbox.overdue(now - lost_for, wall - _SWEEP):
                _wake(Job(TAKE_IN, kept.id, tag=slot), held, store)
            for notice in store.notices.stuck(now - lost_for, wall):
                _wake(Job(DELIVER, notice.id, notice.route, slot), held, store)


def _wake(job: Job, held: set[tuple[str, int]], store: WorkingStore) -> None:
    if (job.work, job.row_id) not in held:
        store.jobs.append(job)
