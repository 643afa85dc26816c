"""A county whose bot lives in the test's own process, on either pair of backends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.devtools.simulator import Cloud, serve
from tests.bot.parts import Edge, run_edge
from tests.harness import NIGHT, County, HandClock, at


@pytest.fixture
def clock() -> HandClock:
    return HandClock(at("01:00"))


@pytest.fixture
def cloud(clock: HandClock) -> Iterator[Cloud]:
    with Cloud(lambda: clock.instant.timestamp()) as cloud:
        serve(cloud)
        cloud.callback_sender.retries = 0
        yield cloud


@pytest.fixture
def county(tmp_path: Path, cloud: Cloud, clock: HandClock) -> Iterator[Edge]:
    with run_edge(tmp_path, cloud, clock) as edge:
        with edge.bot.uow.transaction() as store:
            store.facts.store_fact("service_started", {"at": clock.instant.isoformat()})
            County(store, cloud, NIGHT).settle(enterprises=2, parts=2)
        yield edge
