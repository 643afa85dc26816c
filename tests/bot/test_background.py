"""The class that runs every background loop, and the pause between two attempts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from bot.background import BackgroundLoop, BackgroundQueue, backoff
from bot.logs import RepeatFilter
from storage.errors import DatabaseUnavailable
from tests.bot.parts import until

HOUR = timedelta(hours=1)


@contextmanager
def without_repeats(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Capture the lines that the log of a serving process would have."""
    only_first = RepeatFilter()
    caplog.handler.addFilter(only_first)
    with caplog.at_level(logging.INFO, "bot.background"):
        yield
    caplog.handler.removeFilter(only_first)


def test_the_pause_doubles_up_to_its_limit() -> None:
    assert [backoff(failures).total_seconds() for failures in (0, 1, 2, 5, 6, 10_000)] == [1, 2, 4, 32, 60, 60]
    assert backoff(3, first_s=0.5, longest_s=3).total_seconds() == 3


def test_the_first_call_comes_at_once_and_the_next_when_woken() -> None:
    calls: list[int] = []
    loop = BackgroundLoop("test", HOUR, lambda: calls.append(1))
    loop.start()
    until(lambda: len(calls) == 1)
    loop.wake()
    until(lambda: len(calls) == 2)
    loop.stop()
    loop.wake()
    assert len(calls) == 2


def test_a_call_that_returns_true_is_followed_by_another_at_once() -> None:
    calls: list[int] = []

    def call() -> bool:
        calls.append(1)
        return len(calls) < 3

    loop = BackgroundLoop("test", HOUR, call)
    loop.start()
    until(lambda: len(calls) == 3)
    loop.stop()
    assert len(calls) == 3, "after a call that returns false the loop waits"


def test_a_wake_during_a_call_is_not_lost() -> None:
    entered, release, calls = threading.Event(), threading.Event(), list[int]()

    def call() -> None:
        calls.append(1)
        entered.set()
        release.wait(20)

    loop = BackgroundLoop("test", HOUR, call)
    loop.start()
    entered.wait(20)
    loop.wake()
    release.set()
    until(lambda: len(calls) == 2)
    loop.stop()
    assert len(calls) == 2, "one wake leads to one call"


def test_stopping_waits_for_the_call_under_way_and_ends_its_pauses() -> None:
    entered, done = threading.Event(), list[bool]()

    def call() -> None:
        entered.set()
        loop.wait(20)
        done.append(loop.stopping)

    loop = BackgroundLoop("test", HOUR, call)
    loop.start()
    entered.wait(20)
    loop.stop(20)
    assert done == [True]


def test_trouble_is_logged_once_when_it_begins_and_once_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = [DatabaseUnavailable("gone"), DatabaseUnavailable("gone"), DatabaseUnavailable("gone")]

    def call() -> None:
        if errors:
            raise errors.pop()

    loop = BackgroundLoop("heartbeat", timedelta(seconds=2), call)
    with without_repeats(caplog):
        pauses = [loop.attempt() for _ in range(5)]
    assert pauses == [2, 2, 4, 2, 2]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "heartbeat: DatabaseUnavailable: gone"),
        ("INFO", "heartbeat: works again"),
    ]
    assert caplog.records[-1].failures == 3  # type: ignore[attr-defined]


def test_a_defect_is_logged_with_its_traceback_and_does_not_end_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def call() -> bool:
        calls.append(1)
        raise ZeroDivisionError

    loop = BackgroundLoop("test", timedelta(0), call)
    with without_repeats(caplog):
        assert [loop.attempt() for _ in range(5)] == [1, 2, 4, 5, 5]
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert len(calls) == 5


def test_a_queue_handles_what_waits_in_batches() -> None:
    handled: list[list[int]] = []
    may_go_on = threading.Event()

    def handle(items: list[int]) -> None:
        handled.append(items)
        may_go_on.wait(20)

    items = BackgroundQueue[int]("test", handle, max_batch=3)
    items.put(0)
    until(lambda: handled)
    for item in range(1, 6):
        items.put(item)
    may_go_on.set()
    until(lambda: sum(map(len, handled)) == 6)
    assert handled == [[0], [1, 2, 3], [4, 5]]
    items.close()


def test_a_queue_goes_on_after_an_error_and_its_thread_ends_when_it_is_closed() -> None:
    handled: list[int] = []

    def handle(items: list[int]) -> None:
        if items == [1]:
            raise DatabaseUnavailable("away")
        handled.extend(items)

    items = BackgroundQueue[int]("test queue", handle)
    items.put(1)
    items.put(2)
    until(lambda: handled == [2])
    items.close()
    assert "test queue" not in {each.name for each in threading.enumerate()}
    BackgroundQueue[int]("never used", handle).close()
