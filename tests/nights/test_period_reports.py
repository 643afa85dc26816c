"""The week, the month and the year say what the nights say: one source, sums that are proven, and few queries."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import Workbook, load_workbook
from pypdf import PdfReader
from sqlalchemy import event

from bot.cli import cli
from bot.reports.kinds import REPORTS
from bot.reports.periods import period_json, period_sentences, yearly_json, yearly_sentence
from bot.workbooks.reports.report_table import ReportTable
from bot.workbooks.reports.report_workbook import report_workbook
from schedules.context import Context
from schedules.judgement import STATES
from schedules.reports.daily import daily_report
from schedules.reports.periods import monthly_report, weekly_report
from schedules.reports.tallies import month_bounds, week_bounds, year_bounds
from schedules.reports.yearly import yearly_report
from storage.db.models import ClosedNight, ContentItem, Enterprise, InboxRow, Submission
from storage.notices import NoticeDraft
from storage.store import Store
from tests.harness import NIGHT, Story, at, row, story
from tests.places import current_place

HAZARDS = ("隐患", "隐患统计", "隐患明细")
ENFORCEMENT = ("检查", "文书", "立案处罚")
MONDAY, BEFORE = date(2026, 11, 23), NIGHT - timedelta(days=7)


@contextmanager
def told(night: Story) -> Iterator[Story]:
    """Set an early start of the service, so that reports cover past nights. Messages to people are not checked."""
    with night.office() as store:
        store.facts.store_fact("service_started", {"at": at("00:00", date(2025, 12, 1)).isoformat()})
    yield night


def films(store: Store, night: date, *sent: tuple[str, str, str]) -> None:
    """Films of that night: enterprise, part number, and the time of day they were sent."""
    for code, number, time in sent:
        enterprise = row(store, Enterprise, code=code)
        part = next(part for part in store.register.parts_of(enterprise.id) if part.number == number)
        key, when = f"{night}/{code}/{number}/{time}", at(time, night)
        heard = InboxRow(channel="wecom_app", message_key=key, raw="", received_at=when, state="done", dispatched=True)
        store.session.add(heard)
        store.session.flush()
        store.session.add(
            Submission(
                night=night,
                number=store.facts.next_number(f"receipts/{night}"),
                channel="wecom_app",
                message_key=key,
                inbox_id=heard.id,
                realm="wecom",
                sender="p1",
                canonical_sender="p1",
                enterprise_id=enterprise.id,
                part_id=part.id,
                kind="film",
                sent_at=when,
                received_at=when,
                state="filed",
                attribution="attributed",
                marks=[],
                sha256="0" * 64,
                bytes=1000,
                duration_s=36.0,
                object_key=key,
            )
        )
        store.session.flush()


def a_week(night: Story) -> None:
    """Monday all in time; Tuesday one late, one in part, one missing, one stopped; the week before one was late."""
    everybody = [(f"E00{n}", part, "00:40") for n in range(1, 5) for part in ("1", "2")]
    with night.office() as store:
        films(store, MONDAY, *everybody)
        films(store, BEFORE, *[(code, part, "06:30" if code == "E001" else time) for code, part, time in everybody])
    with night.office() as store:
        films(store, NIGHT, ("E001", "1", "00:30"), ("E001", "2", "07:00"), ("E002", "1", "05:59"))


@pytest.fixture
def week(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path, start="13:00") as night, told(night):
        a_week(night)
        with night.office() as store:
            row(store, Enterprise, code="E004").status = "停产"
        yield night


def read(night: Story) -> Any:
    with night.bot.uow.read() as store:
        book, now = night.bot.uow.rules(store), night.clock.now()
        return weekly_report(Context(store, book, now), NIGHT), yearly_report(Context(store, book, now), NIGHT), book


def test_the_week_is_told_beside_the_one_before_and_the_worst_comes_first(week: Story) -> None:
    report, _, book = read(week)
    assert [(each.code, dict(each.states)) for each in report.rows][:2] == [
        ("E003", {"missing": 1, "on_time": 1}),
        ("E002", {"partial": 1, "on_time": 1}),
    ]
    assert period_sentences(report)[:2] == [
        "本周已过 2 夜，4 家企业应报 8 家次：按时 3，迟报 1，部分未报 1，未报 1，停产免报 2，待判 0；"
        "按时率 50.0%（上周 9.5%）。",
        "缺报最多：丙化工有限公司（未报 1 夜，部分未报 0 夜）、乙化工有限公司（未报 0 夜，部分未报 1 夜）。",
    ]
    told = period_json(report, book)
    assert told["week"] == ["2026-11-23", "2026-11-29"]
    assert told["enterprises"][0]["before"]["missing"] == 6
    assert [each["night"] for each in told["nights"]] == ["2026-11-23", "2026-11-24"]


def test_day_week_and_year_never_disagree(week: Story) -> None:
    weekly, yearly, book = read(week)
    with week.bot.uow.read() as store:
        daily = {night: daily_report(Context(store, book, week.clock.now()), night) for night in weekly.nights}
    assert {night: each.counts for night, each in daily.items()} == {n: t.counts for n, t in weekly.nights.items()}
    assert {night: yearly.nights[night].counts for night in daily} == {n: each.counts for n, each in daily.items()}
    whole = sum((Counter(each.counts) for each in daily.values()), Counter())
    assert +whole == +Counter(weekly.total.counts)
    for report in (weekly, yearly):
        assert report.total.counts["expected"] == sum(report.total.counts[state] for state in STATES)
        rows = sum((row.states for row in report.rows), Counter())
        assert {state: rows[state] for state in STATES} == {s: report.total.counts[s] for s in STATES}


def test_every_figure_of_the_year_has_its_rows(week: Story) -> None:
    with week.office() as store:
        [group] = store.register.groups()
        for title, kind in (("防冻", "链接"), ("动火", "链接"), ("小视频", "视频")):
            store.session.add(ContentItem(title=title, kind=kind, url="https://example.org", added_at=at("01:00")))
            store.session.flush()
        for item in store.content.active_items():
            saying = NoticeDraft("content", "x", f"content/{item.id}", NIGHT, at("09:07"), params={"item": item.id})
            notice = store.notices.add_for_group(group, saying)
            assert notice is not None
            store.notices.pending_deliveries.clear()
            store.notices.record_outcome(notice.id, "sent" if item.title != "动火" else "unknown", at("09:07"))
            store.content.add_push(item.id, group.id, NIGHT, notice.id)
    _, report, book = read(week)
    told = yearly_json(report, book)
    figures = told["figures"]
    assert (figures["films"], figures["film_hours"], figures["links"], figures["videos"]) == (19, 0.2, 1, 1)
    assert figures["enterprises"] == len(told["enterprises"]) == 4
    assert figures["nights"] == len(told["nights"]) == (NIGHT - date(2026, 1, 1)).days + 1
    assert figures["films"] == sum(each["films"] for each in told["enterprises"]) + told["films_elsewhere"]["films"]
    assert figures["films"] == sum(each["films"] for each in told["nights"])
    assert [each["title"] for each in told["pushes"]] == ["防冻", "小视频"]
    for state in ("late", "partial", "missing"):
        assert figures[state] == sum(each["state"] == state for each in told["lapses"])
    assert "收到视频 19 段" in yearly_sentence(report)
    assert "推送安全信息链接 1 条、小视频 1 个" in told["sentence"]


def test_nights_before_the_service_started_count_against_no_enterprise(tmp_path: Path) -> None:
    with story(tmp_path, start="-23:50", enterprises=1, parts=1) as night:
        report, yearly, _ = read(night)
        assert (len(report.nights), len(yearly.nights), report.total.on_time_rate) == (0, 0, None)
        assert period_sentences(report)[0].endswith("按时率 —。")
        night.clock.instant = at("03:00")
        assert read(night)[0].total.counts["unjudged"] == 1
        night.clock.instant = at("07:00")
        assert read(night)[1].total.counts["missing"] == 1


def test_an_earlier_night_keeps_its_old_register(week: Story) -> None:
    with week.office() as store:
        row(store, Enterprise, code="E003").status = "注销"
        [kept] = [e for e in week.view(MONDAY)["enterprises"] if e["code"] == "E001"]
        assert kept["state"] == "on_time"
        expected = {"enterprises": []}
        store.session.add(ClosedNight(night=MONDAY, closed_at=at("13:00", MONDAY), expected=expected))
    report, _, _ = read(week)
    assert report.nights[MONDAY].counts["expected"] == 0
    assert [each.code for each in report.rows] == ["E002", "E001", "E004"]


@contextmanager
def queries(night: Story) -> Iterator[list[str]]:
    said: list[str] = []
    engine = night.bot.uow.database.engine
    note = lambda *args: said.append(args[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    yield said
    event.remove(engine, "before_cursor_execute", note)


def test_a_year_takes_no_more_queries_than_a_day(week: Story) -> None:
    with queries(week) as of_year, week.bot.uow.read() as store:
        yearly_report(Context(store, week.bot.uow.rules(store), week.clock.now()), NIGHT)
    # The first night served is found by halves: one question for each doubling of the nights.
    born = [each for each in of_year if "FROM fact" in each]
    assert (len(born) <= 10, len(of_year) - len(born) <= 28) == (True, True)


def test_the_commands_write_what_they_say(week: Story, tmp_path: Path) -> None:
    environment = {**current_place().settings(tmp_path), "SECRET_KEY": "a secret key used by the tests only"}
    for which, sheets in (
        ("weekly", ["夜巡周报", "各夜", *HAZARDS]),
        ("monthly", ["夜巡月报", "各夜", *HAZARDS]),
        ("year", ["年度数字", "企业", "各夜", "迟报未报", "送教", *HAZARDS, *ENFORCEMENT]),
    ):
        file = tmp_path / f"{which}.xlsx"
        files = ["--xlsx", str(file), "--pdf", str(file.with_suffix(".pdf"))]
        done = CliRunner().invoke(cli, ["report", which, "2026-11-24", *files, "--json"], env=environment)
        assert done.exit_code == 0, done.output
        pages = PdfReader(file.with_suffix(".pdf")).pages
        assert all(sign in pages[0].extract_text() for sign in ("填报单位：", "填表人：", "审核：", "签字："))
        assert len(pages) >= len(sheets)
        assert load_workbook(file).sheetnames == sheets
        assert json.loads(done.stdout)["sentence"]
        shown = CliRunner().invoke(cli, ["report", which, "2026-11-24"], env=environment)
        assert "E003" in shown.stdout or "未报" in shown.stdout
    assert CliRunner().invoke(cli, ["report", "hourly"], env=environment).exit_code == 2
    assert CliRunner().invoke(cli, ["report", "weekly", "2026-13-01"], env=environment).exit_code == 2


def test_the_same_report_is_the_same_bytes_and_its_table_adds_up(week: Story) -> None:
    weekly, yearly, rules = read(week)
    for which, report in (("weekly", weekly), ("year", yearly)):
        once, again = (report_workbook(REPORTS[which].tables(report, rules)) for _ in range(2))
        assert once == again
    sheet = book(REPORTS["weekly"].tables(weekly, rules)).worksheets[0]
    lines = [each for each in sheet.iter_rows(values_only=True) if each[2]]
    total = next(each for each in lines if each[2] == "合计")
    assert [sum(each[n] for each in lines if isinstance(each[0], int)) for n in range(4, 11)] == list(total[4:11])


def book(tables: list[ReportTable]) -> Workbook:
    return load_workbook(io.BytesIO(report_workbook(tables)))


def test_numbers_shares_and_dates_are_more_than_texts_in_the_workbook(week: Story) -> None:
    weekly, yearly, rules = read(week)
    enterprises, nights, *_ = book(REPORTS["weekly"].tables(weekly, rules)).worksheets
    total = next(row for row in enterprises.iter_rows() if row[2].value == "合计")
    assert (total[11].value, total[11].number_format) == (0.5, "0.0%")
    first = next(row for row in nights.iter_rows() if row[0].is_date)
    assert (first[0].value.date(), first[0].number_format, first[8].value) == (MONDAY, "yyyy-mm-dd", 1)
    figures = {row[0].value: row[1] for row in book(REPORTS["year"].tables(yearly, rules)).worksheets[0].iter_rows()}
    assert (figures["视频时长（小时）"].value, figures["视频时长（小时）"].number_format) == (0.2, "0.0")
    assert figures["填表人："].value is None


def test_a_month_is_the_sum_of_its_nights_and_a_year_of_its_months(week: Story) -> None:
    with week.bot.uow.read() as store:
        ctx = Context(store, week.bot.uow.rules(store), week.clock.now())
        months = [monthly_report(ctx, date(2026, month, 15)) for month in range(1, 13)]
        year = yearly_report(ctx, NIGHT)
        nights = {night: daily_report(ctx, night).counts for night in months[10].nights}
    november = sum((Counter(counts) for counts in nights.values()), Counter())
    assert (len(nights), +november) == (24, +Counter(months[10].total.counts))
    assert sum((Counter(month.total.counts) for month in months), Counter()) == +Counter(year.total.counts)
    assert sum(len(month.nights) for month in months) == len(year.nights)
    assert sum(month.reminders_sent for month in months) == sum(year.reminders.values())
    assert months[10].previous_total.counts == months[9].total.counts
    told = period_json(months[10], ctx.rules)
    assert (told["month"], told["total"]["expected"]) == (["2026-11-01", "2026-11-30"], 24 * 4)
    assert [each["night"] for each in told["nights"]] == [f"2026-11-{day:02}" for day in range(1, 25)]
    assert "（上月 " in told["sentence"]


@pytest.mark.parametrize(
    ("day", "monday", "sunday"),
    [
        (date(2026, 11, 29), date(2026, 11, 23), date(2026, 11, 29)),
        (date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),
        (date(2028, 2, 29), date(2028, 2, 28), date(2028, 3, 5)),
        (date(2020, 12, 31), date(2020, 12, 28), date(2021, 1, 3)),
    ],
)
def test_a_week_goes_from_monday_to_sunday_also_over_new_year(day: date, monday: date, sunday: date) -> None:
    assert week_bounds(day) == (monday, sunday)


def test_new_years_morning_belongs_to_the_new_year_and_a_leap_day_to_its_own() -> None:
    assert year_bounds(date(2027, 1, 1)) == (date(2027, 1, 1), date(2027, 12, 31))
    assert month_bounds(date(2028, 2, 29)) == (date(2028, 2, 1), date(2028, 2, 29))
    first, last = year_bounds(date(2028, 2, 29))
    assert (last - first).days + 1 == 366
