"""Jobs, the queues they wait in, and what the bot asks of an engine."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

JobRunner = Callable[[str, int], None]
TAKE_IN, DELIVER = "take_in", "deliver"


@dataclass(frozen=True)
class Queue:
    """Jobs that wait together: `concurrency` run at once per worker, and one per partition where it has partitions."""

    name: str
    concurrency: int
    is_partitioned: bool = False


# Without a limit, 800 waiting jobs would be 800 threads.
QUEUES = {TAKE_IN: Queue(TAKE_IN, 8), DELIVER: Queue(DELIVER, 16, is_partitioned=True)}


@dataclass(frozen=True)
class Job:
    """One thing to do: `kind` with the row `row_id`. Jobs of one partition run one after the other.

    `dedupe_tag` tells attempts at the same row apart; `delay` is real time. An urgent job goes before all that wait.
    """

    kind: str
    row_id: int
    partition_key: str = ""
    dedupe_tag: str = "0"
    delay: timedelta = field(default=timedelta(0))
    urgent: bool = False

    @property
    def id(self) -> str:
        """The engine's id: the same job enqueued twice runs once.

        Jobs of a partition that are enqueued within the same second run in the order of their ids; hence the padding.
        """
        return f"{self.kind}/{self.row_id:012d}/{self.dedupe_tag}"

    @property
    def queue(self) -> Queue:
        """Where it waits: the only place that chooses a queue."""
        return QUEUES[self.kind]


def retry_job(kind: str, row_id: int, partition_key: str, delay: timedelta) -> Job:
    """A further attempt at the same row."""
    return Job(kind, row_id, partition_key, secrets.token_hex(6), max(delay, timedelta(0)))


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
