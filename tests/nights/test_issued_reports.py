"""A daily report stays as it was issued; what becomes known later is a numbered amendment, told to its readers."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from sqlalchemy import delete, update

from bot.cli import cli
from bot.media.integrity import IntegritySampler
from bot.pdf import report_pdf
from bot.reports.issued_files import issued_tables
from handlers.hazards.access import actor_named
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.hazards.moving import void_hazard
from schedules.audit_log import check_audit_log
from storage.db.models import AuditEntry, Counter, Enterprise, IssuedReport, IssuedReportFile, Rule, Submission
from tests.harness import NIGHT, Story, at, row, story
from tests.places import BOTH, Place, current_place

pytestmark = pytest.mark.parametrize("place", BOTH, indirect=True)
READERS = ("leader", "backup", "staff")


def command(folder: Path, *words: str) -> Any:
    environment = {**current_place().settings(folder), "SECRET_KEY": "a secret key used by the tests only"}
    return CliRunner().invoke(cli, words, env=environment)


def to_the_report(night: Story) -> bytes:
    """A night in which E001 films and E002 does not; the workbook that the leader was sent."""
    night.time("00:30")
    night.film("p1")
    night.time("07:38")
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")
    sent = next(each for each in reversed(night.cloud.phone("leader").received) if each.msgtype == "file")
    return bytes(night.cloud.media.find(sent.media_id, night.cloud.now()).read())


def late_film(night: Story) -> None:
    night.time("08:10")
    night.film("p2")
    night.hears("p2")


def asked_for(folder: Path, *words: str) -> tuple[bytes, bytes, str]:
    """The workbook, the PDF and the JSON of the daily report, as the command gives them."""
    xlsx, pdf = folder / "asked.xlsx", folder / "asked.pdf"
    files = ("--xlsx", str(xlsx), "--pdf", str(pdf))
    done = command(folder, "report", "daily", NIGHT.isoformat(), *words, *files, "--json")
    assert done.exit_code == 0, done.output
    return xlsx.read_bytes(), pdf.read_bytes(), done.stdout


def test_the_issued_report_gives_the_same_bytes_for_ever(place: Place, tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        sent = to_the_report(night)
        before = asked_for(tmp_path)
        assert (before[0], before[1][:5]) == (sent, b"%PDF-")
        late_film(night)
        with night.office() as store:
            store.register.enterprise_by_code("E001").name = "改名化工"
        night.time("12:02")
        assert asked_for(tmp_path) == before
        assert night.state("E002") == "late"
        for who in READERS:
            assert "第1号更正" in night.hears(who)[-1]
        night.group_hears("KEY")


@pytest.mark.slow
def test_a_pdf_first_asked_for_later_is_that_of_the_issued_report(place: Place, tmp_path: Path) -> None:
    """The films that came since, a new name and a new rule are not in it."""
    with story(tmp_path, enterprises=2, parts=1) as night:
        to_the_report(night)
        with night.bot.uow.read() as store:
            tables = issued_tables(store.issued_reports.get(NIGHT), night.bot.uow.rules(store))
        as_issued = report_pdf(tables)
        late_film(night)
        with night.office() as store:
            store.register.enterprise_by_code("E001").name = "改名化工"
            store.session.add(Rule(name="截止时间", value="05:00", effective_from=NIGHT))
        night.time("12:02")
        _, pdf, _ = asked_for(tmp_path)
        assert pdf == as_issued
        assert asked_for(tmp_path, "--amendment", "1")[1] not in (pdf, b"")
        for who in READERS:
            night.hears(who)
        night.group_hears("KEY")


def test_what_comes_later_is_a_numbered_amendment_with_both_values(place: Place, tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        to_the_report(night)
        late_film(night)
        night.time("12:00")
        night.group_hears("KEY")
        for who in READERS:
            assert not any("更正" in text for text in night.hears(who))
        night.settle(60)
        for who in READERS:
            assert night.hears(who) == [
                "📝 11-24 夜巡日报第1号更正（原表 11-24 07:37 印发，保留不变）\n"
                "全县：迟报 0 → 1、未报 1 → 0、新增回执 — → 1124-0002\n"
                "乙化工有限公司：状态 未报 → 迟报、已拍 0/1 → 1/1、首条 — → 08:10、末条 — → 08:10、"
                "未拍部位 1 罐区 → —、备注 — → 有迟报\nhttps://patrol.example.org/reports/daily/2026-11-24"
            ]
        shown = json.loads(asked_for(tmp_path, "--amendment", "1")[2])
        change = {"enterprise": "乙化工有限公司", "field": "state", "old": "missing", "new": "late"}
        assert (shown["number"], change in shown["changes"]) == (1, True)
        sheet = load_workbook(io.BytesIO(asked_for(tmp_path, "--amendment", "1")[0])).worksheets[0]
        rows = [row[1:5] for row in sheet.iter_rows(values_only=True)]
        assert ("乙化工有限公司", "状态", "未报", "迟报") in rows
        told = command(tmp_path, "report", "daily", NIGHT.isoformat())
        assert "第1号更正" in told.stderr
        missing = command(tmp_path, "report", "daily", NIGHT.isoformat(), "--amendment", "2")
        assert (missing.exit_code, getattr(missing.exception, "text_key", None)) == (1, "amendment.none")


def test_an_amendment_continues_the_last_one_and_nothing_is_told_twice(place: Place, tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        to_the_report(night)
        late_film(night)
        night.time("13:00")
        for who in (*READERS, "KEY"):
            night.hears(who) if who != "KEY" else night.group_hears(who)
        with night.office() as store:
            store.session.execute(update(Submission).where(Submission.number == 2).values(state="unfit"))
        next_day = NIGHT.replace(day=25)
        night.time("07:36", next_day)
        for who in night.cloud.members:
            assert not any("更正" in text for text in night.hears(who))
        night.group_hears("KEY")
        night.time("07:38", next_day)
        [amendment] = [text for text in night.hears("leader") if "更正" in text]
        assert "第2号" in amendment
        assert "乙化工有限公司：状态 迟报 → 未报" in amendment
        night.time("12:30", next_day)
        for who in night.cloud.members:
            assert not any("第3号" in text for text in night.hears(who))
        night.group_hears("KEY")


def test_an_outsider_recomputes_the_digest_of_the_films_from_the_second_sheet(place: Place, tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        book = load_workbook(io.BytesIO(to_the_report(night)))
        lines = [
            f"{row[1]} {row[8]}\n"
            for row in book["回执"].iter_rows(values_only=True)
            if isinstance(row[0], int) and row[8]
        ]
        digest = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
        assert len(lines) == 1
        intro = [str(row[0]) for row in book.worksheets[0].iter_rows(values_only=True)]
        assert any(digest in line for line in intro)
        with night.office() as store:
            [issued] = [each for each in store.audit_log.page() if each.action == "report_issued"]
        assert issued.detail["films_digest"] == digest


def hazard(night: Story, matter: str) -> str:
    """The number of a hazard of E001 that was found on the day before the night."""
    with night.office() as store:
        ctx, part = night.bot.uow.context(store), store.register.parts_of(row(store, Enterprise, code="E001").id)[0]
        fields = {"part_id": part.id, "matter": matter, "responsible": "外包队", "measure": "停用"}
        draft = HazardDraft(part.enterprise_id, {**fields, "deadline": NIGHT}, found_at=at("-23:40"))
        return add_hazard(draft, actor_named("王科", store), ctx).number


def test_what_becomes_of_a_hazard_later_does_not_alter_the_report_and_one_registered_later_is_an_amendment(
    place: Place, tmp_path: Path
) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        number = hazard(night, "法兰渗漏")
        to_the_report(night)
        before = asked_for(tmp_path)
        day = json.loads(before[2])["hazards"]
        assert (day["found"], [each["matter"] for each in day["rows"]]) == (1, ["法兰渗漏"])
        with night.office() as store:
            void_hazard(number, "重复登记", actor_named("王科", store), night.bot.uow.context(store))
        night.time("08:10")
        later = hazard(night, "护栏锈蚀")
        night.time("12:02")
        assert asked_for(tmp_path) == before
        [amendment] = [text for text in night.hears("leader") if "更正" in text]
        assert f"全县：后登记的隐患 — → {later}" in amendment
        for who in night.cloud.members:
            night.hears(who)
        night.group_hears("KEY")


def faults(night: Story) -> list[str]:
    with night.bot.uow.read() as store:
        return [fault["say"].removeprefix("audit_log.") for fault in check_audit_log(store).faults]


ATTACKS: dict[str, list[Any]] = {
    "the report is altered": [update(IssuedReport).values(content={})],
    "its head is altered": [update(IssuedReport).values(audit_log_head="1-0123456789abcdef")],
    "its file is exchanged": [update(IssuedReportFile).values(sha256="0" * 64)],
    "its file is removed": [delete(IssuedReportFile)],
    "it is removed": [delete(IssuedReportFile), delete(IssuedReport)],
}


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_altered_report_contradicts_the_audit_log(place: Place, tmp_path: Path, attack: str) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        to_the_report(night)
        assert faults(night) == []
        with night.office() as store:
            for statement in ATTACKS[attack]:
                store.session.execute(statement)
        assert faults(night) == ["reports_contradicted"]


def test_a_log_cut_back_behind_a_report_is_noticed_by_the_service_itself(place: Place, tmp_path: Path) -> None:
    """Entries and counter agree with each other; the head on the report does not agree with them."""
    with story(tmp_path, enterprises=2, parts=1) as night:
        with night.office() as store:
            for name in ("E001", "E002"):
                store.audit_log.record(night.clock.instant, "王大", "film_dismissed", subject=name)
        to_the_report(night)
        with night.office() as store:
            store.session.execute(delete(AuditEntry).where(AuditEntry.position > 1))
            store.session.execute(update(Counter).where(Counter.name == "audit log").values(value=1))
        assert faults(night) == ["reports_contradicted"]
        night.clock.instant = at("08:08")
        IntegritySampler(night.bot.uow, night.bot.objects).run_once()
        night.settle()
        assert any("已印发的日报与操作记录不符：日报/2026-11-24/0" in text for text in night.hears("staff"))
        for who in ("leader", "backup"):
            night.hears(who)
        assert command(tmp_path, "trail").exit_code == 1


def test_an_exchanged_file_of_a_report_is_not_given_out(place: Place, tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        to_the_report(night)
        with night.office() as store:
            key = row(store, IssuedReportFile, night=NIGHT).object_key
        night.bot.objects.remove(key)
        with night.bot.objects.spool() as spool:
            spool.write(b"another table")
            night.bot.objects.save(spool, key)
        done = command(tmp_path, "report", "daily", NIGHT.isoformat(), "--xlsx", str(tmp_path / "x.xlsx"))
        assert (done.exit_code, (tmp_path / "x.xlsx").exists()) == (1, False)
