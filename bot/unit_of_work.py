"""Transactions as the bot uses them: what was decided in one is enqueued with it, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.clock import Clock, real_delay
from bot.engine import DELIVER, TAKE_IN, Engine, Job
from schedules.outage_notices import rule_book
from schedules.rules import RuleBook
from storage.db.database import PATIENCE_S, Database
from storage.inbox import keep_at_once
from storage.personal_channels import Line
from storage.poll_cursors import ring
from storage.store import Store

if TYPE_CHECKING:
    from bot.channels.interface import Bell

# What these doors hand on is gone within minutes: it goes before what can wait.
HURRIED = frozenset({"wecom_aibot"})


@dataclass(frozen=True)
class Heard:
    """A genuine message as it is to be kept: by which door, under which key, and its plain content; or the bell
    that it is, of which nothing is kept but that it rang."""

    channel: str
    key: str
    raw: str
    bell: Bell | None = None


class WorkingStore(Store):
    """A store that also collects what the engine shall carry out once the transaction stands."""

    def __init__(self, session: Session, lines: Sequence[Line] = ()) -> None:
        super().__init__(session, lines)
        self.jobs: list[Job] = []


class Memory:
    """The database, the engine and the clock, as one means to remember and to get things done.

    `lines` are the channels that the settings have opened to single people.
    """

    def __init__(self, database: Database, engine: Engine, clock: Clock, zone: ZoneInfo) -> None:
        self.database, self.engine, self.clock, self.zone = database, engine, clock, zone
        self.lines: tuple[Line, ...] = ()

    @contextmanager
    def transaction(self, patience_s: float = PATIENCE_S) -> Iterator[WorkingStore]:
        """All or nothing: rows, notices and the jobs that follow from them. Raises DatabaseAway."""
        with self.database.transaction(patience_s) as session:
            store = WorkingStore(session, self.lines)
            yield store
            session.flush()
            now = self.clock.now()
            for notice in store.notices.fresh:
                wait = real_delay(self.clock, notice.due_at) if notice.due_at > now else timedelta(0)
                store.jobs.append(Job(DELIVER, notice.id, notice.route, str(notice.turn), wait))
            self.engine.enqueue(session.connection(), store.jobs)

    def hear(self, heard: Sequence[Heard], patience_s: float) -> set[tuple[str, str]]:
        """Keep messages, all with one statement; channel and key of those that are new. Raises DatabaseAway.

        Bells, which stand for messages to be fetched, are on record before.
        """
        now = self.clock.now()
        bells = [each for each in heard if each.bell is not None]
        if bells:
            self._ring(bells, now, patience_s)
        messages = [(each.channel, each.key, each.raw) for each in heard if each.bell is None]
        kept = keep_at_once(self.database, messages, now, patience_s) if messages else {}
        return {*kept, *((each.channel, each.key) for each in bells)}

    def _ring(self, bells: Iterable[Heard], now: datetime, patience_s: float) -> None:
        with self.database.writing(patience_s, urgent=True) as connection:
            for each in bells:
                assert each.bell is not None
                ring(connection, each.bell.source, each.bell.token, now)

    def dispatch(self, limit: int) -> int:
        """Hand the oldest messages kept to the engine, marked as handed over in the same transaction; how many."""
        with self.reading() as store:
            if not store.inbox.undispatched():
                return 0
        with self.transaction() as working:
            working.jobs = [
                Job(TAKE_IN, row.id, urgent=row.channel in HURRIED) for row in working.inbox.dispatch(limit)
            ]
        return len(working.jobs)

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """One consistent state, nothing written."""
        with self.database.reading() as session:
            yield Store(session, self.lines)

    def book(self, store: Store) -> RuleBook:
        """What has been agreed, as it stands now."""
        return rule_book(store, self.zone)
