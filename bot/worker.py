"""A worker: it runs the engine's jobs, the timetable and the background loops of one process."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from bot.background import BackgroundLoop
from bot.clock import ClockJumpDetector, wall_now
from bot.delivery.deliver import Delivery
from bot.engine import DELIVER, FETCH, TAKE_IN, Job, delivery_job, message_job
from bot.intake.dispatcher import Dispatcher
from bot.intake.inbox_writer import InboxWriter
from bot.intake.take_in import Intake
from bot.monitoring.liveness import live_workers
from bot.monitoring.metrics import TICK_SECONDS
from bot.monitoring.outage_recorder import Heartbeat
from bot.unit_of_work import TransactionStore, UnitOfWork
from schedules.scheduler import Timetable, tick
from storage.db.process_locks import process_lock
from storage.errors import OperationRefused
from storage.outages import PROCESSING

log = logging.getLogger(__name__)

_TICK, _REHEARSAL_TICK = timedelta(seconds=1), timedelta(seconds=0.25)
# With the 30 seconds after which a worker counts as dead, its jobs are taken over within a minute.
_REQUEUE_INTERVAL = timedelta(seconds=15)
# The longest pause before a job during a burst of callbacks.
_YIELD_TIMEOUT_S = 0.1


class BackgroundService(Protocol):
    """A service that runs in its own threads."""

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
        heartbeat: Heartbeat,
        executor_id: str,
        services: Sequence[BackgroundService] = (),
    ) -> None:
        """`services` start after the engine and stop after it: jobs under way may still need them."""
        self._uow, self._inbox_writer, self._executor_id = uow, inbox_writer, executor_id
        self._run = {TAKE_IN: intake.take_in, FETCH: intake.fetch, DELIVER: delivery.deliver}
        self._heartbeat, self._services = heartbeat, services
        self._lock = process_lock(uow.database.url, f"worker-{executor_id}")
        self._clock_jumps = ClockJumpDetector()
        self._timetable: Timetable | None = None
        self._ticking = BackgroundLoop("tick", _TICK, self._tick)
        self._loops = [
            Dispatcher(uow, inbox_writer),
            BackgroundLoop("requeueing", _REQUEUE_INTERVAL, self.requeue_lost_work),
        ]

    def run_job(self, kind: str, row_id: int) -> None:
        """Run one job of the engine. During a burst, arriving messages go before stored ones."""
        if kind == TAKE_IN:
            self._inbox_writer.yield_to_callbacks(_YIELD_TIMEOUT_S)
        self._run[kind](row_id)

    def acquire_lock(self) -> None:
        """Take the executor id. Raises OperationRefused while another process has it: both would run the same jobs."""
        if not self._lock.acquire():
            raise OperationRefused("worker.executor_id_in_use", name=self._executor_id)

    def start(self) -> None:
        """Take over what an earlier process left, then start. Raises OperationRefused, DatabaseUnavailable."""
        self.acquire_lock()
        self._expire_dead_leases(self._other_workers())
        with self._uow.transaction() as store:
            if store.facts.read_fact("service_started") is None:
                store.facts.store_fact("service_started", {"at": self._uow.clock.now().isoformat()})
            # Before the first job: without a heartbeat the other workers would take it over.
            self._heartbeat.executor_id = self._executor_id
            self._heartbeat.beat(store)
            if live_workers(store) == {self._executor_id}:
                store.notices.expire_leases(wall_now())
        self._uow.engine.start(self.run_job)
        for each in (*self._loops, *self._services):
            each.start()
        every = _REHEARSAL_TICK if self._uow.clock.is_rehearsal else _TICK
        self._timetable = Timetable(self._ticking.attempt, every, self._uow.zone)

    def stop(self) -> None:
        """Finish what is under way and begin nothing more."""
        if self._timetable is not None:
            self._timetable.stop()
        for loop in self._loops:
            loop.stop()
        self._uow.engine.stop()
        for service in self._services:
            service.stop()
        self._lock.release()

    def check_process(self) -> None:
        """Check at each heartbeat that the lock is still ours and the wall clock was not put back."""
        if not self._lock.acquire():
            log.critical("another worker has the executor id %s: this one ends", self._executor_id)
            os.kill(os.getpid(), signal.SIGTERM)
        jump = self._clock_jumps.backward_jump()
        if jump is not None:
            log.warning("the clock was put back by %.0f s", jump.total_seconds())
            self.catch_up(jump)

    def catch_up(self, jump: timedelta) -> None:
        """After the wall clock was put back: what was due before stays due and does not wait for it to catch up."""
        wall, now = wall_now(), self._uow.clock.now()
        if self._timetable is not None:
            self._timetable.call_now(wall)
        with self._uow.transaction() as store:
            tag = f"b{int(wall.timestamp())}"
            store.jobs += [message_job(each, tag) for each in store.inbox.retry_now(wall)]
            due = store.notices.make_due_after_clock_reset(now, now + jump * self._uow.clock.speed)
            store.jobs += [delivery_job(each, tag) for each in due]

    def run_tick(self) -> list[str]:
        """One tick; the names of the jobs that failed. Raises DatabaseUnavailable.

        The heartbeat comes first: an outage must be on record before anything is judged.
        """
        with TICK_SECONDS.time():
            with self._uow.transaction() as store:
                self._heartbeat.beat(store, PROCESSING)
            return tick(self._uow.transaction, self._uow.zone, self._uow.clock.now())

    def _tick(self) -> None:
        self.run_tick()

    def _other_workers(self) -> set[str]:
        with self._uow.read() as store:
            return live_workers(store) - {self._executor_id}

    def _expire_dead_leases(self, live_executors: set[str]) -> None:
        """Free the notices that dead workers were sending at once, before their leases end."""
        orphans = {row_id for kind, row_id in self._uow.engine.orphaned_jobs(live_executors) if kind == DELIVER}
        if orphans:
            with self._uow.transaction() as store:
                store.notices.expire_leases(wall_now(), orphans)

    def requeue_lost_work(self) -> None:
        """Enqueue what no live worker works on: dead workers' jobs, and rows whose job the engine lost.

        What the engine still holds is left alone, so that a film that takes long is not fetched twice at once.
        """
        live_executors = self._other_workers() | {self._executor_id}
        self._expire_dead_leases(live_executors)
        held = self._uow.engine.take_over(live_executors)
        wall, now = wall_now(), self._uow.clock.now()
        tag = f"s{int(wall.timestamp() / _REQUEUE_INTERVAL.total_seconds())}"
        received_before = now - _REQUEUE_INTERVAL * self._uow.clock.speed
        with self._uow.transaction() as store:
            for row in store.inbox.orphaned(received_before, wall - _REQUEUE_INTERVAL):
                _enqueue_unless_held(message_job(row, tag), held, store)
            for notice in store.notices.orphaned(received_before, wall):
                _enqueue_unless_held(delivery_job(notice, tag), held, store)


def _enqueue_unless_held(job: Job, held: set[tuple[str, int]], store: TransactionStore) -> None:
    if (job.kind, job.row_id) not in held:
        store.jobs.append(job)
