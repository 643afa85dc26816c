"""What a serving process does besides answering: carry out jobs, tick, sweep up, keep its clock alive."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from apscheduler.schedulers.background import BackgroundScheduler

from bot.clock import ClockJumpDetector, monotonic, sync_rehearsal_clock, wall_now
from bot.delivery.deliver import Delivery
from bot.engine import DELIVER, TAKE_IN, Job
from bot.intake.dispatcher import Dispatcher
from bot.intake.inbox_writer import InboxWriter
from bot.intake.take_in import Intake
from bot.media.integrity_sampling import IntegritySampler
from bot.monitoring.liveness import WORKER_DEAD_AFTER, WORKER_HEARTBEAT_PREFIX
from bot.monitoring.metrics import TICK_SECONDS
from bot.monitoring.outage_recorder import Heartbeat
from bot.unit_of_work import TransactionStore, UnitOfWork
from schedules.scheduler import start_timetable, tick
from storage.db.process_locks import process_lock
from storage.errors import DatabaseUnavailable, OperationRefused
from storage.outages import WORKING
from storage.store import Store

log = logging.getLogger(__name__)

_TICK, _REHEARSAL_TICK = timedelta(seconds=1), timedelta(seconds=0.25)
# A worker that has given no sign of life for so long is gone; within a sweep more its jobs go to the others.
_SWEEP = timedelta(seconds=15)
_SIGN, _LOOK, _CHORE = timedelta(seconds=2), timedelta(seconds=5), timedelta(minutes=1)
# Between one job's beginning and the next in a rush of callbacks.
_COURTESY_S = 0.1


class BackgroundService(Protocol):
    """Something that runs in threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End in order."""


class Worker:
    """Jobs and timetable of one process, under one executor id."""

    def __init__(
        self,
        uow: UnitOfWork,
        inbox_writer: InboxWriter,
        intake: Intake,
        delivery: Delivery,
        sampler: IntegritySampler,
        executor_id: str,
        services: Sequence[BackgroundService] = (),
        minute_tasks: Sequence[Callable[[], None]] = (),
    ) -> None:
        """`beside` are what runs in threads of its own as long as the worker does, `chores` are done each minute."""
        self._memory, self._hearing, self._executor_id = uow, inbox_writer, executor_id
        self._intake, self._delivery, self._sampler = intake, delivery, sampler
        self._dispatcher, self._beside, self._chores = Dispatcher(uow, inbox_writer), services, minute_tasks
        self._scheduler: BackgroundScheduler | None = None
        self._name = process_lock(uow.database.url, f"executor-{executor_id}")
        self._working = Heartbeat(WORKING, uow.clock)
        self._swept, self._watch = monotonic(), ClockJumpDetector()

    def run_job(self, kind: str, row_id: int) -> None:
        """Carry out one job of the engine. What is still arriving goes before what is already kept."""
        if kind == TAKE_IN:
            self._hearing.yield_to_callbacks(_COURTESY_S)
        {TAKE_IN: self._intake.take_in, DELIVER: self._delivery.deliver}[kind](row_id)

    def acquire_lock(self) -> None:
        """Bear the executor's name. Raises Refused while another process bears it: they would do each other's jobs."""
        if not self._name.acquire():
            raise OperationRefused("worker.executor_id_in_use", name=self._executor_id)

    def start(self) -> None:
        """Begin with what an earlier process left, then tick. Raises Refused."""
        self.acquire_lock()
        self._mourn(self._others())
        with self._memory.transaction() as store:
            now = self._memory.clock.now()
            if store.facts.read_fact("born") is None:
                store.facts.store_fact("born", {"at": now.isoformat()})
            # Before the first job: others take over the work of whoever gives no sign of life.
            self._sign_of_life(store)
            if store.facts.heartbeats_since(WORKER_HEARTBEAT_PREFIX, wall_now() - WORKER_DEAD_AFTER) == {
                self._executor_id
            }:
                store.notices.expire_leases(wall_now())
        self._memory.engine.start(self.run_job)
        self._dispatcher.start()
        for each in self._beside:
            each.start()
        every = _REHEARSAL_TICK if self._memory.clock.is_rehearsal else _TICK
        calls = [(self.run_tick, every), (self._give_sign, _SIGN), (self._sampler.run_once, _LOOK)]
        calls += [(chore, _CHORE) for chore in self._chores]
        self._scheduler = start_timetable(calls, self._memory.zone, wall_now)

    def stop(self) -> None:
        """Finish what is under way and do nothing more."""
        if self._scheduler is not None:
            self._scheduler.shutdown()
        self._dispatcher.stop()
        self._memory.engine.stop()
        for each in self._beside:
            each.stop()
        try:
            with self._memory.transaction() as store:
                self._working.clear_after_rehearsal(store)
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)
        finally:
            self._name.release()

    def run_tick(self) -> list[str]:
        """One tick; which jobs failed. A database that is away is logged and asked again on the next."""
        failed = []
        try:
            with TICK_SECONDS.time():
                with self._memory.transaction() as store:
                    sync_rehearsal_clock(self._memory.clock, store)
                    self._working.beat(store)
                    self._catch_up(store)
                failed = tick(self._memory.transaction, self._memory.zone, self._memory.clock.now())
            if monotonic() - self._swept > _SWEEP.total_seconds():
                self._swept = monotonic()
                self.requeue_lost_work()
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)
        return failed

    def _catch_up(self, store: TransactionStore) -> None:
        """When the clock has been put back, what was due before is due still, and nothing waits for it to catch up."""
        back = self._watch.backward_jump()
        if back is None:
            return
        log.warning("the clock was put back by %.0f s", back.total_seconds())
        wall, now = wall_now(), self._memory.clock.now()
        tag = f"b{int(wall.timestamp())}"
        store.jobs += [Job(TAKE_IN, each, dedupe_tag=tag) for each in store.inbox.retry_now(wall)]
        due = store.notices.make_due_after_clock_reset(now, now + back * self._memory.clock.speed)
        store.jobs += [Job(DELIVER, each.id, each.route, tag) for each in due]

    def _give_sign(self) -> None:
        """By itself, for a long tick must not look like death."""
        try:
            if not self._name.acquire():
                log.critical("another worker bears the name %s: this one ends", self._executor_id)
                signal.raise_signal(signal.SIGTERM)
            with self._memory.transaction() as store:
                self._sign_of_life(store)
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)

    def _sign_of_life(self, store: Store) -> None:
        store.facts.store_fact(WORKER_HEARTBEAT_PREFIX + self._executor_id, {"at": wall_now().isoformat()})

    def _others(self) -> set[str]:
        """The workers that give signs of life, but for this one."""
        with self._memory.read() as store:
            return store.facts.heartbeats_since(WORKER_HEARTBEAT_PREFIX, wall_now() - WORKER_DEAD_AFTER) - {
                self._executor_id
            }

    def _mourn(self, alive: set[str]) -> None:
        """What dead workers were sending has broken off, and is nobody's any more."""
        broken = {row_id for work, row_id in self._memory.engine.orphaned_jobs(alive) if work == DELIVER}
        if broken:
            with self._memory.transaction() as store:
                store.notices.expire_leases(wall_now(), broken)

    def requeue_lost_work(self) -> None:
        """Find what the engine may have lost sight of: dead workers' jobs, messages and notices left lying.

        What still lies with it is left alone: a film that takes long is not fetched twice at once.
        """
        alive = self._others() | {self._executor_id}
        self._mourn(alive)
        held = self._memory.engine.take_over(alive)
        wall, now = wall_now(), self._memory.clock.now()
        slot = f"s{int(wall.timestamp() / _SWEEP.total_seconds())}"
        lost_for = _SWEEP * self._memory.clock.speed
        with self._memory.transaction() as store:
            for kept in store.inbox.orphaned(now - lost_for, wall - _SWEEP):
                _wake(Job(TAKE_IN, kept.id, dedupe_tag=slot), held, store)
            for notice in store.notices.orphaned(now - lost_for, wall):
                _wake(Job(DELIVER, notice.id, notice.route, slot), held, store)


def _wake(job: Job, held: set[tuple[str, int]], store: TransactionStore) -> None:
    if (job.kind, job.row_id) not in held:
        store.jobs.append(job)
