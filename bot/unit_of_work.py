"""Transactions as the bot uses them: the jobs that follow from a transaction are enqueued with it, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.clock import Clock, real_delay
from bot.engine import DELIVER, Engine, Job, message_job
from schedules.context import Context, load_rule_book
from schedules.rules import RuleBook
from storage.db.database import WRITE_TIMEOUT_S, Database
from storage.inbox import InboundMessage, store_messages_autocommit
from storage.personal_channels import PersonalChannel
from storage.poll_cursors import record_notification
from storage.priority import Priority
from storage.store import Store


class TransactionStore(Store):
    """A store that also collects the jobs to enqueue with the transaction."""

    def __init__(self, session: Session, personal_channels: Sequence[PersonalChannel] = ()) -> None:
        super().__init__(session, personal_channels)
        self.jobs: list[Job] = []


class UnitOfWork:
    """The database, the engine and the clock of a process.

    `personal_channels` are the configured channels to single people, the preferred one first.
    """

    def __init__(self, database: Database, engine: Engine, clock: Clock, zone: ZoneInfo) -> None:
        self.database, self.engine, self.clock, self.zone = database, engine, clock, zone
        self.personal_channels: tuple[PersonalChannel, ...] = ()

    @contextmanager
    def transaction(self, timeout_s: float = WRITE_TIMEOUT_S) -> Iterator[TransactionStore]:
        """All or nothing: rows, notices and the jobs that follow from them. Raises DatabaseUnavailable."""
        with self.database.transaction(timeout_s) as session:
            store = TransactionStore(session, self.personal_channels)
            yield store
            session.flush()
            now = self.clock.now()
            for notice in store.notices.pending_deliveries:
                delay = real_delay(self.clock, notice.due_at) if notice.due_at > now else timedelta(0)
                tag, priority = str(notice.failover_count), Priority(notice.priority)
                store.jobs.append(Job(DELIVER, notice.notice_id, notice.route, tag, delay, priority))
            self.engine.enqueue(session.connection(), store.jobs)

    def store_messages(self, inbound: Sequence[InboundMessage], timeout_s: float) -> set[tuple[str, str]]:
        """Store messages, all with one statement; channel and key of the new ones. Raises DatabaseUnavailable."""
        now = self.clock.now()
        notifications = [each.notification for each in inbound if each.notification is not None]
        if notifications:
            with self.database.write(timeout_s, priority=True) as connection:
                for each in notifications:
                    record_notification(connection, each.source, each.token, now)
        messages = [each for each in inbound if each.notification is None]
        ids = store_messages_autocommit(self.database, messages, now, timeout_s) if messages else {}
        return {*ids, *((each.channel, each.key) for each in inbound if each.notification is not None)}

    def dispatch_inbox(self, limit: int) -> int:
        """Enqueue stored messages by priority and mark them in the same transaction; how many."""
        with self.read() as store:
            if not store.inbox.has_undispatched():
                return 0
        with self.transaction() as store:
            rows = store.inbox.claim_undispatched(limit)
            store.jobs = [message_job(row) for row in rows]
        return len(rows)

    @contextmanager
    def read(self) -> Iterator[Store]:
        """One consistent state, nothing written. Raises DatabaseUnavailable."""
        with self.database.read() as session:
            yield Store(session, self.personal_channels)

    def rules(self, store: Store) -> RuleBook:
        """The rules as they stand now."""
        return load_rule_book(store, self.zone)

    def context(self, store: Store) -> Context:
        """The context for handlers and checks, as of now."""
        return Context(store, self.rules(store), self.clock.now())
