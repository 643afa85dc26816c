"""Transactions as the bot uses them: what was decided in one is enqueued with it, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.clock import Clock, real_delay
from bot.engine import DELIVER, TAKE_IN, Engine, Job
from schedules.context import Context
from schedules.outage_notices import load_rule_book
from schedules.rules import RuleBook
from storage.db.database import WRITE_TIMEOUT_S, Database
from storage.inbox import InboundMessage, store_messages_autocommit
from storage.personal_channels import PersonalChannel
from storage.poll_cursors import record_notification
from storage.store import Store


class TransactionStore(Store):
    """A store that also collects what the engine shall carry out once the transaction stands."""

    def __init__(self, session: Session, personal_channels: Sequence[PersonalChannel] = ()) -> None:
        super().__init__(session, personal_channels)
        self.jobs: list[Job] = []


class UnitOfWork:
    """The database, the engine and the clock, as one means to remember and to get things done.

    `personal_channels` are those that the settings switch on, the preferred one first; messages of `urgent_channels`
    are handled before others.
    """

    def __init__(self, database: Database, engine: Engine, clock: Clock, zone: ZoneInfo) -> None:
        self.database, self.engine, self.clock, self.zone = database, engine, clock, zone
        self.personal_channels: tuple[PersonalChannel, ...] = ()
        self.urgent_channels: frozenset[str] = frozenset()

    @contextmanager
    def transaction(self, timeout_s: float = WRITE_TIMEOUT_S) -> Iterator[TransactionStore]:
        """All or nothing: rows, notices and the jobs that follow from them. Raises DatabaseAway."""
        with self.database.transaction(timeout_s) as session:
            store = TransactionStore(session, self.personal_channels)
            yield store
            session.flush()
            now = self.clock.now()
            for notice in store.notices.pending_deliveries:
                wait = real_delay(self.clock, notice.due_at) if notice.due_at > now else timedelta(0)
                store.jobs.append(Job(DELIVER, notice.notice_id, notice.route, str(notice.failover_count), wait))
            self.engine.enqueue(session.connection(), store.jobs)

    def store_messages(self, inbound: Sequence[InboundMessage], timeout_s: float) -> set[tuple[str, str]]:
        """Keep messages, all with one statement; channel and key of those that are new. Raises DatabaseAway.

        Bells, which stand for messages to be fetched, are on record before.
        """
        now = self.clock.now()
        bells = [each for each in inbound if each.notification is not None]
        if bells:
            self._ring(bells, now, timeout_s)
        messages = [each for each in inbound if each.notification is None]
        kept = store_messages_autocommit(self.database, messages, now, timeout_s) if messages else {}
        return {*kept, *((each.channel, each.key) for each in bells)}

    def _ring(self, bells: Iterable[InboundMessage], now: datetime, patience_s: float) -> None:
        with self.database.write(patience_s, priority=True) as connection:
            for each in bells:
                assert each.notification is not None
                record_notification(connection, each.notification.source, each.notification.token, now)

    def dispatch_inbox(self, limit: int) -> int:
        """Hand the oldest messages kept to the engine, marked as handed over in the same transaction; how many."""
        with self.read() as store:
            if not store.inbox.has_undispatched():
                return 0
        with self.transaction() as working:
            working.jobs = [
                Job(TAKE_IN, row.id, urgent=row.channel in self.urgent_channels)
                for row in working.inbox.claim_undispatched(limit)
            ]
        return len(working.jobs)

    @contextmanager
    def read(self) -> Iterator[Store]:
        """One consistent state, nothing written."""
        with self.database.read() as session:
            yield Store(session, self.personal_channels)

    def rules(self, store: Store) -> RuleBook:
        """What has been agreed, as it stands now."""
        return load_rule_book(store, self.zone)

    def context(self, store: Store) -> Context:
        """What handlers and checks are given, now."""
        return Context(store, self.rules(store), self.clock.now())
