"""Stored films stay unchanged, are checked for integrity, and are restored from a backup."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from bot.media.integrity import INTEGRITY_FACT, IntegrityResult, IntegritySampler, verify_night
from bot.reports.daily import daily_json
from bot.reports.night import night_json
from bot.unit_of_work import UnitOfWork
from bot.workbooks.reports.daily import daily_tables
from bot.workbooks.reports.report_workbook import report_workbook
from schedules.context import Context
from schedules.reports.daily import daily_report
from storage.backup import backup, restore
from storage.db.database import Database
from storage.db.models import AuditEntry, Notice, Submission
from storage.errors import OperationRefused
from tests.harness import NIGHT, SHANGHAI, Story, at, story
from tests.places import BOTH, Place


def film_key(number: int) -> str:
    return f"films/2026-11-24/1124-000{number}.mp4"


def alter(night: Story, key: str) -> None:
    with night.bot.objects.open(key) as found, night.bot.objects.spool() as spool:
        spool.write(found.read()[:-1] + b"\0")
        night.bot.objects.remove(key)
        night.bot.objects.save(spool, key)


def verified(night: Story) -> IntegrityResult:
    with night.bot.uow.read() as store:
        return verify_night(None, store, night.bot.objects)


def filmed(night: Story, *who: str) -> None:
    night.time("00:30")
    for each in who:
        night.film(each)
        night.hears(each)


def test_an_altered_film_and_an_absent_one_are_told_apart(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=3, parts=1) as night:
        filmed(night, "p1", "p2", "p3")
        assert verified(night) == IntegrityResult(3, 3)
        alter(night, film_key(1))
        night.bot.objects.remove(film_key(2))
        found = verified(night)
        named = [{"receipt": f"1124-000{number}", "object_key": film_key(number)} for number in (1, 2)]
        assert (found.checked, found.ok, found.altered, found.absent) == (3, 1, named[:1], named[1:])


def test_some_of_what_is_kept_is_read_again_every_day_and_rot_is_told(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        filmed(night, "p1", "p2")
        night.bot.objects.remove(film_key(1))
        sampler = IntegritySampler(night.bot.uow, night.bot.objects)
        night.clock.instant = at("08:06")
        sampler.run_once()
        with night.office() as store:
            assert store.facts.read_fact(INTEGRITY_FACT) is None
        night.clock.instant = at("08:07")
        for _ in range(2):
            sampler.run_once()
        night.settle()
        [told] = [text for text in night.hears("staff") if "抽查" in text]
        assert "核对2个，被改动：—；缺失：1124-0001。" in told
        with night.office() as store:
            fact = store.facts.read_fact(INTEGRITY_FACT)
        assert fact == {
            "night": "2026-11-24",
            "checked": 2,
            "ok": 1,
            "altered": 0,
            "absent": 1,
            "audit_log_intact": True,
        }
        for who in ("leader", "backup"):
            night.hears(who)


# --- the digests of films are in the audit log


def shown_by_the_service(night: Story) -> list[str]:
    """The message to the office after the daily check."""
    night.clock.instant = at("08:07")
    IntegritySampler(night.bot.uow, night.bot.objects).run_once()
    night.settle()
    for who in ("leader", "backup"):
        night.hears(who)
    return night.hears("staff")


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_a_film_swapped_together_with_its_row_is_noticed(place: Place, tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        filmed(night, "p1", "p2")
        alter(night, film_key(1))
        with night.bot.objects.open(film_key(1)) as swapped:
            digest = hashlib.sha256(swapped.read()).hexdigest()
        with night.office() as store:
            store.session.execute(update(Submission).where(Submission.number == 1).values(sha256=digest))
        found = verified(night)
        assert (found.ok, found.altered) == (1, [{"receipt": "1124-0001", "object_key": film_key(1)}])
        [told] = [text for text in shown_by_the_service(night) if "抽查" in text]
        assert "被改动：1124-0001" in told


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_a_film_removed_together_with_its_row_is_noticed(place: Place, tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        filmed(night, "p1", "p2")
        night.bot.objects.remove(film_key(2))
        with night.office() as store:
            store.session.execute(update(Submission).where(Submission.number == 2).values(object_key=None))
        found = verified(night)
        assert (found.ok, found.absent) == (1, [{"receipt": "1124-0002", "object_key": film_key(2)}])


def test_a_film_that_was_never_filed_is_noticed(tmp_path: Path) -> None:
    """A row and an object that were added by hand."""
    with story(tmp_path, enterprises=1, parts=1) as night:
        filmed(night, "p1")
        with night.office() as store:
            store.session.execute(update(Submission).values(number=7))
        found = verified(night)
        assert [each["receipt"] for each in found.altered] == ["1124-0007"]
        assert [each["receipt"] for each in found.absent] == ["1124-0001"]


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_the_service_itself_notices_a_damaged_audit_log(place: Place, tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        filmed(night, "p1", "p2")
        with night.office() as store:
            store.session.execute(delete(AuditEntry).where(AuditEntry.position == 2))
        [told] = [text for text in shown_by_the_service(night) if "操作记录未通过" in text]
        assert "从第 2 条起校验不符" in told


# --- backup and restore


def shown(database: Database, night: Story) -> tuple[str, str, bytes]:
    """The night, its table and its workbook, as the outside sees them from this database."""
    as_of, memory = at("13:00"), UnitOfWork(database, night.engine, night.clock, SHANGHAI)
    with memory.read() as store:
        book = memory.rules(store)
        ctx = Context(store, book, as_of)
        report, view = daily_report(ctx, NIGHT), night_json(ctx, NIGHT)
    return json.dumps(view), json.dumps(daily_json(report, book)), report_workbook(daily_tables(report, book))


def a_whole_night(night: Story) -> None:
    filmed(night, "p1", "p2", "p3")
    night.time("12:30")
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def test_a_backup_brings_the_same_night_back_on_a_fresh_machine(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=4, parts=1) as night:
        a_whole_night(night)
        made = backup(night.bot.uow.database, tmp_path / "backup.zip", at("13:00"))
        fresh = Database(f"sqlite:///{tmp_path}/fresh.db")
        restore(fresh, tmp_path / "backup.zip")
        assert shown(fresh, night) == shown(night.bot.uow.database, night)
        again = backup(fresh, tmp_path / "again.zip", at("13:00"))
        assert again.tables == made.tables
        assert made.tables["submission"]["rows"] == 3
        fresh.close()


def test_a_backup_is_for_our_eyes_only_and_holds_no_token(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        filmed(night, "p1")
        file = tmp_path / "backup.zip"
        backup(night.bot.uow.database, file, at("13:00"))
        assert file.stat().st_mode & 0o777 == 0o600
        with zipfile.ZipFile(file) as archive:
            everything = b"".join(archive.read(name) for name in archive.namelist())
        assert night.cloud.app.secret.encode() not in everything
        assert "token.jsonl" not in zipfile.ZipFile(file).namelist()


def test_a_restored_service_goes_on_and_says_nothing_twice(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        filmed(night, "p1")
        with night.office() as store:
            store.session.query(Notice).update({"state": "sending"})
        file = tmp_path / "backup.zip"
        backup(night.bot.uow.database, file, at("13:00"))
        fresh = Database(f"sqlite:///{tmp_path}/fresh.db")
        restore(fresh, file)
        with fresh.transaction() as session:
            assert {notice.state for notice in session.query(Notice)} == {"unknown"}
            night_after = Submission(
                night=NIGHT,
                number=99,
                channel="wecom_app",
                message_key="new",
                inbox_id=1,
                realm="wecom",
                sender="p1",
                canonical_sender="p1",
                kind="film",
                sent_at=at("01:00"),
                received_at=at("01:00"),
                attribution="quarantined",
            )
            session.add(night_after)
        fresh.close()


@pytest.mark.parametrize("spoil", ["cut", "altered", "no backup"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(tmp_path: Path, spoil: str) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        file = tmp_path / "backup.zip"
        backup(night.bot.uow.database, file, at("13:00"))
        if spoil == "cut":
            file.write_bytes(file.read_bytes()[:-100])
        elif spoil == "altered":
            with zipfile.ZipFile(file) as old:
                members = {name: old.read(name) for name in old.namelist()}
            with zipfile.ZipFile(file, "w") as new:
                for name, content in members.items():
                    new.writestr(name, content.replace("甲化工".encode(), "乙化工".encode()))
        else:
            file.write_bytes(b"hello")
        fresh = Database(f"sqlite:///{tmp_path}/fresh.db")
        with pytest.raises(OperationRefused, match="damaged"):
            restore(fresh, file)
        assert fresh.revision() is None
        fresh.close()


def test_a_database_that_holds_anything_is_not_restored_into(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        file = tmp_path / "backup.zip"
        backup(night.bot.uow.database, file, at("13:00"))
        with pytest.raises(OperationRefused, match="not_empty"):
            restore(night.bot.uow.database, file)
