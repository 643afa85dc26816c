"""The audit log: changed, removed and inserted entries are detected."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from schedules.audit_log import check_audit_log
from storage.audit_log import ChainCheck, ChainHead, parse_head
from storage.db.database import Database
from storage.db.models import AuditEntry
from storage.store import Store
from tests.places import Place

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def record(database: Database, subject: str, **detail: object) -> None:
    with database.transaction() as session:
        Store(session).audit_log.record(NOW, "王大", "film_attached", subject=subject, **detail)


@pytest.fixture
def database(place: Place, tmp_path: Path) -> Iterator[Database]:
    migrated = Database(place.migrated(tmp_path))
    for number in range(1, 6):
        record(migrated, f"E00{number}", receipt=f"1124-000{number}")
    yield migrated
    migrated.close()


def verify(database: Database) -> ChainCheck:
    with database.read() as session:
        return Store(session).audit_log.verify()


def head(database: Database) -> ChainHead:
    with database.read() as session:
        found = Store(session).audit_log.head()
    assert found is not None
    return found


def attack(database: Database, *statements: str) -> None:
    with database.transaction() as session:
        for statement in statements:
            session.execute(text(statement))


def test_an_unchanged_chain_is_valid(database: Database) -> None:
    assert verify(database) == ChainCheck(5, None)


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("update audit_entry set actor='李四' where position=2", 2),
        ('update audit_entry set detail=\'{"receipt": "1124-0009"}\' where position=4', 4),
        ("update audit_entry set at='2026-11-23 01:00:00' where position=1", 1),
        ("delete from audit_entry where position=3", 3),
        ("update audit_entry set subject='E009' where position=5", 5),
        ("delete from audit_entry where position=5", 5),
        ("delete from audit_entry where position>2", 3),
        ("delete from audit_entry", 1),
        ("update counter set value=4 where name='audit log'", 5),
        ("delete from counter where name='audit log'", 1),
    ],
)
def test_a_changed_or_removed_entry_shows_at_its_position(database: Database, statement: str, broken_at: int) -> None:
    attack(database, statement)
    assert verify(database) == ChainCheck(broken_at - 1, broken_at)


def test_an_entry_is_sealed_by_the_transaction_that_adds_it(database: Database) -> None:
    """There is no unsealed entry that could be altered before it is sealed."""
    record(database, "E006")
    assert verify(database) == ChainCheck(6, None)
    attack(database, "update audit_entry set actor='李四' where position=6")
    assert verify(database) == ChainCheck(5, 6)


def test_the_gap_of_removed_last_entries_stays_visible(database: Database) -> None:
    attack(database, "delete from audit_entry where position>3")
    record(database, "E006")
    assert verify(database) == ChainCheck(3, 4)


def test_an_earlier_head_shows_a_log_that_was_rewritten_as_a_whole(database: Database) -> None:
    """An attacker with the whole database can recompute every seal, but not a head that others have on paper."""
    known = parse_head(str(head(database)))
    attack(database, "delete from audit_entry", "delete from counter where name='audit log'")
    for number in range(1, 8):
        record(database, f"E00{number}", receipt="1124-0009")
    assert verify(database) == ChainCheck(7, None)
    with database.read() as session:
        check = check_audit_log(Store(session), known)
    assert (check.continues, check.faults) == (False, [{"say": "audit_log.not_continued", "head": str(known)}])


def test_a_longer_log_continues_an_earlier_head(database: Database) -> None:
    known = parse_head(str(head(database)))
    record(database, "E006")
    with database.read() as session:
        check = check_audit_log(Store(session), known)
    assert (check.continues, check.faults) == (True, [])


def test_a_log_cut_back_to_before_an_earlier_head_does_not_continue_it(database: Database) -> None:
    known = parse_head(str(head(database)))
    attack(database, "delete from audit_entry where position=5", "update counter set value=4 where name='audit log'")
    assert verify(database) == ChainCheck(4, None)
    with database.read() as session:
        assert check_audit_log(Store(session), known).continues is False


@pytest.mark.parametrize("written", ["5", "5-", "5-xyz", "five-0123456789abcdef", "5-0123456789abcdeff"])
def test_what_is_no_head_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=written):
        parse_head(written)


def test_a_rolled_back_transaction_leaves_no_entry_and_no_gap(database: Database) -> None:
    def record_and_fail() -> None:
        with database.transaction() as session:
            Store(session).audit_log.record(NOW, "王大", "film_attached")
            raise KeyError

    with pytest.raises(KeyError):
        record_and_fail()
    record(database, "E006")
    assert (verify(database), head(database).length) == (ChainCheck(6, None), 6)


def test_entries_of_many_writers_make_one_chain(database: Database) -> None:
    others = [Database(str(database.url.render_as_string(hide_password=False))) for _ in range(4)]

    def write(other: Database) -> None:
        for number in range(10):
            with other.transaction() as session:
                log = Store(session).audit_log
                log.record(NOW + timedelta(seconds=number), "王大", "film_attached", count={"2": 1, "10": 2})
                log.record(NOW, "李四", "film_judged", reason="看不清")

    threads = [threading.Thread(target=write, args=[other]) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for other in others:
        other.close()
    assert verify(database) == ChainCheck(85, None)


def test_entries_are_found_by_subject_and_by_actor(database: Database) -> None:
    with database.read() as session:
        audit_log = Store(session).audit_log
        assert [each.subject for each in audit_log.of_subject("E002")] == ["E002"]
        assert [each.subject for each in audit_log.page(search_text="e003")] == ["E003"]
        assert len(audit_log.page(search_text="王大")) == 5
        latest = audit_log.page(limit=2)
        assert [each.subject for each in (*latest, *audit_log.page(before=latest[-1].position, limit=2))] == [
            "E005",
            "E004",
            "E003",
            "E002",
        ]


def test_numbers_as_keys_are_sealed_as_they_are_read_back(database: Database) -> None:
    with database.transaction() as session:
        Store(session).audit_log.record(NOW, "王大", "film_attached", counts={2: "a", 10: "b"}, names=("甲", "乙"))
    assert verify(database) == ChainCheck(6, None)
    with database.read() as session:
        assert Store(session).audit_log.page(limit=1)[0].detail == {
            "counts": {"2": "a", "10": "b"},
            "names": ["甲", "乙"],
        }
    assert AuditEntry.__table__.c.seal.nullable is False
