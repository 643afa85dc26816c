"""Rules apply from their date on and never before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.rules import RULE_FIELDS, NightRules, RuleBook

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass
class Agreed:
    """A row of the rules sheet."""

    name: str
    value: str
    effective_from: date | None = None


changes = st.lists(
    st.builds(
        Agreed,
        st.just("截止时间"),
        st.times(time(1), time(9)).map(lambda at: f"{at:%H:%M}"),
        st.none() | st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    ),
    max_size=5,
)


@given(changes, st.dates(date(2025, 1, 1), date(2027, 12, 31)), st.times(time(1), time(9)))
def test_a_new_rule_never_changes_an_earlier_night(agreed: list[Agreed], from_: date, closes: time) -> None:
    change = Agreed("截止时间", f"{closes:%H:%M}", from_)
    before, after = RuleBook(ZONE, agreed), RuleBook(ZONE, [*agreed, change])
    for days in (1, 2, 300):
        assert before.for_night(from_ - timedelta(days=days)) == after.for_night(from_ - timedelta(days=days))
    assert after.for_night(from_).closes == closes.replace(second=0, microsecond=0)


@given(changes, st.dates(date(2025, 1, 1), date(2027, 12, 31)))
def test_the_latest_effective_rule_applies(agreed: list[Agreed], night: date) -> None:
    holding = [row for row in agreed if (row.effective_from or date.min) <= night]
    expected = max(holding, key=lambda row: row.effective_from or date.min, default=None)
    last = [row for row in holding if expected and row.effective_from == expected.effective_from]
    wanted = last[-1].value if last else "06:00"
    assert f"{RuleBook(ZONE, agreed).for_night(night).closes:%H:%M}" == wanted


@pytest.mark.parametrize(
    ("name", "value", "field", "read"),
    [
        ("开始时间", "22:30", "opens", time(22, 30)),
        ("截止时间", "5:30", "closes", time(5, 30)),
        ("补报截止", "11:00", "late_until", time(11)),
        ("催报时间", "3:07、01:37", "waves", (time(1, 37), time(3, 7))),
        ("值班提醒时间", "05:00", "duty_alert_time", time(5)),
        ("升级间隔分钟", "15", "escalate_after", timedelta(minutes=15)),
        ("日报时间", "08:00", "daily_report_time", time(8)),
        ("推送时间", "10:00", "push_time", time(10)),
        ("集体缺报阈值", "35%", "mass_silence_threshold", 0.35),
        ("最短时长秒", "15", "shortest_film_s", 15.0),
    ],
)
def test_rules_are_parsed_as_the_office_writes_them(name: str, value: str, field: str, read: object) -> None:
    assert getattr(RuleBook(ZONE, [Agreed(name, value)]).for_night(date(2026, 11, 24)), field) == read


def test_defaults_apply_without_rules_and_unknown_names_are_ignored() -> None:
    assert RuleBook(ZONE).for_night(date(2026, 11, 24)) == NightRules()
    assert RuleBook(ZONE, [Agreed("天气", "晴")]).for_night(date(2026, 11, 24)) == NightRules()
    assert set(RULE_FIELDS) >= {"开始时间", "截止时间", "补报截止", "催报时间", "值班提醒时间", "升级间隔分钟"}
