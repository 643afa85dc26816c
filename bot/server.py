"""The serving processes: web, worker, or both in one."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from waitress import create_server

from bot.app import Bot, build_bot, record_heartbeat_setting
from bot.background import BackgroundLoop, log_database_outage
from bot.bootstrap import open_database, serving_clock
from bot.config import Config, SettingsError
from bot.texts import say
from storage.outages import RECEIVING

log = logging.getLogger(__name__)
WEB_THREADS = 8
_NICENESS = 10
# A thread with a callback to answer gets the interpreter after this, not after 5 ms for each busy thread.
_SWITCH_INTERVAL_S = 0.0005
# A little over the largest upload of the dashboard; each page has its own limit, and the application answers 413.
_MAX_REQUEST_BYTES = 24 * 1024 * 1024
# A hundred browsers keep their connections open, and callbacks come on top of them.
_MAX_CONNECTIONS = 1000
# The client's address is only taken from a proxy on the same machine: anybody else could send any.
_PROXY_SETTINGS = {
    "trusted_proxy": "127.0.0.1",
    "trusted_proxy_count": 1,
    "clear_untrusted_proxy_headers": True,
    "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
}
_HEARTBEAT, _REHEARSAL_HEARTBEAT = timedelta(seconds=1), timedelta(seconds=0.25)
_LAST_ANSWERS_S = 1


@contextmanager
def serving_bot(
    config: Config, start: datetime | None = None, speed: float | None = None, *, migrate: bool
) -> Iterator[Bot]:
    """A bot for a process that serves. Raises SettingsError, SchemaMismatch, OperationRefused."""
    if not config.SECRET_KEY.get_secret_value():
        raise SettingsError(say("settings.required", name="SECRET_KEY"))
    database = open_database(config, migrate=migrate)
    try:
        bot = build_bot(config, database, serving_clock(database, start, speed))
        if bot.uow.clock.is_rehearsal:
            now = bot.uow.clock.now().astimezone(config.TIMEZONE)
            log.warning(say("rehearsal.banner", start=f"{now:%Y-%m-%d %H:%M:%S}", speed=bot.uow.clock.speed))
        yield bot
    finally:
        database.close()


def serve(bot: Bot, *, web: bool, worker: bool) -> None:
    """Run until SIGTERM or SIGINT, then end in order."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    if worker:
        bot.worker.acquire_lock()
    if not web:
        # Where web and worker share a machine, callbacks and pages come first.
        os.nice(_NICENESS)
    # The port before the worker: when it is taken, nothing has started that would have to stop.
    close = start_web_server(bot.web, bot.config) if web else None
    heartbeat = _heartbeat_loop(bot, web=web, worker=worker)
    try:
        if worker:
            record_heartbeat_setting(bot)
            bot.worker.start()
        heartbeat.start()
        stopped.wait()
    finally:
        if close is not None:
            close()
        heartbeat.stop()
        if worker:
            bot.worker.stop()
        with log_database_outage("last heartbeat"), bot.uow.transaction() as store:
            bot.heartbeat.end(store)
    _leave_stragglers()


def _heartbeat_loop(bot: Bot, *, web: bool, worker: bool) -> BackgroundLoop:
    """A loop of its own: neither a long tick nor a slow request must look like the death of the process."""
    components = [RECEIVING] if web else []

    def beat() -> None:
        if worker:
            bot.worker.check_process()
        with bot.uow.transaction() as store:
            bot.heartbeat.beat(store, *components)

    return BackgroundLoop("heartbeat", _REHEARSAL_HEARTBEAT if bot.uow.clock.is_rehearsal else _HEARTBEAT, beat)


def _leave_stragglers() -> None:
    """End in spite of threads that hang in a fetch: their jobs are taken up again after the next start."""
    others = [each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon]
    if others:
        log.warning("leaving %d jobs under way to the next start", len(others))
        logging.shutdown()
        os._exit(0)


def start_web_server(app: Flask, config: Config) -> Callable[[], None]:
    """Answer requests in threads of their own; the result stops that. Raises SettingsError."""
    channels: dict[int, Any] = {}
    server = create_server(
        app,
        map=channels,
        sockets=[_listening_socket(config)],
        threads=WEB_THREADS,
        max_request_body_size=_MAX_REQUEST_BYTES,
        channel_timeout=30,
        ident=None,
        connection_limit=_MAX_CONNECTIONS,
        asyncore_use_poll=True,
        **_PROXY_SETTINGS,
    )
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    log.warning("listening on http://%s:%s", config.HOST, server.effective_port)

    def close_channels() -> None:
        """Runs in waitress's own loop, which ends when no channel is left."""
        for channel in list(channels.values()):
            channel.close()

    def close() -> None:
        server.task_dispatcher.shutdown(timeout=_LAST_ANSWERS_S)
        server.trigger.pull_trigger(close_channels)
        thread.join(timeout=_LAST_ANSWERS_S)

    return close


def _listening_socket(config: Config) -> socket.socket:
    """A socket on HOST and PORT, also for a name with several addresses. Raises SettingsError."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            config.HOST, config.PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, proto)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        place = f"{config.HOST}:{config.PORT}"
        raise SettingsError(say("settings.cannot_listen", address=place, error=error.strerror or str(error))) from error
    return listening
