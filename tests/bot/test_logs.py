"""The log: how much it says of a trouble that lasts, in which language and format, and what it never says."""

from __future__ import annotations

import ast
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.devtools.simulator.films import make_film
from bot.logs import log_handler, over, trouble
from tests.bot.parts import Edge

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(path for each in ("bot", "handlers", "schedules", "storage") for path in (ROOT / each).rglob("*.py"))
EVERY_CALL = ("gettoken", "message/send", "webhook/send", "media/get")
AWAY_MINUTES = 34


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@contextmanager
def logging_to(stream: io.StringIO, clock: Clock, log_format: str = "text") -> Iterator[logging.Logger]:
    """Everything that the packages of the service log goes to a stream, as in a serving process."""
    handler, logger = log_handler(log_format, stream, clock), logging.getLogger("bot")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class Counter(logging.Handler):
    """Counts records."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def pass_minutes(edge: Edge, clock: Clock, minutes: int) -> None:
    for _ in range(minutes * 4):
        clock.now_s += 15
        edge.settle(15)


@pytest.mark.slow
def test_a_platform_that_is_away_for_34_minutes_costs_a_line_a_minute(edge: Edge) -> None:
    stream, clock, everything = io.StringIO(), Clock(), Counter(level=logging.WARNING)
    with logging_to(stream, clock) as logger:
        logger.addHandler(everything)
        for name in EVERY_CALL:
            edge.cloud.faults.inject(name, http_status=502, times=10**6)
        for number in range(2):
            edge.say("zhangsan")
            edge.say("KEY", channel="wecom_robot")
            edge.cloud.phone("zhangsan").sends_film(make_film(seconds=10, size=(64, 48), fps=1, tag=str(number)))
        pass_minutes(edge, clock, AWAY_MINUTES)
        edge.cloud.faults.clear()
        pass_minutes(edge, clock, 3)
        logger.removeHandler(everything)
    lines = stream.getvalue().splitlines()
    troubles = [line for line in lines if "[warning" in line]
    ends = [line for line in lines if "works again" in line]
    assert everything.count > 200
    # Two channels, each with a line when the trouble begins and one a minute while it lasts.
    assert AWAY_MINUTES < len(troubles) <= 2 * (AWAY_MINUTES + 1), lines
    assert [line for line in troubles[4:] if "repeats=" not in line and "sms_mail" not in line] == []
    assert sorted(line.split("[info     ] ")[1].split(" ")[0] for line in ends) == ["wecom_app", "wecom_robot"]
    assert all("lasted_s=20" in line for line in ends), ends
    assert len(lines) == len(troubles) + len(ends)


def test_a_trouble_begins_goes_on_and_ends() -> None:
    stream, clock = io.StringIO(), Clock()
    with logging_to(stream, clock, "json") as logger:
        for second in range(150):
            clock.now_s = second
            logger.warning("no answer", extra=trouble("platform"))
        for _ in range(3):
            logger.info("it answers again", extra=over("platform"))
        clock.now_s += 1
        logger.warning("no answer", extra=trouble("platform"))
        clock.now_s += 60
        logger.warning("no answer", extra=trouble("platform"))
    shown = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(each["event"], each.get("repeats"), each.get("failures")) for each in shown] == [
        ("no answer", None, None),
        ("no answer", 59, None),
        ("no answer", 59, None),
        ("it answers again", None, 150),
        ("no answer", 30, None),
    ]
    assert shown[3]["lasted_s"] == 149


def test_a_trouble_that_flaps_gets_two_lines_a_minute() -> None:
    stream, clock = io.StringIO(), Clock()
    with logging_to(stream, clock) as logger:
        for second in range(600):
            clock.now_s = second
            logger.warning("no answer", extra=trouble("platform"))
            logger.info("it answers again", extra=over("platform"))
    assert sum("platform" in line for line in stream.getvalue().splitlines()) == 20


def test_what_goes_well_is_not_logged() -> None:
    stream = io.StringIO()
    with logging_to(stream, Clock()) as logger:
        logger.info("it answers again", extra=over("platform"))
    assert stream.getvalue() == ""


def test_warnings_in_the_same_words_are_limited_and_others_are_not() -> None:
    stream, clock = io.StringIO(), Clock()
    with logging_to(stream, clock) as logger:
        for number in range(100):
            logger.warning("no picture of %d", number)
            logger.info("sent %d", number)
        logger.warning("something else")
        clock.now_s = 60
        logger.warning("no picture of %d", 100)
    lines = stream.getvalue().splitlines()
    assert len([line for line in lines if "no picture" in line]) == 6
    assert "repeats=95" in lines[-1]
    assert len([line for line in lines if "sent" in line]) == 100
    assert any("something else" in line for line in lines)


def test_a_json_line_has_time_level_event_logger_and_fields() -> None:
    stream = io.StringIO()
    with logging_to(stream, Clock(), "json") as logger:
        logger.error("notice %d\nfailed", 7, extra={"attempts": 3})
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            logging.getLogger("bot.engine").exception("a job failed")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {"level": "error", "event": "notice 7 failed", "logger": "bot", "attempts": 3}
    assert (second["logger"], second["event"]) == ("bot.engine", "a job failed")
    assert "ZeroDivisionError" in second["exception"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_in_addresses_are_hidden(log_format: str) -> None:
    stream = io.StringIO()
    with logging_to(stream, Clock(), log_format) as logger:
        logger.error(
            "GET /cgi-bin/get?access_token=HIDDEN&corpsecret=HIDDEN2 of %s", "https://u:HIDDEN3@host/key=HIDDEN4"
        )
        try:
            raise ValueError("url: /webhook/send?key=HIDDEN5")
        except ValueError:
            logger.exception("failed", extra={"url": "https://host/?token=HIDDEN6"})
    assert "HIDDEN" not in stream.getvalue()
    assert "access_token=…&corpsecret=…" in stream.getvalue()


def log_calls(path: Path) -> list[str]:
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [call for call in map(ast.unparse, calls) if call.startswith("log.")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_log_is_in_english(path: Path) -> None:
    assert [call for call in log_calls(path) if not call.isascii() or "say(" in call] == []
