"""The story of most tests: four enterprises with two parts each, at ten minutes to midnight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Story, story
from tests.places import Place


@pytest.fixture(autouse=True)
def everywhere(place: Place) -> None:
    """Every story runs on both pairs of backends."""


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Story]:
    """A night in the small county; a message that the test does not read fails it."""
    with story(tmp_path) as played:
        yield played
