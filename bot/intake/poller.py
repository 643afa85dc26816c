"""Sources that are asked for their messages: from a cursor, by one puller among all workers, at every bell and
every few minutes besides.

Messages and the new cursor are kept in one transaction, so a crash asks for the same once more and keeps it once. A
bell that is lost costs minutes and no message; what came while we were away comes with the next call, with the
instant at which it was sent.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from bot.channels.errors import ChannelError, Misconfigured, OutcomeUnknown, PollTokenInvalid, RateLimited
from bot.channels.interface import PollResult, PollSource
from bot.channels.registry import Channels
from bot.intake.take_in import backoff
from bot.monitoring.outage_recorder import PlatformMonitor
from bot.unit_of_work import TransactionStore, UnitOfWork
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from storage.db.models import PollCursor
from storage.db.process_locks import process_lock
from storage.errors import DatabaseUnavailable
from storage.inbox import store_messages

log = logging.getLogger(__name__)

# Without a bell. In a rehearsal minutes are moments, and the platform counts real calls: hence the real time too.
POLL_INTERVAL, _REAL_EVERY = timedelta(minutes=3), timedelta(seconds=10)
_TOKEN_LIFE = timedelta(minutes=10)
# Whoever called too often is shut out for a minute (protocol sheet 2.2).
_SHUT_OUT = timedelta(minutes=1)
_LOOK_S, _LAST_MOMENT_S, _BREATH = 0.3, 3, timedelta(seconds=1)
# What fails so often in a row is told to the office.
_PATIENCE = 8
_UNLIMITED = 10_000


class SourcePoller:
    """Asks one source."""

    def __init__(self, name: str, source: PollSource, uow: UnitOfWork) -> None:
        self.name, self._platform, self._memory, self._clock = name, source, uow, uow.clock
        self._watch = PlatformMonitor(uow.clock)

    def poll_once(self) -> bool:
        """One call, if one is due; whether it was. Raises DatabaseAway."""
        with self._memory.read() as store:
            source = store.poll_cursors.get(self.name)
        if source is None or not self._is_due(source, self._clock.now()):
            return False
        token = self._token(source)
        try:
            self._keep(source, self._platform.poll(source.cursor, token))
        except PollTokenInvalid:
            with self._memory.transaction() as store:
                store.poll_cursors.clear_token(self.name, token, self._clock.now())
        except ChannelError as error:
            self._failed(error)
        except Exception as error:
            log.exception("%s could not be asked", self.name)
            self._failed(OutcomeUnknown(repr(error)[:200]))
        return True

    def _is_due(self, source: PollCursor, now: datetime) -> bool:
        if source.retry_at is not None:
            return source.retry_at <= now
        if source.polled_at is None:
            return True
        waiting = source.has_more or source.notification_count > source.handled_count
        if waiting and self._token(source) is not None:
            return True
        return now - source.polled_at >= (self._scaled(self._platform.min_poll_interval) if waiting else self._every())

    def _token(self, source: PollCursor) -> str | None:
        """The token of the last bell, while it may be good."""
        fresh = source.token_received_at is not None and self._clock.now() - source.token_received_at < _TOKEN_LIFE
        return source.token if fresh else None

    def _every(self) -> timedelta:
        return max(POLL_INTERVAL, self._scaled(_REAL_EVERY))

    def _scaled(self, real: timedelta) -> timedelta:
        """So much real time, on the service's clock."""
        return real * self._clock.speed

    def _keep(self, source: PollCursor, pulled: PollResult) -> None:
        """The messages and the place to go on from, or neither."""
        now = self._clock.now()
        # An answer that brings nothing and leads nowhere, but claims that there is more, is not asked for at once.
        idle = pulled.has_more and not pulled.messages and pulled.cursor == source.cursor
        pause = now + self._scaled(_BREATH) if idle else None
        with self._memory.transaction() as store:
            if not store.poll_cursors.advance(
                source, pulled.cursor, has_more=pulled.has_more, now=now, not_before=pause
            ):
                return
            self._watch.record_result(store, None)
            store_messages(store.session, pulled.messages, now)

    def _failed(self, error: ChannelError) -> None:
        now = self._clock.now()
        log.warning("%s could not be asked: %s", self.name, error.detail)
        with self._memory.transaction() as store:
            self._watch.record_result(store, error)
            source = store.poll_cursors.get(self.name)
            wait = _SHUT_OUT if isinstance(error, RateLimited) else backoff(source.failures if source else 0)
            failures = store.poll_cursors.record_failure(self.name, now, now + self._scaled(wait), error.detail)
            if failures == _PATIENCE or isinstance(error, Misconfigured):
                self._tell_office(error, now, store)

    def _tell_office(self, error: ChannelError, now: datetime, store: TransactionStore) -> None:
        """Once a day."""
        once_key = f"trouble/{self.name}/{now.astimezone(self._memory.zone).date()}"
        named = {"channel": {"say": f"channel.{self.name}"}, "why": error.detail}
        notify_office(
            store, night_of(now, self._memory.rules(store)), now, "office_alert.poll_failed", once_key, **named
        )


class SourcePollers:
    """The pullers of a process; of all processes one at a time asks each source."""

    def __init__(self, uow: UnitOfWork, channels: Channels) -> None:
        self._memory = uow
        self._pullers = [SourcePoller(name, platform, uow) for name, platform in channels.sources.items()]
        self._claims = {each.name: process_lock(uow.database.url, f"pulling-{each.name}") for each in self._pullers}
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(each,), name=f"pulling-{each.name}", daemon=True)
            for each in self._pullers
        ]

    def create_cursors(self) -> None:
        """Nothing is known of what came until now."""
        with self._memory.transaction() as store:
            store.poll_cursors.set_active([each.name for each in self._pullers])

    def start(self) -> None:
        """Ask from now on, in a thread for each source."""
        self.create_cursors()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=_LAST_MOMENT_S)
        for each in self._claims.values():
            each.release()

    def poll_until_idle(self) -> None:
        """Ask until nothing is due now."""
        for each in self._pullers:
            for _ in range(_UNLIMITED):
                if not each.poll_once():
                    break

    def _run(self, puller: SourcePoller) -> None:
        while not self._stopped.is_set():
            try:
                asked = self._claims[puller.name].acquire() and puller.poll_once()
            except DatabaseUnavailable as error:
                log.error("the database is away: %s", error)
                asked = False
            if not asked:
                self._stopped.wait(_LOOK_S)
