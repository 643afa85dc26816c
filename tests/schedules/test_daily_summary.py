"""The morning message: two lines, whatever happened in the night."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.texts import say
from schedules.reports.daily import DailyReport
from schedules.reports.daily_summary import daily_summary
from schedules.review.tally import ReviewTally
from tests.workbooks.test_daily_table import COUNTS, REPORT, ROWS, RULES

STATES = ("on_time", "late", "partial", "missing", "exempt", "unjudged")


def message(report: DailyReport) -> list[str]:
    return say("report.daily", **daily_summary(report, RULES)).split("\n")


def night(*rows: tuple[str, str]) -> DailyReport:
    """A night with these names and states."""
    made = tuple(replace(ROWS[0], name=name, state=state) for name, state in rows)
    counts = {state: sum(row.state == state for row in made) for state in STATES}
    return replace(REPORT, rows=made, counts={"expected": len(made), **counts})


def test_the_gravest_is_named_first_and_the_figures_stand_above() -> None:
    emergency = {"say": "report.emergency", "enterprise": "甲化工"}
    report = replace(REPORT, emergencies=(emergency,), review=ReviewTally(due=2, pending=("1124-0001",)))
    window = replace(REPORT.window, extension=timedelta(minutes=9))
    assert message(replace(report, window=window)) == [
        "📊 11-24 夜巡日报：应报8家，按时2，迟报1，部分未报1，未报2，停产免报1，待判1。",
        "🚨 险情1起（甲化工）；未报：=1+1、未报红厂；部分未报：部分厂；待判：待判厂；"
        "夜间系统曾中断，截止顺延到 06:00，不算企业迟报；还有1段视频没审看（12:00截止）。",
    ]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ((("甲", "on_time"), ("乙", "exempt")), "全部按时，没有缺报。"),
        ((("甲", "on_time"), ("乙", "late")), "没有缺报。"),
        ((), "该夜无应报企业。"),
        (tuple((f"{n}厂", "missing") for n in range(1, 9)), "未报：1厂、2厂、3厂、4厂、5厂等，另有3家。"),
    ],
)
def test_the_second_line_says_it_in_one_sentence(rows: tuple[tuple[str, str], ...], line: str) -> None:
    assert message(night(*rows))[1:] == [line]
    assert COUNTS["expected"] == len(ROWS)
