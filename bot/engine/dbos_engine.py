"""The engine over DBOS, in the same database as the rows; DBOS's only home.

The library is loaded where it is first used: that takes longer than most commands do, and those that only look
go without.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bot.clock import wall_now
from bot.engine.jobs import DELIVER, TAKE_IN, Job, JobRunner
from storage.db.database import Database, translate_database_errors

if TYPE_CHECKING:
    from dbos import DBOSClient, DBOSConfig

log = logging.getLogger(__name__)

# Trap 3: by default the version is a digest of the code, and any edit strands what is under way.
_VERSION = "1"
# Trap 8: without a bound, 800 queued jobs are 800 threads.
_AT_ONCE = {TAKE_IN: 8, DELIVER: 16}
_POLL_S = 0.2
# The engine's own count: the lower, the sooner.
_FIRST, _IN_TURN = 1, 2
_KEPT = timedelta(days=1)
_UNFINISHED = ["PENDING", "ENQUEUED", "DELAYED"]
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
# How long jobs under way may take to end when the process is told to.
_LAST_MOMENTS_S = 3


class DbosEngine:
    """DBOS over the same database as the rows."""

    def __init__(self, database: Database, executor_id: str) -> None:
        self._database, self._executor_id = database, executor_id
        logging.getLogger("dbos").setLevel(logging.WARNING)
        self._launched = False

    @cached_property
    def _client(self) -> DBOSClient:
        """Trap 5: the web path must fail at once when the database is away, never block."""
        from dbos import DBOSClient, DBOSPortableJSONSerializer

        return DBOSClient(
            system_database_engine=self._database.dbos_engine,
            serializer=DBOSPortableJSONSerializer(),
            retry_connection_errors=False,
            lazy=True,
        )

    def enqueue(self, connection: Connection, jobs: Iterable[Job]) -> None:
        """See Engine."""
        for job in jobs:
            options: dict[str, Any] = {"workflow_name": job.kind, "queue_name": job.kind, "workflow_id": job.id}
            options["priority"] = _FIRST if job.urgent else _IN_TURN
            if job.kind == DELIVER:
                options["queue_partition_key"] = job.partition_key
            if job.delay:
                options["delay_seconds"] = job.delay.total_seconds()
            self._client.enqueue_in_transaction(connection, options, job.row_id)  # type: ignore[arg-type]

    def start(self, run: JobRunner) -> None:
        """See Engine. One launch per process and executor id (trap 4)."""
        from dbos import DBOS, DBOSPortableJSONSerializer

        config: DBOSConfig = {
            "name": "night-patrol",
            "system_database_url": self._database.url.render_as_string(hide_password=False),
            "system_database_engine": self._database.dbos_engine,
            "executor_id": self._executor_id,
            "application_version": _VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
        }
        DBOS(config=config)
        for work in (TAKE_IN, DELIVER):
            DBOS.workflow(name=work)(_workflow(run, work))
        with translate_database_errors():
            DBOS.launch()
            self._launched = True
            DBOS.register_queue(TAKE_IN, worker_concurrency=_AT_ONCE[TAKE_IN], polling_interval_sec=_POLL_S)
            DBOS.register_queue(
                DELIVER, worker_concurrency=_AT_ONCE[DELIVER], partition_concurrency=1, polling_interval_sec=_POLL_S
            )

    def stop(self) -> None:
        """See Engine."""
        from dbos import DBOS

        if self._launched:
            DBOS.destroy(workflow_completion_timeout_sec=_LAST_MOMENTS_S)
        self._client.destroy()

    def orphaned_jobs(self, live_executors: set[str]) -> set[tuple[str, int]]:
        """See Engine."""
        under_way = self._client.list_workflows(status="PENDING", load_input=False, load_output=False)
        return {_work_and_row(each.workflow_id) for each in under_way if each.executor_id not in live_executors}

    def take_over(self, live_executors: set[str]) -> set[tuple[str, int]]:
        """See Engine. Also forgets what was finished a day ago (trap 10)."""
        from dbos import DBOS

        held = DBOS.list_workflows(status=_UNFINISHED, load_input=False, load_output=False)
        orphans = [
            each.workflow_id for each in held if each.status == "PENDING" and each.executor_id not in live_executors
        ]
        if orphans:
            log.warning("taking over %d jobs of workers that are gone", len(orphans))
            DBOS.resume_workflows(orphans)
        self._forget(before=wall_now() - _KEPT)
        return {_work_and_row(each.workflow_id) for each in held}

    def _forget(self, before: datetime) -> None:
        from dbos import DBOS

        done = DBOS.list_workflows(
            status=_FINISHED, end_time=before.isoformat(), limit=2000, load_input=False, load_output=False
        )
        if done:
            DBOS.delete_workflows([each.workflow_id for each in done])


def migrate_engine_tables(database: Database) -> None:
    """Bring the engine's own tables to the version this program uses.

    Not by DBOS.migrate: that opens the file with the system's SQLite, and two SQLite libraries in one
    process undo each other's file locks. The private call is pinned with the library, and tested.
    """
    from dbos import DBOSClient

    client = DBOSClient(system_database_engine=database.dbos_engine, lazy=True)
    client._sys_db.run_migrations()


def _workflow(run: JobRunner, work: str) -> Callable[[int], None]:
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
