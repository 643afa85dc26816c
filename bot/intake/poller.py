"""Sources that keep their messages until they are fetched: polled from a cursor, by one process at a time, after
every notification and every few minutes besides.

Messages and the new cursor are stored in one transaction, so after a crash the same messages are fetched again and
stored once. A lost notification costs minutes and no message.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.background import BackgroundLoop, backoff
from bot.channels.errors import ChannelError, Misconfigured, OutcomeUnknown, PollTokenInvalid, RateLimited, trouble_with
from bot.channels.interface import PollResult, PollSource
from bot.channels.registry import Channels
from bot.logs import over, trouble
from bot.monitoring.outage_recorder import PlatformMonitor
from bot.unit_of_work import UnitOfWork
from schedules.notify import channel_name, notify_fault
from storage.db.models import PollCursor
from storage.db.process_locks import process_lock
from storage.inbox import store_messages

log = logging.getLogger(__name__)

# Without a notification. The second is real time: in a fast rehearsal minutes pass in moments, and the platform
# counts real calls.
POLL_INTERVAL, _MIN_REAL_INTERVAL = timedelta(minutes=3), timedelta(seconds=10)
_TOKEN_LIFE = timedelta(minutes=10)
# The platform blocks a caller who exceeded its rate limit for a minute.
_RATE_LIMIT_PAUSE = timedelta(minutes=1)
_EMPTY_PAGE_PAUSE = timedelta(seconds=1)
_LOOP_INTERVAL = timedelta(seconds=0.3)
_FAILURES_BEFORE_NOTICE = 8
_UNLIMITED = 10_000


class SourcePoller:
    def __init__(self, name: str, source: PollSource, uow: UnitOfWork) -> None:
        self.name, self._source, self._uow, self._clock = name, source, uow, uow.clock
        self._platform_monitor = PlatformMonitor(uow.clock)
        self.lock = process_lock(uow.database.url, f"poll-{name}")
        self.loop = BackgroundLoop(f"polling {name}", _LOOP_INTERVAL, self._poll_if_locked)

    def stop(self) -> None:
        """Let another process poll."""
        self.loop.stop()
        self.lock.release()

    def _poll_if_locked(self) -> bool:
        return self.lock.acquire() and self.poll_once()

    def poll_once(self) -> bool:
        """One call, if one is due; whether one was made. Raises DatabaseUnavailable."""
        with self._uow.read() as store:
            cursor = store.poll_cursors.get(self.name)
        if cursor is None or not self._is_due(cursor, self._clock.now()):
            return False
        token = self._valid_token(cursor)
        try:
            self._store(cursor, self._source.poll(cursor.cursor, token))
        except PollTokenInvalid:
            with self._uow.transaction() as store:
                store.poll_cursors.clear_token(self.name, token, self._clock.now())
        except ChannelError as error:
            self._record_failure(error)
        except Exception as error:
            log.exception("polling %s failed", self.name, extra=trouble(f"{self.name}: {type(error).__name__}"))
            self._record_failure(OutcomeUnknown(repr(error)[:200]))
        return True

    def _is_due(self, cursor: PollCursor, now: datetime) -> bool:
        if cursor.retry_at is not None:
            return cursor.retry_at <= now
        if cursor.polled_at is None:
            return True
        more_expected = cursor.has_more or cursor.notification_count > cursor.handled_count
        if more_expected and self._valid_token(cursor) is not None:
            return True
        usual = max(POLL_INTERVAL, self._service_time(_MIN_REAL_INTERVAL))
        interval = self._service_time(self._source.min_poll_interval) if more_expected else usual
        return now - cursor.polled_at >= interval

    def _valid_token(self, cursor: PollCursor) -> str | None:
        """The token of the last notification, unless it has expired."""
        received_at = cursor.token_received_at
        return cursor.token if received_at is not None and self._clock.now() - received_at < _TOKEN_LIFE else None

    def _service_time(self, real: timedelta) -> timedelta:
        """As much real time, on the service's clock."""
        return real * self._clock.speed

    def _store(self, cursor: PollCursor, page: PollResult) -> None:
        """Store the messages and the new cursor, or neither."""
        now = self._clock.now()
        # An empty page with an unchanged cursor that claims to have more is not followed by another call at once.
        is_idle = page.has_more and not page.messages and page.cursor == cursor.cursor
        not_before = now + self._service_time(_EMPTY_PAGE_PAUSE) if is_idle else None
        with self._uow.transaction() as store:
            cursors = store.poll_cursors
            if cursors.advance(cursor, page.cursor, has_more=page.has_more, now=now, not_before=not_before):
                log.info("%s works again", self.name, extra=over(self.name))
                self._platform_monitor.record_result(store, None)
                store_messages(store.session, page.messages, now)

    def _record_failure(self, error: ChannelError) -> None:
        now = self._clock.now()
        log.warning("polling %s failed: %s", self.name, error.detail, extra=trouble(trouble_with(self.name, error)))
        with self._uow.transaction() as store:
            self._platform_monitor.record_result(store, error)
            cursor = store.poll_cursors.get(self.name)
            pause = _RATE_LIMIT_PAUSE if isinstance(error, RateLimited) else backoff(cursor.failures if cursor else 0)
            retry_at = now + self._service_time(pause)
            failures = store.poll_cursors.record_failure(self.name, now, retry_at, error.detail)
            if failures == _FAILURES_BEFORE_NOTICE or isinstance(error, Misconfigured):
                params = {"channel": channel_name(self.name), "error": error.detail}
                notify_fault(self._uow.context(store), "office_alert.poll_failed", self.name, **params)


class SourcePollers:
    """The pollers of a process, each in a loop of its own; of all processes one at a time polls each source."""

    def __init__(self, uow: UnitOfWork, channels: Channels) -> None:
        self._uow = uow
        self.pollers = [SourcePoller(name, source, uow) for name, source in channels.sources.items()]

    def create_cursors(self) -> None:
        """Make every configured source due now, and drop what is pending of those no longer configured."""
        with self._uow.transaction() as store:
            store.poll_cursors.set_active([each.name for each in self.pollers])

    def start(self) -> None:
        """Poll from now on. Raises DatabaseUnavailable."""
        self.create_cursors()
        for poller in self.pollers:
            poller.loop.start()

    def stop(self) -> None:
        """Poll no more."""
        for poller in self.pollers:
            poller.stop()

    def poll_until_idle(self) -> None:
        """Poll until nothing is due now."""
        for poller in self.pollers:
            for _ in range(_UNLIMITED):
                if not poller.poll_once():
                    break
