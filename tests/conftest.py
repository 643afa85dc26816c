"""The places in which tests play."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests import quick_disk
from tests.places import BOTH, Embedded, Place, Served, Servers, playing_in

quick_disk.settle()

# A busy machine takes a minute to start three processes.
_SLOW_TIMEOUT_S = 300


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Real servers for this process of the test run, gone at its end."""
    made = Servers()
    with made.stack:
        yield made


def _place(request: pytest.FixtureRequest) -> Iterator[Place]:
    served = request.param == "server"
    with playing_in(Served(request.getfixturevalue("servers")) if served else Embedded()) as found:
        yield found


@pytest.fixture(params=BOTH)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """One of the two pairs of backends; a test that asks for it plays in both."""
    yield from _place(request)


@pytest.fixture(params=BOTH, scope="module")
def module_place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """The same for fixtures that are too expensive to create for every test."""
    yield from _place(request)


def pytest_collection_finish() -> None:
    """Collect garbage more rarely, and not among the modules: that took a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that have a separate command: those against real servers, and those that take long."""
    for item in items:
        if _needs_server(item):
            item.add_marker("server")
        if {"faults", "browser"} & set(item.path.parts):
            item.add_marker("slow")
            item.add_marker(pytest.mark.timeout(_SLOW_TIMEOUT_S))


def _needs_server(item: pytest.Item) -> bool:
    params = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    return any(value in ("server", "bucket") for value in params) or "s3" in getattr(item, "fixturenames", ())
