"""The story most tests play in: four enterprises with two parts each, and ten minutes to midnight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Story, story
from tests.places import Place


@pytest.fixture(autouse=True)
def everywhere(place: Place) -> None:
    """Every story plays in both places."""


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Story]:
    """A night in the small county; whatever is said without being asked about fails the test."""
    with story(tmp_path) as played:
        yield played
