"""Callbacks are answered in time under any load from other clients, in a running process."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from tests.bench.receiving import Crowd, measure
from tests.bench.rig import service


@pytest.fixture
def few_open_files() -> Iterator[None]:
    """The limit under which many systems start a service, here for fewer clients."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


@pytest.mark.slow
@pytest.mark.usefixtures("few_open_files")
def test_callbacks_are_answered_while_everything_else_is_used_as_hard_as_possible() -> None:
    with service("SQLite") as found:
        seen = measure(found, Crowd(slow_readers=100, drawings=12, uploads=4, large_bodies=8), 200, rate=50)
    assert seen.refused == 0
    assert seen.p99 < 1000
