"""The engine over DBOS, in the same database as our rows; the only module that imports DBOS.

DBOS is imported where it is first used: that takes longer than most commands do, and commands that only read go
without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bot.clock import wall_now
from bot.engine.jobs import JOB_KINDS, QUEUES, Job, JobRunner
from storage.db.database import Database, translate_database_errors

if TYPE_CHECKING:
    from dbos import DBOSClient, DBOSConfig

log = logging.getLogger(__name__)

# By default the version is a digest of the code: any edit would strand what is under way.
_VERSION = "1"
_RETENTION, _DELETE_BATCH = timedelta(days=1), 2000
_UNFINISHED = ["PENDING", "ENQUEUED", "DELAYED"]
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_STOP_TIMEOUT_S = 3


class DbosEngine:
    """DBOS over the same database as our rows."""

    def __init__(self, database: Database, executor_id: str) -> None:
        self._database, self._executor_id = database, executor_id
        logging.getLogger("dbos").setLevel(logging.WARNING)
        self._launched = False

    @cached_property
    def _client(self) -> DBOSClient:
        """For every process. By default the client waits for an unavailable database; a callback must fail at once."""
        from dbos import DBOSClient, DBOSPortableJSONSerializer

        return DBOSClient(
            system_database_engine=self._database.dbos_engine,
            serializer=DBOSPortableJSONSerializer(),
            retry_connection_errors=False,
            lazy=True,
        )

    def enqueue(self, connection: Connection, jobs: Iterable[Job]) -> None:
        for job in jobs:
            options: dict[str, Any] = {"workflow_name": job.kind, "queue_name": job.queue.name, "workflow_id": job.id}
            options["priority"] = int(job.priority)
            if job.queue.is_partitioned:
                options["queue_partition_key"] = job.partition_key
            if job.delay:
                options["delay_seconds"] = job.delay.total_seconds()
            self._client.enqueue_in_transaction(connection, options, job.row_id)  # type: ignore[arg-type]

    def start(self, run: JobRunner) -> None:
        """See Engine. DBOS allows one launch per process, and one process per executor id."""
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
        for kind in JOB_KINDS:
            DBOS.workflow(name=kind)(_workflow(run, kind))
        with translate_database_errors():
            DBOS.launch()
            self._launched = True
            for queue in QUEUES:
                DBOS.register_queue(
                    queue.name,
                    worker_concurrency=queue.concurrency,
                    partition_concurrency=1 if queue.is_partitioned else None,
                    polling_interval_sec=queue.poll_interval_s,
                )

    def stop(self) -> None:
        from dbos import DBOS

        if self._launched:
            DBOS.destroy(workflow_completion_timeout_sec=_STOP_TIMEOUT_S)
        self._client.destroy()

    @translate_database_errors()
    def orphaned_jobs(self, live_executors: set[str]) -> set[tuple[str, int]]:
        pending = self._client.list_workflows(status="PENDING", load_input=False, load_output=False)
        return {_kind_and_row(each.workflow_id) for each in pending if each.executor_id not in live_executors}

    @translate_database_errors()
    def take_over(self, live_executors: set[str]) -> set[tuple[str, int]]:
        """See Engine. Also deletes what was finished a day ago: DBOS keeps it for ever.

        Orphans go back to the queue they came from, whose limits hold for them too.
        """
        unfinished = self._client.list_workflows(status=_UNFINISHED, load_input=False, load_output=False)
        orphans = [each for each in unfinished if each.status == "PENDING" and each.executor_id not in live_executors]
        if orphans:
            log.warning("taking over %d jobs of dead workers", len(orphans))
        for queue_name in {each.queue_name for each in orphans}:
            ids = [each.workflow_id for each in orphans if each.queue_name == queue_name]
            self._client.resume_workflows(ids, queue_name=queue_name)
        self._delete_finished(before=wall_now() - _RETENTION)
        return {_kind_and_row(each.workflow_id) for each in unfinished}

    def _delete_finished(self, before: datetime) -> None:
        finished = self._client.list_workflows(
            status=_FINISHED, end_time=before.isoformat(), limit=_DELETE_BATCH, load_input=False, load_output=False
        )
        if finished:
            self._client.delete_workflows([each.workflow_id for each in finished])


def migrate_engine_tables(database: Database) -> None:
    """Bring DBOS's own tables to the version this program uses. Raises DatabaseUnavailable."""
    from dbos import DBOS

    logging.getLogger("dbos").setLevel(logging.WARNING)
    with translate_database_errors():
        DBOS.migrate(database.driver_url.render_as_string(hide_password=False))


def _workflow(run: JobRunner, kind: str) -> Callable[[int], None]:
    """A workflow that raises is never run again. Ours does not raise: each failure ends in a row and a later job."""

    def run_workflow(row_id: int) -> None:
        try:
            run(kind, row_id)
        except Exception:
            log.exception("%s of row %d failed", kind, row_id)

    run_workflow.__name__ = run_workflow.__qualname__ = kind
    return run_workflow


def _kind_and_row(job_id: str) -> tuple[str, int]:
    kind, row_id, *_ = job_id.split("/")
    return kind, int(row_id)
