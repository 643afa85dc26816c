"""The dashboard over a small county, with the embedded backends and with servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import Place
from tests.web.parts import Dashboard, open_dashboard


@pytest.fixture
def dashboard(tmp_path: Path, place: Place) -> Iterator[Dashboard]:
    """The dashboard at ten minutes before midnight."""
    with open_dashboard(tmp_path) as made:
        yield made
