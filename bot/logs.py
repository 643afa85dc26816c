"""The log of the serving processes: its format, its levels, and how often it repeats itself.

Every logger, ours and the libraries', writes through one handler. A trouble that lasts gets a line when it begins, one
a minute with counts while it lasts, and one when it ends:

    log.warning("notice %d was not sent: %s", notice_id, error, extra=trouble("wecom_app"))
    log.info("wecom_app works again", extra=over("wecom_app"))
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from bot.clock import monotonic

_PACKAGES = ("bot", "handlers", "schedules", "storage")
# These log addresses that contain tokens, or a line for every request that waits and every tick that is late.
_LIBRARY_LEVELS = dict.fromkeys(("urllib3", "websockets", "waitress.queue", "apscheduler"), logging.ERROR)
_INTERVAL_S = 60.0
# Warnings without a named trouble may be about different things: so many with the same words in each minute.
_BURST = 5
_MAX_TROUBLES = 1000
_SECRET = re.compile(
    r"((?:token|secret|key|password|code|ticket|signature)=)[^&\s\"']+|(://[^/\s:@]*:)[^/\s@]+(?=@)", re.I
)


def trouble(subject: str) -> dict[str, Any]:
    """The `extra` of a record about something that fails now and may go on failing."""
    return {"trouble": subject}


def over(subject: str) -> dict[str, Any]:
    """The `extra` of the record that it works. Logged only after a trouble, so it may follow every success."""
    return {"trouble_over": subject}


def configure_logging(log_format: str, stream: TextIO | None = None) -> None:
    """Write the log of this process to a stream (stderr by default), as `text` or `json`, one line per event."""
    handler = log_handler(log_format, stream)
    # DBOS adds its own handler if its logger has none.
    for logger in (logging.getLogger(), logging.getLogger("dbos")):
        logger.handlers[:] = [handler]
        logger.setLevel(logging.WARNING)
    logging.getLogger("dbos").propagate = False
    for name in _PACKAGES:
        logging.getLogger(name).setLevel(logging.INFO)
    for name, level in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)


def log_handler(
    log_format: str, stream: TextIO | None = None, now_s: Callable[[], float] = monotonic
) -> logging.Handler:
    """The one handler; `now_s` tells it how long a trouble has lasted."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(log_format))
    handler.addFilter(RepeatFilter(now_s))
    return handler


def _formatter(log_format: str) -> logging.Formatter:
    record_fields: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", key="time"),
    ]
    render: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if log_format != "json":
        render = structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=record_fields,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _hide_secrets,
            render,
        ],
    )


def _hide_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Whatever an error or a library says; and an event is one line, whatever a request put into it."""
    shown = {name: _SECRET.sub(r"\1\2…", each) if isinstance(each, str) else each for name, each in event.items()}
    shown["event"] = re.sub(r"[\x00-\x1f\x7f]+", " ", str(shown["event"]))
    return shown


@dataclass
class _Trouble:
    """`window_s` is the beginning of the present minute, `shown` the records shown in it, `hidden` those since."""

    began_s: float
    window_s: float
    shown: int = 0
    hidden: int = 0
    failures: int = 0
    announced: bool = False


class RepeatFilter(logging.Filter):
    """Hides the records that repeat a warning, and counts them in the next one that is shown."""

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._now_s, self._lock = now_s, threading.Lock()
        self._troubles: dict[str, _Trouble] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        subject, ended = getattr(record, "trouble", None), getattr(record, "trouble_over", None)
        with self._lock:
            if ended is not None:
                return self._is_end(ended, record)
            if subject is not None:
                return self._is_shown(subject, record, burst=1)
            if record.levelno < logging.WARNING:
                return True
            is_ours = record.name.startswith(_PACKAGES)
            return self._is_shown(f"{record.name}: {str(record.msg)[:80]}", record, burst=_BURST if is_ours else 1)

    def _is_shown(self, subject: str, record: logging.LogRecord, burst: int) -> bool:
        now_s = self._now_s()
        if len(self._troubles) > _MAX_TROUBLES:
            self._troubles.clear()
        found = self._troubles.setdefault(subject, _Trouble(now_s, now_s))
        if now_s - found.window_s >= _INTERVAL_S:
            found.window_s, found.shown = now_s, 0
        if not found.failures:
            found.began_s = now_s
        found.failures += 1
        if found.shown >= burst:
            found.hidden += 1
            return False
        if found.hidden:
            record.repeats = found.hidden
        found.shown, found.hidden, found.announced = found.shown + 1, 0, True
        return True

    def _is_end(self, subject: str, record: logging.LogRecord) -> bool:
        """Whether a logged trouble has ended. The entry stays, so a flapping trouble is not logged each time."""
        found = self._troubles.get(subject)
        if found is None or not found.failures:
            return False
        record.failures, record.lasted_s = found.failures, round(self._now_s() - found.began_s)
        is_end, found.announced, found.failures = found.announced, False, 0
        return is_end
