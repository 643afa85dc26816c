"""The audit log: changed, removed and inserted entries are detected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.audit_log import ChainCheck
from storage.db.database import Database
from storage.db.models import AuditEntry
from storage.store import Store
from tests.places import Place

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


@pytest.fixture
def database(place: Place, tmp_path: Path) -> Iterator[Database]:
    migrated = Database(place.migrated(tmp_path))
    for number in range(1, 6):
        with migrated.transaction() as session:
            Store(session).audit_log.record(
                NOW, "王大", "film_attached", subject=f"E00{number}", receipt=f"1124-000{number}"
            )
    with migrated.transaction() as session:
        assert Store(session).audit_log.seal_new(NOW + timedelta(seconds=1)) == 5
    yield migrated
    migrated.close()


def verify(database: Database) -> ChainCheck:
    with database.read() as session:
        return Store(session).audit_log.verify()


def test_an_unchanged_chain_is_valid(database: Database) -> None:
    assert verify(database) == ChainCheck(5, None)


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("update audit_entry set actor='李四' where chain_position=2", 2),
        ('update audit_entry set detail=\'{"receipt": "1124-0009"}\' where chain_position=4', 4),
        ("update audit_entry set at='2026-11-23 01:00:00' where chain_position=1", 1),
        ("delete from audit_entry where chain_position=3", 3),
        ("update audit_entry set subject='E009' where chain_position=5", 5),
    ],
)
def test_a_changed_entry_breaks_the_chain_at_its_position(database: Database, statement: str, broken_at: int) -> None:
    with database.transaction() as session:
        session.execute(text(statement))
    assert verify(database) == ChainCheck(broken_at - 1, broken_at)


def test_a_backdated_entry_is_sealed_as_the_latest(database: Database) -> None:
    with database.transaction() as session:
        session.add(AuditEntry(at=NOW - timedelta(days=9), actor="x", action="film_attached", detail={}))
    with database.transaction() as session:
        store = Store(session)
        assert store.audit_log.seal_new(NOW + timedelta(hours=1)) == 1
        head, before = store.audit_log.head(), store.audit_log.head(NOW + timedelta(minutes=1))
    assert head is not None
    assert before is not None
    assert (head.length, before.length) == (6, 5)
    assert verify(database) == ChainCheck(6, None)


def test_entries_are_found_by_subject_and_by_actor(database: Database) -> None:
    with database.read() as session:
        audit_log = Store(session).audit_log
        assert [each.subject for each in audit_log.of_subject("E002")] == ["E002"]
        assert [each.subject for each in audit_log.page(search_text="e003")] == ["E003"]
        assert len(audit_log.page(search_text="王大")) == 5
        latest = audit_log.page(limit=2)
        assert [each.subject for each in (*latest, *audit_log.page(before_id=latest[-1].id, limit=2))] == [
            "E005",
            "E004",
            "E003",
            "E002",
        ]
