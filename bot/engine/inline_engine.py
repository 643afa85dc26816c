"""The engine of the story tests: in one thread, on the clock of the test."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from bot.engine.jobs import Job, JobRunner
from storage.db.database import after_commit


class InlineEngine:
    """The same calls in one thread: a whole night takes milliseconds.

    Jobs wait until `run_due`; delayed ones wait for their delay on the given clock.
    """

    def __init__(self) -> None:
        self.waiting: deque[tuple[datetime | None, Job]] = deque()
        self._seen: set[str] = set()
        self._run: JobRunner | None = None

    def enqueue(self, connection: Connection, jobs: Iterable[Job]) -> None:
        enqueued = list(jobs)
        after_commit(connection, lambda: self._add(enqueued))

    def _add(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            if job.id not in self._seen:
                self._seen.add(job.id)
                self.waiting.append((None, job))

    def start(self, run: JobRunner) -> None:
        self._run = run

    def stop(self) -> None:
        self._run = None

    def orphaned_jobs(self, live_executors: set[str]) -> set[tuple[str, int]]:
        """See Engine: a job under way ends with its process, and this engine with it."""
        return set()

    def take_over(self, live_executors: set[str]) -> set[tuple[str, int]]:
        return {(job.kind, job.row_id) for _, job in self.waiting}

    def run_due(self, now: datetime) -> None:
        """Run all that is due at `now`, and what that enqueues in turn."""
        assert self._run is not None
        later: deque[tuple[datetime | None, Job]] = deque()
        try:
            while self.waiting:
                due, job = self.waiting.popleft()
                due = due or now + job.delay
                if due > now:
                    later.append((due, job))
                else:
                    self._run(job.kind, job.row_id)
        finally:
            self.waiting.extend(later)
