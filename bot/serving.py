"""The serving processes: web, worker, or both in one."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from flask import Flask
from waitress.server import create_server

from bot.app import Bot, build, open_database, serving_clock
from bot.config import Config, SettingsError
from bot.texts import say

log = logging.getLogger(__name__)
_THREADS = 8
# A little over the application's own limit, so that the application is the one to answer 413.
_LARGEST_REQUEST = 512 * 1024


@contextmanager
def serving_bot(
    config: Config, start: datetime | None = None, speed: float | None = None, *, migrate: bool
) -> Iterator[Bot]:
    """A bot for a process that serves. Raises SettingsError, SchemaMismatch, Refused."""
    if not config.SECRET_KEY.get_secret_value():
        raise SettingsError(say("settings.needed", name="SECRET_KEY"))
    database = open_database(config, migrate=migrate)
    try:
        bot = build(config, database, serving_clock(database, start, speed))
        if bot.memory.clock.rehearsal:
            now = bot.memory.clock.now().astimezone(config.TIMEZONE)
            log.warning(say("rehearsal.banner", start=f"{now:%Y-%m-%d %H:%M:%S}", speed=bot.memory.clock.speed))
        yield bot
    finally:
        database.close()


def serve(bot: Bot, *, web: bool, worker: bool) -> None:
    """Run until SIGTERM or SIGINT, then end in order."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    if worker:
        bot.worker.start()
    close = _listen(bot.web, bot.config) if web else None
    try:
        stopped.wait()
    finally:
        if close is not None:
            close()
        if worker:
            bot.worker.stop()


def _listen(app: Flask, config: Config) -> Callable[[], None]:
    """Answer requests in threads of their own; what is returned ends that."""
    server = create_server(
        app, host=config.HOST, port=config.PORT, threads=_THREADS, max_request_body_size=_LARGEST_REQUEST,
        channel_timeout=30, ident=None,
    )  # fmt: skip
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    log.warning("listening on http://%s:%s", config.HOST, server.effective_port)

    def close() -> None:
        server.close()
        thread.join(timeout=5)

    return close
