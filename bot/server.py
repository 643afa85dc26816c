"""The serving processes: web, worker, or both in one."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

from bot.app import Bot, build_bot, record_heartbeat_setting
from bot.background import BackgroundLoop, log_database_outage
from bot.bootstrap import open_database, serving_clock
from bot.config import Config, SettingsError
from bot.texts import say
from bot.web.http_server import start_web_server
from storage.outages import RECEIVING

log = logging.getLogger(__name__)
_NICENESS = 10
# A thread with a callback to answer gets the interpreter after this, not after 5 ms for each busy thread.
_SWITCH_INTERVAL_S = 0.0005
_HEARTBEAT, _REHEARSAL_HEARTBEAT = timedelta(seconds=1), timedelta(seconds=0.25)


@contextmanager
def serving_bot(
    config: Config, start: datetime | None = None, speed: float | None = None, *, migrate: bool
) -> Iterator[Bot]:
    """A bot for a process that serves. Raises SettingsError, SchemaMismatch, OperationRefused."""
    if not config.SECRET_KEY.get_secret_value():
        raise SettingsError(say("settings.required", name="SECRET_KEY"))
    with (
        closing(open_database(config, migrate=migrate)) as database,
        closing(build_bot(config, database, serving_clock(database, start, speed))) as bot,
    ):
        if bot.uow.clock.is_rehearsal:
            now = bot.uow.clock.now().astimezone(config.TIMEZONE)
            log.warning(
                "rehearsal: the clock begins at %s, %s times as fast", f"{now:%Y-%m-%d %H:%M:%S}", bot.uow.clock.speed
            )
        yield bot


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
        _exempt_loaded_from_collection()
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
    """A separate loop, so that a long tick or a slow request does not look like a dead process."""
    components = [RECEIVING] if web else []

    def beat() -> None:
        if worker:
            bot.worker.check_process()
        with bot.uow.transaction() as store:
            bot.heartbeat.beat(store, *components)

    return BackgroundLoop("heartbeat", _REHEARSAL_HEARTBEAT if bot.uow.clock.is_rehearsal else _HEARTBEAT, beat)


def _exempt_loaded_from_collection() -> None:
    """Exempt the loaded objects from garbage collection, which would stop every thread for 0.1 s each time."""
    gc.collect()
    gc.freeze()


def _leave_stragglers() -> None:
    """End despite threads that hang in a fetch: their jobs are run again after the next start."""
    others = [each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon]
    if others:
        log.warning("leaving %d jobs under way to the next start", len(others))
        logging.shutdown()
        os._exit(0)
