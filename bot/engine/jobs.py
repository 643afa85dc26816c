"""What the bot asks of an engine, and the jobs it gives to one."""

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
class Job:
    """One thing to carry out: `work` on the row `row_id`; jobs of one lane run one after the other.

    `tag` tells repeats of the same work apart; `delay` is real time. What is `urgent` goes before all that waits.
    """

    kind: str
    row_id: int
    partition_key: str = ""
    dedupe_tag: str = "0"
    delay: timedelta = field(default=timedelta(0))
    urgent: bool = False

    @property
    def id(self) -> str:
        """The engine's name for it: the same job enqueued twice is one.

        Trap 2: within one second of Python 3.11's clock a lane is in the order of these names, so
        the number is padded.
        """
        return f"{self.kind}/{self.row_id:012d}/{self.dedupe_tag}"


def retry_job(kind: str, row_id: int, partition_key: str, delay: timedelta) -> Job:
    """A further try at the same row."""
    return Job(kind, row_id, partition_key, secrets.token_hex(6), max(delay, timedelta(0)))


class Engine(Protocol):
    """What the bot asks of an engine."""

    def enqueue(self, connection: Connection, jobs: Iterable[Job]) -> None:
        """Enqueue jobs with the transaction of `connection`: both are kept, or neither."""

    def start(self, run: JobRunner) -> None:
        """Begin to carry out jobs by calling `run(work, row_id)`."""

    def stop(self) -> None:
        """Carry out nothing more."""

    def orphaned_jobs(self, live_executors: set[str]) -> set[tuple[str, int]]:
        """What work on which rows executors that are not alive had under way; may be asked before the start."""

    def take_over(self, live_executors: set[str]) -> set[tuple[str, int]]:
        """Take over the work of executors that are not alive; what work on which rows now lies with the engine."""
