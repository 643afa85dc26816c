"""Jobs, the queues they wait in, and what the bot asks of an engine."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from storage.db.models import InboxRow, Notice
from storage.inbox import FETCHING
from storage.priority import Priority

JobRunner = Callable[[str, int], None]
TAKE_IN, FETCH, DELIVER = "take_in", "fetch", "deliver"
JOB_KINDS = (TAKE_IN, FETCH, DELIVER)


@dataclass(frozen=True)
class Queue:
    """Jobs that wait together: `concurrency` run at once per worker, and one per partition where it has partitions.

    The engine looks for new ones every `poll_interval_s`, which costs about 10 ms of CPU.
    """

    name: str
    concurrency: int
    is_partitioned: bool = False
    poll_interval_s: float = 0.2


# Without a limit, 800 waiting jobs would be 800 threads. What waits on the network never shares a slot with what does
# not, and what cannot wait has slots of its own. Fetches are many: most of their time they wait for the platform.
_TAKE_IN_QUEUE = Queue(TAKE_IN, 8)
_FETCH_QUEUE, _EXPIRING_FETCH_QUEUE = Queue(FETCH, 64), Queue("fetch_expiring", 16, poll_interval_s=1.0)
_DELIVER_QUEUE = Queue(DELIVER, 16, is_partitioned=True)
_EMERGENCY_DELIVER_QUEUE = Queue("deliver_emergency", 8, is_partitioned=True, poll_interval_s=0.5)
QUEUES = (_TAKE_IN_QUEUE, _FETCH_QUEUE, _EXPIRING_FETCH_QUEUE, _DELIVER_QUEUE, _EMERGENCY_DELIVER_QUEUE)


@dataclass(frozen=True)
class Job:
    """One thing to do: `kind` with the row `row_id`. Jobs of one partition run one after the other.

    `dedupe_tag` tells attempts at the same row apart; `delay` is real time. Within a queue, `priority` goes first.
    """

    kind: str
    row_id: int
    partition_key: str = ""
    dedupe_tag: str = "0"
    delay: timedelta = field(default=timedelta(0))
    priority: Priority = Priority.ORDINARY

    @property
    def id(self) -> str:
        """The engine's id: the same job enqueued twice runs once.

        Jobs of a partition that are enqueued within the same second run in the order of their ids; hence the padding.
        """
        return f"{self.kind}/{self.row_id:012d}/{self.dedupe_tag}"

    @property
    def queue(self) -> Queue:
        """Where it waits: the only place that chooses a queue."""
        if self.kind == TAKE_IN:
            return _TAKE_IN_QUEUE
        if self.kind == FETCH:
            return _FETCH_QUEUE if self.priority == Priority.ORDINARY else _EXPIRING_FETCH_QUEUE
        return _EMERGENCY_DELIVER_QUEUE if self.priority == Priority.EMERGENCY else _DELIVER_QUEUE


def message_job(row: InboxRow, dedupe_tag: str = "0") -> Job:
    """The next step of a stored message: to be handled, or its media to be fetched."""
    kind = FETCH if row.state == FETCHING else TAKE_IN
    return Job(kind, row.id, dedupe_tag=dedupe_tag, priority=Priority(row.priority))


def delivery_job(notice: Notice, dedupe_tag: str = "0") -> Job:
    """An attempt to send a notice, in the order of its route."""
    return Job(DELIVER, notice.id, notice.route, dedupe_tag, priority=Priority(notice.priority))


def retry(job: Job, delay: timedelta) -> Job:
    """A further attempt at the same row."""
    return replace(job, dedupe_tag=secrets.token_hex(6), delay=max(delay, timedelta(0)))


class Engine(Protocol):
    """Runs jobs, each at least once."""

    def enqueue(self, connection: Connection, jobs: Iterable[Job]) -> None:
        """Enqueue jobs in the transaction of `connection`: both are committed, or neither."""

    def start(self, run: JobRunner) -> None:
        """Begin to run jobs by calling `run(kind, row_id)`. Raises DatabaseUnavailable."""

    def stop(self) -> None:
        """Run no further job."""

    def orphaned_jobs(self, live_executors: set[str]) -> set[tuple[str, int]]:
        """Kind and row of the jobs that dead executors had under way; may be called before the start."""

    def take_over(self, live_executors: set[str]) -> set[tuple[str, int]]:
        """Enqueue the orphaned jobs again; kind and row of every unfinished job."""
