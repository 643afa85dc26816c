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
from datetime import datetime

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from bot.app import Bot, build_bot, record_heartbeat_setting
from bot.bootstrap import open_database, serving_clock
from bot.clock import sync_rehearsal_clock
from bot.config import Config, SettingsError
from bot.monitoring.outage_recorder import Heartbeat
from bot.texts import say
from bot.unit_of_work import UnitOfWork
from storage.errors import DatabaseUnavailable
from storage.outages import RECEIVING
from storage.store import Store

log = logging.getLogger(__name__)
WEB_THREADS = 8
_NICENESS = 10
# A thread that has a callback to answer gets its turn after this, not after the usual 5 ms for each busy job.
_SWITCH_S = 0.0005
# A little over the largest upload of the dashboard; each page has its own limit, and the application answers 413.
_LARGEST_REQUEST = 24 * 1024 * 1024
# A hundred browsers that watch the night keep their connections open, and callbacks come on top of them.
_CONNECTIONS = 1000
# Only a proxy on the same machine is believed when it says who is asking: others could say anything.
_PROXY = {
    "trusted_proxy": "127.0.0.1", "trusted_proxy_count": 1, "clear_untrusted_proxy_headers": True,
    "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
}  # fmt: skip
_BEAT_S, _REHEARSAL_BEAT_S, _LAST_ANSWERS_S = 1.0, 0.25, 1


@contextmanager
def serving_bot(
    config: Config, start: datetime | None = None, speed: float | None = None, *, migrate: bool
) -> Iterator[Bot]:
    """A bot for a process that serves. Raises SettingsError, SchemaMismatch, Refused."""
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
    sys.setswitchinterval(_SWITCH_S)
    if worker:
        bot.worker.acquire_lock()
    if not web:
        # Where web and worker share a machine, whoever has to answer somebody goes first.
        os.nice(_NICENESS)
    # Then the port: when it is taken, nothing has begun that would have to end.
    close = start_web_server(bot.web, bot.config) if web else None
    receiving = Heartbeat(RECEIVING, bot.uow.clock) if web else None
    try:
        if worker:
            record_heartbeat_setting(bot)
            bot.worker.start()
        _wait(stopped, bot.uow, receiving)
    finally:
        if close is not None:
            close()
        if worker:
            bot.worker.stop()
        # Where a rehearsal has come to: it goes on from just here.
        _beat(bot.uow, receiving.clear_after_rehearsal if receiving is not None else None)
    _leave_stragglers()


def _wait(stopped: threading.Event, memory: UnitOfWork, receiving: Heartbeat | None) -> None:
    """Until a signal comes. A process that receives says again and again that it is there."""
    every = _REHEARSAL_BEAT_S if memory.clock.is_rehearsal else _BEAT_S
    while receiving is not None and not stopped.wait(every):
        _beat(memory, receiving.beat)
    stopped.wait()


def _beat(memory: UnitOfWork, receiving: Callable[[Store], None] | None) -> None:
    try:
        with memory.transaction() as store:
            sync_rehearsal_clock(memory.clock, store)
            if receiving is not None:
                receiving(store)
    except DatabaseUnavailable as error:
        log.error("the database is away: %s", error)


def _leave_stragglers() -> None:
    """A film whose fetch hangs must not keep the process: its job is taken up again after the next start."""
    others = [each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon]
    if others:
        log.warning("leaving %d jobs under way to the next start", len(others))
        logging.shutdown()
        os._exit(0)


def start_web_server(app: Flask, config: Config) -> Callable[[], None]:
    """Answer requests in threads of their own; what is returned ends that."""
    server = create_server(
        app, sockets=[_socket(config)], threads=WEB_THREADS, max_request_body_size=_LARGEST_REQUEST, channel_timeout=30,
        ident=None, connection_limit=_CONNECTIONS, asyncore_use_poll=True, **_PROXY,
    )  # fmt: skip
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    log.warning("listening on http://%s:%s", config.HOST, server.effective_port)

    def leave_the_loop() -> None:
        """Within waitress's own loop, which ends when nothing is left to watch."""
        wasyncore.close_all(server._map)

    def close() -> None:
        server.task_dispatcher.shutdown(timeout=_LAST_ANSWERS_S)
        server.trigger.pull_trigger(leave_the_loop)
        thread.join(timeout=_LAST_ANSWERS_S)

    return close


def _socket(config: Config) -> socket.socket:
    """One listening place, also for a name that stands for several."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            config.HOST, config.PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, proto)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        place = f"{config.HOST}:{config.PORT}"
        raise SettingsError(say("settings.cannot_listen", place=place, why=error.strerror or str(error))) from error
    return made
