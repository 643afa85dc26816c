"""The smart bot's one connection: held under a lease, with every received message stored before anything else.

The platform allows one connection; a second log-in ends the first. So the workers share a lease in the database: its
holder connects, the others wait, and a holder that cannot renew the lease disconnects before another may connect.
The platform expects no acknowledgement and sends each message once: what was read must be stored at once.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from datetime import timedelta
from typing import Any

from bot.background import BackgroundLoop, backoff, log_database_outage
from bot.channels.errors import ChannelError, Misconfigured
from bot.channels.wecom_aibot import frames
from bot.channels.wecom_aibot.frames import WECOM_AIBOT
from bot.channels.wecom_aibot.rpc import AibotRpc
from bot.channels.wecom_aibot.websocket import AibotWebSocket, ConnectionTimings
from bot.clock import monotonic, wall_now
from bot.intake.inbox_writer import InboxWriter
from bot.logs import over, trouble
from bot.monitoring.metrics import CALLBACKS_TOTAL
from bot.unit_of_work import UnitOfWork
from schedules.notify import notify_fault
from storage.errors import DatabaseUnavailable
from storage.inbox import InboundMessage

log = logging.getLogger(__name__)

_SERVE_INTERVAL_S = 0.2
# The saving loop is woken by every message; the interval only matters after a failure.
_SAVE_INTERVAL = timedelta(seconds=1)


class AibotConnection:
    """Two loops of one worker: one holds the connection or waits for the lease, one stores what was received."""

    def __init__(
        self,
        uow: UnitOfWork,
        inbox_writer: InboxWriter,
        rpc: AibotRpc,
        credentials: tuple[str, str, str],
        executor_id: str,
        timings: ConnectionTimings | None = None,
    ) -> None:
        """`credentials` are address, bot id and secret; `executor_id` is the holder's name in the lease."""
        self._uow, self._inbox_writer, self._rpc = uow, inbox_writer, rpc
        self._credentials, self._holder, self._timings = credentials, executor_id, timings or ConnectionTimings()
        self._unsaved: deque[InboundMessage] = deque()
        self._save_lock = threading.Lock()
        self._renew_at_s = self._lease_until_s = 0.0
        self._failures = self._refusals = 0
        self._connecting = BackgroundLoop("aibot connection", timedelta(0), self._connect_and_serve)
        self._saving = BackgroundLoop("aibot messages", _SAVE_INTERVAL, self._save_received)

    def start(self) -> None:
        """Connect as soon as the lease is free."""
        self._saving.start()
        self._connecting.start()

    def stop(self) -> None:
        """Disconnect and release the lease, so that another worker may connect at once."""
        self._connecting.stop(self._timings.ack_timeout_s)
        self._saving.stop(self._timings.ack_timeout_s)
        with log_database_outage("ending the smart bot's connection"):
            self._save_received()
            with self._uow.transaction() as store:
                store.leases.release(WECOM_AIBOT, self._holder)

    @property
    def is_connected(self) -> bool:
        """Whether this process is connected and logged in."""
        return self._rpc.websocket is not None

    def _connect_and_serve(self) -> None:
        if not self._holds_lease():
            self._connecting.wait(self._timings.lease_retry_s)
            return
        try:
            websocket = AibotWebSocket(*self._credentials, self._receive, self._timings)
        except ChannelError as error:
            log.error("the smart bot could not log in: %s", error.detail, extra=trouble(WECOM_AIBOT))
            self._connecting.wait(self._pause_after(error))
            return
        self._failures = self._refusals = 0
        self._serve(websocket)
        if not websocket.kicked:
            self._connecting.wait(self._timings.first_backoff_s)

    def _pause_after(self, error: ChannelError) -> float:
        """After several refused log-ins the pause is long: the platform blocks who repeats them for ever."""
        if isinstance(error, Misconfigured):
            self._refusals += 1
            if self._refusals == self._timings.max_login_failures:
                self._notify_office("office_alert.aibot_refused", "aibot_refused", code=error.code or "—")
            if self._refusals >= self._timings.max_login_failures:
                return self._timings.login_failure_pause_s
        self._failures += 1
        return backoff(self._failures - 1, self._timings.first_backoff_s, self._timings.max_backoff_s).total_seconds()

    def _holds_lease(self) -> bool:
        """Renew the lease when that is due; one that could not be renewed in time counts as lost."""
        now_s = monotonic()
        if now_s < min(self._renew_at_s, self._lease_until_s):
            return True
        try:
            duration = timedelta(seconds=self._timings.lease_s)
            with self._uow.transaction() as store:
                acquired = store.leases.acquire(WECOM_AIBOT, self._holder, wall_now(), duration)
        except DatabaseUnavailable as error:
            log.error("the smart bot's lease could not be renewed: %s", error)
            self._renew_at_s = now_s + self._timings.lease_retry_s
            return now_s < self._lease_until_s
        self._renew_at_s = now_s + self._timings.lease_renew_s
        # The holder gives up some seconds before another process may connect.
        self._lease_until_s = now_s + self._timings.lease_s - self._timings.lease_retry_s if acquired else 0.0
        return acquired

    def _serve(self, websocket: AibotWebSocket) -> None:
        """Send and receive until the connection breaks, the lease is lost, or the process stops."""
        log.info("this worker holds the smart bot's connection")
        log.info("the smart bot is logged in again", extra=over(WECOM_AIBOT))
        self._rpc.websocket = websocket
        try:
            self._serve_until_closed(websocket)
        finally:
            self._rpc.websocket = None
            websocket.close()
        if websocket.kicked:
            self._back_off_after_kick()

    def _serve_until_closed(self, websocket: AibotWebSocket) -> None:
        pinged_s, missed = monotonic(), 0
        while not websocket.closed.wait(_SERVE_INTERVAL_S) and not self._connecting.stopping and self._holds_lease():
            with suppress(DatabaseUnavailable):  # the renewal of the lease logs it
                self._rpc.serve_calls(websocket)
            if monotonic() - pinged_s >= self._timings.ping_interval_s:
                pinged_s, missed = monotonic(), 0 if websocket.ping() else missed + 1
            if missed >= self._timings.max_missed_pings:
                log.warning("the smart bot's gateway does not answer pings")
                return

    def _back_off_after_kick(self) -> None:
        """Another log-in has ended ours. While the lease was ours it was none of our workers: notify the office."""
        log.warning("the smart bot's connection was taken over by another log-in")
        self._lease_until_s = 0.0
        pause_s = self._timings.kicked_pause_s
        with self._uow.transaction() as store:
            foreign = store.leases.back_off(WECOM_AIBOT, self._holder, wall_now() + timedelta(seconds=pause_s))
        if foreign:
            self._notify_office("office_alert.aibot_taken_over", "aibot_taken", minutes=round(pause_s / 60))

    def _notify_office(self, text_key: str, subject: str, **params: Any) -> None:
        with log_database_outage("notifying the office"), self._uow.transaction() as store:
            notify_fault(self._uow.context(store), text_key, subject, **params)

    def _receive(self, frame: dict[str, Any]) -> None:
        """Called by the reading thread, in the order of arrival."""
        try:
            messages = list(frames.parse_frame(frame))
        except ValueError:
            log.warning("a message of the smart bot without usable content")
            CALLBACKS_TOTAL.labels(WECOM_AIBOT, "content").inc()
            return
        self._unsaved.extend(messages)
        self._saving.wake()

    def _save_received(self) -> None:
        """A message leaves the queue only once it is stored: the platform does not send it again."""
        with self._save_lock:
            while self._unsaved:
                is_new = self._inbox_writer.save(self._unsaved[0])
                self._unsaved.popleft()
                CALLBACKS_TOTAL.labels(WECOM_AIBOT, "stored" if is_new else "duplicate").inc()
