"""Imports and exports of register workbooks into a real database and an object store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.workbooks.register.apply import apply_register
from bot.workbooks.register.export import export_register
from bot.workbooks.register.grids import Limits
from bot.workbooks.register.parse import parse_register
from bot.workbooks.register.result import ImportResult
from storage.db.database import Database
from storage.db.models import Base
from storage.objects import open_object_store
from storage.store import Store
from tests.places import Place, current_place
from tests.workbooks.sample import Sheets, write_sheets

LIMITS = Limits()
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


class Office:
    """Imports and exports workbooks as the commands do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.database = Database(current_place().migrated(folder))
        self.objects = open_object_store(f"file:{folder / 'objects'}")

    def take(self, path: Path, *, dry_run: bool = False, now: datetime = NOW, limits: Limits = LIMITS) -> ImportResult:
        """Import a workbook."""
        parsed = parse_register(path, limits)
        with self.database.transaction() as session:
            return apply_register(parsed, Store(session), self.objects, now, dry_run=dry_run)

    def take_sheets(self, sheets: Sheets, headings: dict[str, list[str]] | None = None, **how: Any) -> ImportResult:
        """Import a workbook of these rows."""
        return self.take(write_sheets(self.folder / "given.xlsx", sheets, headings), **how)

    def give(self, name: str = "out.xlsx") -> Path:
        """Export a workbook; every film must be readable."""
        path = self.folder / name
        with self.database.read() as session:
            assert export_register(Store(session), self.objects, path) == []
        return path

    def all(self, model: type[Base]) -> list[Any]:
        """Every row of a table."""
        with self.database.read() as session:
            return session.query(model).order_by(*model.__table__.primary_key).all()

    def close(self) -> None:
        self.database.close()


@pytest.fixture
def office(tmp_path: Path, place: Place) -> Iterator[Office]:
    found = Office(tmp_path / "office")
    yield found
    found.close()


@pytest.fixture
def neighbour(tmp_path: Path, place: Place) -> Iterator[Office]:
    """A second office, whose database is empty."""
    found = Office(tmp_path / "neighbour")
    yield found
    found.close()
