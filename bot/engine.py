"""The durable engine behind a few calls: enqueue in a transaction, enqueue later, start, stop, orphans, reap.

Our rows are the truth that people see; the engine only sees to it that `take_in` and `deliver` are
carried out, one at a time per lane, on whatever worker is free, and again after a crash. Every job
may be repeated. The traps of DBOS (building blocks, 1g) end in this file.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import Connection

from bot.clock import wall_now
from storage.database import Database, after_commit

Run = Callable[[str, int], None]
log = logging.getLogger(__name__)

TAKE_IN, DELIVER = "take_in", "deliver"
# Trap 3: by default the version is a digest of the code, and any edit strands what is under way.
_VERSION = "1"
# Trap 8: without a bound, 800 queued jobs are 800 threads.
_AT_ONCE = {TAKE_IN: 8, DELIVER: 16}
_POLL_S = 0.2
_KEPT = timedelta(days=1)
_UNFINISHED = ["PENDING", "ENQUEUED", "DELAYED"]
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
# How long jobs under way may take to end when the process is told to.
_LAST_MOMENTS_S = 3


@dataclass(frozen=True)
class Job:
    """One thing to carry out: `work` on the row `row_id`; jobs of one lane run one after the other.

    `tag` tells repeats of the same work apart; `delay` is real time.
    """

    work: str
    row_id: int
    lane: str = ""
    tag: str = "0"
    delay: timedelta = field(default=timedelta(0))

    @property
    def id(self) -> str:
        """The engine's name for it: the same job enqueued twice is one.

        Trap 2: within one second of Python 3.11's clock a lane is in the order of these names, so
        the number is padded.
        """
        return f"{self.work}/{self.row_id:012d}/{self.tag}"


def again(work: str, row_id: int, lane: str, delay: timedelta) -> Job:
    """A further try at the same row."""
    return Job(work, row_id, lane, secrets.token_hex(6), max(delay, timedelta(0)))


class Engine(Protocol):
    """What the bot asks of an engine."""

    def enqueue(self, connection: Connection, jobs: Iterable[Job]) -> None:
        """Enqueue jobs with the transaction of `connection`: both are kept, or neither."""

    def start(self, run: Run) -> None:
        """Begin to carry out jobs by calling `run(work, row_id)`."""

    def stop(self) -> None:
        """Carry out nothing more."""

    def orphans(self, alive: set[str]) -> set[tuple[str, int]]:
        """What work on which rows executors that are not alive had under way; may be asked before the start."""

    def reap(self, alive: set[str]) -> set[tuple[str, int]]:
        """Take over the work of executors that are not alive; what work on which rows now lies with the engine."""


class DurableEngine:
    """DBOS over the same database as the rows."""

    def __init__(self, database: Database, executor_id: str) -> None:
        self._database, self._executor_id = database, executor_id
        logging.getLogger("dbos").setLevel(logging.WARNING)
        # Trap 5: the web path must fail at once when the database is away, never block.
        self._client = DBOSClient(
            system_database_engine=database.durable_engine,
            serializer=DBOSPortableJSONSerializer(),
            retry_connection_errors=False,
            lazy=True,
        )
        self._launched = False

    def enqueue(self, connection: Connection, jobs: Iterable[Job]) -> None:
        """See Engine."""
        for job in jobs:
            options: dict[str, Any] = {"workflow_name": job.work, "queue_name": job.work, "workflow_id": job.id}
            if job.work == DELIVER:
                options["queue_partition_key"] = job.lane
            if job.delay:
                options["delay_seconds"] = job.delay.total_seconds()
            self._client.enqueue_in_transaction(connection, options, job.row_id)  # type: ignore[arg-type]

    def start(self, run: Run) -> None:
        """See Engine. One launch per process and executor id (trap 4)."""
        config: DBOSConfig = {
            "name": "night-patrol",
            "system_database_url": self._database.url.render_as_string(hide_password=False),
            "system_database_engine": self._database.durable_engine,
            "executor_id": self._executor_id,
            "application_version": _VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
        }
        DBOS(config=config)
        for work in (TAKE_IN, DELIVER):
            DBOS.workflow(name=work)(_workflow(run, work))
        DBOS.launch()
        self._launched = True
        DBOS.register_queue(TAKE_IN, worker_concurrency=_AT_ONCE[TAKE_IN], polling_interval_sec=_POLL_S)
        DBOS.register_queue(
            DELIVER, worker_concurrency=_AT_ONCE[DELIVER], partition_concurrency=1, polling_interval_sec=_POLL_S
        )

    def stop(self) -> None:
        """See Engine."""
        if self._launched:
            DBOS.destroy(workflow_completion_timeout_sec=_LAST_MOMENTS_S)
        self._client.destroy()

    def orphans(self, alive: set[str]) -> set[tuple[str, int]]:
        """See Engine."""
        under_way = self._client.list_workflows(status="PENDING", load_input=False, load_output=False)
        return {_work_and_row(each.workflow_id) for each in under_way if each.executor_id not in alive}

    def reap(self, alive: set[str]) -> set[tuple[str, int]]:
        """See Engine. Also forgets what was finished a day ago (trap 10)."""
        held = DBOS.list_workflows(status=_UNFINISHED, load_input=False, load_output=False)
        orphans = [each.workflow_id for each in held if each.status == "PENDING" and each.executor_id not in alive]
        if orphans:
            log.warning("taking over %d jobs of workers that are gone", len(orphans))
            DBOS.resume_workflows(orphans)
        self._forget(before=wall_now() - _KEPT)
        return {_work_and_row(each.workflow_id) for each in held}

    def _forget(self, before: datetime) -> None:
        done = DBOS.list_workflows(
            status=_FINISHED, end_time=before.isoformat(), limit=2000, load_input=False, load_output=False
        )
        if done:
            DBOS.delete_workflows([each.workflow_id for each in done])


def prepare(database: Database) -> None:
    """Bring the engine's own tables to the version this program uses.

    Not by DBOS.migrate: that opens the file with the system's SQLite, and two SQLite libraries in one
    process undo each other's file locks. The private call is pinned with the library, and tested.
    """
    client = DBOSClient(system_database_engine=database.durable_engine, lazy=True)
    client._sys_db.run_migrations()


def _workflow(run: Run, work: str) -> Callable[[int], None]:
    """Trap 6: a workflow that raises is final. Ours never does: each failure ends in a row and a later try."""

    def carry_out(row_id: int) -> None:
        try:
            run(work, row_id)
        except Exception:
            log.exception("%s of row %d broke off", work, row_id)

    carry_out.__name__ = carry_out.__qualname__ = work
    return carry_out


def _work_and_row(job_id: str) -> tuple[str, int]:
    work, row_id, *_ = job_id.split("/")
    return work, int(row_id)


class InlineEngine:
    """The same five calls within one thread, for stories: a whole night takes milliseconds.

    Jobs wait in a list until `drain`; later ones wait for their delay on the given clock.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[datetime | None, Job]] = deque()
        self._seen: set[str] = set()
        self._run: Run | None = None

    def enqueue(self, connection: Connection, jobs: Iterable[Job]) -> None:
        """See Engine."""
        wanted = list(jobs)
        after_commit(connection, lambda: self._admit(wanted))

    def _admit(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            if job.id not in self._seen:
                self._seen.add(job.id)
                self._waiting.append((None, job))

    def start(self, run: Run) -> None:
        """See Engine."""
        self._run = run

    def stop(self) -> None:
        """See Engine."""
        self._run = None

    def orphans(self, alive: set[str]) -> set[tuple[str, int]]:
        """See Engine: a job under way ends with its process, and this engine with it."""
        return set()

    def reap(self, alive: set[str]) -> set[tuple[str, int]]:
        """See Engine."""
        return {(job.work, job.row_id) for _, job in self._waiting}

    def drain(self, now: datetime) -> None:
        """Carry out all that is due at `now`, and what that enqueues in turn."""
        assert self._run is not None
        later: deque[tuple[datetime | None, Job]] = deque()
        try:
            while self._waiting:
                due, job = self._waiting.popleft()
                due = due or now + job.delay
                if due > now:
                    later.append((due, job))
                else:
                    self._run(job.work, job.row_id)
        finally:
            self._waiting.extend(later)
