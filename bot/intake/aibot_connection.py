"""Holding the smart bot's one connection: by a lease, with what is heard kept before anything else happens.

The platform lets one connection live; a second log-in ends the first. So the workers share a lease in the database:
its holder connects, whoever lacks it stays quiet, and a holder who cannot renew it breaks off before another may
begin. There is no acknowledgement for what the platform says: once read it is ours alone, and it is kept at once.
"""

from __future__ import annotations

import logging
import queue
import threading
from datetime import datetime, timedelta
from typing import Any

from bot.channels.errors import ChannelError, Misconfigured
from bot.channels.wecom_aibot import frames
from bot.channels.wecom_aibot.frames import WECOM_AIBOT
from bot.channels.wecom_aibot.rpc import AibotRpc
from bot.channels.wecom_aibot.websocket import AibotWebSocket, ConnectionTimings
from bot.clock import monotonic, wall_now
from bot.intake.inbox_writer import InboxWriter
from bot.monitoring.metrics import CALLBACKS_TOTAL
from bot.unit_of_work import UnitOfWork
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from storage.errors import DatabaseUnavailable
from storage.inbox import InboundMessage

log = logging.getLogger(__name__)

_LOOK_S, _AGAIN_S = 0.2, 1.0


class AibotConnection:
    """The thread of one worker that holds the connection, or waits for its turn."""

    def __init__(
        self,
        uow: UnitOfWork,
        inbox_writer: InboxWriter,
        rpc: AibotRpc,
        credentials: tuple[str, str, str],
        executor_id: str,
        pace: ConnectionTimings | None = None,
    ) -> None:
        """`login` is address, bot and secret; `name` tells this worker from the others."""
        self._memory, self._hearing, self._exchange = uow, inbox_writer, rpc
        self._login, self._name, self._pace = credentials, executor_id, pace or ConnectionTimings()
        self._stopped, self._heard = threading.Event(), queue.SimpleQueue[dict[str, Any]]()
        self._renewed = self._lease_s = 0.0
        self._refused = 0
        self._threads = [
            threading.Thread(target=each, name=f"smart bot {each.__name__}", daemon=True)
            for each in (self._hold, self._keep)
        ]

    def start(self) -> None:
        """Hold the connection from now on, as soon as it is ours to hold."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let go, so that another may take over at once."""
        self._stopped.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=self._pace.ack_timeout_s)
        try:
            with self._memory.transaction() as store:
                store.leases.release(WECOM_AIBOT, self._name)
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)

    @property
    def is_connected(self) -> bool:
        """Whether this process is connected and logged in."""
        return self._exchange.websocket is not None

    def _hold(self) -> None:
        pause = self._pace.first_backoff_s
        while not self._stopped.is_set():
            if not self._renew():
                self._stopped.wait(self._pace.lease_retry_s)
                continue
            try:
                wire = AibotWebSocket(*self._login, self._heard.put, self._pace)
            except ChannelError as error:
                self._stopped.wait(self._pause_after(error, pause))
                pause = min(pause * 2, self._pace.max_backoff_s)
                continue
            pause, self._refused = self._pace.first_backoff_s, 0
            self._live(wire)
            if not wire.kicked:
                self._stopped.wait(pause)

    def _pause_after(self, error: ChannelError, pause: float) -> float:
        """A refused log-in is not repeated for ever: the platform guards itself against that (7.5)."""
        log.error("the smart bot could not log in: %s", error.detail)
        if not isinstance(error, Misconfigured):
            return pause
        self._refused += 1
        if self._refused == self._pace.max_login_failures:
            self._tell("office_alert.aibot_refused", code=error.code or "—")
        return self._pace.login_failure_pause_s if self._refused >= self._pace.max_login_failures else pause

    def _renew(self) -> bool:
        """Whether the lease is ours; one that cannot be renewed in time counts as lost."""
        if monotonic() - self._renewed < self._pace.lease_renew_s and self._lease_s > 0:
            return True
        asked = monotonic()
        try:
            with self._memory.transaction() as store:
                ours = store.leases.acquire(WECOM_AIBOT, self._name, wall_now(), timedelta(seconds=self._pace.lease_s))
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)
            return self._lease_s > 0 and asked - self._renewed < self._lease_s
        self._renewed, self._lease_s = asked, self._pace.lease_s - self._pace.lease_retry_s if ours else 0.0
        return ours

    def _live(self, wire: AibotWebSocket) -> None:
        """Say and hear, until the connection breaks, the lease is lost, or the process ends."""
        log.warning("this worker holds the smart bot's connection")
        self._exchange.websocket = wire
        pinged, missed = monotonic(), 0
        try:
            while not wire.closed.wait(_LOOK_S) and not self._stopped.is_set() and self._renew():
                self._run_errands(wire)
                if monotonic() - pinged >= self._pace.ping_interval_s:
                    pinged, missed = monotonic(), 0 if wire.ping() else missed + 1
                if missed >= self._pace.max_missed_pings:
                    log.warning("the smart bot's gateway is silent")
                    break
        finally:
            self._exchange.websocket = None
            wire.close()
        if wire.kicked:
            self._rest()

    def _run_errands(self, wire: AibotWebSocket) -> None:
        try:
            self._exchange.serve_calls(wire)
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)

    def _rest(self) -> None:
        """Another log-in has ended ours. If the lease is still ours it was nobody of us: the office is told."""
        log.warning("the smart bot's connection was taken over by another log-in")
        self._lease_s = 0.0
        try:
            with self._memory.transaction() as store:
                foreign = store.leases.back_off(
                    WECOM_AIBOT, self._name, wall_now() + timedelta(seconds=self._pace.kicked_pause_s)
                )
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)
            foreign = False
        if foreign:
            self._tell("office_alert.aibot_taken_over", minutes=round(self._pace.kicked_pause_s / 60))

    def _tell(self, text_key: str, **params: Any) -> None:
        """Once a day is enough."""
        try:
            with self._memory.transaction() as store:
                now, book = self._memory.clock.now(), self._memory.rules(store)
                once_key = f"{text_key}/{now.astimezone(self._memory.zone).date()}"
                notify_office(store, night_of(now, book), now, text_key, once_key, **params)
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)

    def _keep(self) -> None:
        while not (self._stopped.is_set() and self._heard.empty()):
            try:
                frame = self._heard.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            self._keep_all(frame)

    def _keep_all(self, frame: dict[str, Any]) -> None:
        try:
            found = list(frames.parse_frame(frame))
        except ValueError:
            log.warning("a message of the smart bot that says nothing")
            CALLBACKS_TOTAL.labels(frames.WECOM_AIBOT, "content").inc()
            return
        for each in found:
            self._keep_one(each)

    def _keep_one(self, heard: InboundMessage) -> None:
        """For as long as it takes: the platform does not say it again."""
        since: datetime | None = None
        while True:
            try:
                fresh = self._hearing.save(heard)
            except DatabaseUnavailable as error:
                since = since or wall_now()
                log.error("a message of the smart bot since %s could not be kept yet: %s", since, error)
                if self._stopped.wait(_AGAIN_S):
                    return
                continue
            CALLBACKS_TOTAL.labels(frames.WECOM_AIBOT, "kept" if fresh else "repeated").inc()
            return
