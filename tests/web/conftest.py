"""The dashboard over a small county, in both places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import Place
from tests.web.parts import Room, room


@pytest.fixture
def watch(tmp_path: Path, place: Place) -> Iterator[Room]:
    """The room where the night is watched, ten minutes before midnight."""
    with room(tmp_path) as made:
        yield made
