"""A bot with a simulated cloud that has two members and one robot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.devtools.simulator import Cloud, serve
from tests.bot.parts import Edge, fresh_clock, run_edge
from tests.harness import HandClock
from tests.places import Place


@pytest.fixture
def clock() -> HandClock:
    return fresh_clock()


@pytest.fixture
def cloud(clock: HandClock) -> Iterator[Cloud]:
    with Cloud(lambda: clock.instant.timestamp()) as cloud:
        serve(cloud)
        cloud.add_member("zhangsan", "张三", "13800000001")
        cloud.add_member("lisi", "李四", "13800000002")
        cloud.add_robot("KEY", "夜巡群")
        cloud.callback_sender.retries = 0
        yield cloud


@pytest.fixture
def edge(tmp_path: Path, cloud: Cloud, clock: HandClock, place: Place) -> Iterator[Edge]:
    with run_edge(tmp_path, cloud, clock) as edge:
        yield edge
