"""The agreed rules: hours, reminder waves, escalation, each with the night from which it applies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class NightRules:
    """The rules of one night, with their defaults. Times of day are in the county's zone, shares are fractions of 1.

    `outage_extension` is added to a night's window on top of the minutes in which films could not be submitted.
    `misses_reported_after` nights without a film in a row are reported; 0: never.
    """

    opens: time = time(0, 0)
    closes: time = time(6, 0)
    late_until: time = time(12, 0)
    waves: tuple[time, ...] = (time(1, 37), time(3, 7), time(4, 37))
    duty_alert_time: time = time(5, 7)
    escalate_after: timedelta = timedelta(minutes=10)
    daily_report_time: time = time(7, 37)
    push_time: time = time(9, 7)
    mass_silence_threshold: float = 0.4
    shortest_film_s: float = 10.0
    roster_check_time: time = time(15, 0)
    reachability_check_time: time = time(18, 0)
    outage_extension: timedelta = timedelta(minutes=30)
    largest_upload_mb: int = 500
    review_until: time = time(12, 0)
    review_share: float = 0.1
    second_review_share: float = 0.05
    acknowledged_for: timedelta = timedelta(minutes=30)
    ask_before_alert: timedelta = timedelta(minutes=2)
    emergency_words: tuple[str, ...] = ()
    harmless_words: tuple[str, ...] = ()
    early_reminder_time: time = time(23, 50)
    misses_reported_after: int = 3


# Stands for an empty list: a rule always has a value.
_NO_WORDS = "无"


class _Format(NamedTuple):
    """How a value is written in the rules sheet."""

    parse: Callable[[str], Any]
    write: Callable[[Any], str]


def _parse_time(text: str) -> time:
    return time.fromisoformat(text.strip().zfill(5))


def _parse_times(text: str) -> tuple[time, ...]:
    return tuple(sorted(_parse_time(piece) for piece in text.split("、") if piece.strip()))


def _parse_words(text: str) -> tuple[str, ...]:
    words = (word.strip() for word in text.split("、"))
    return tuple(word for word in words if word and word != _NO_WORDS)


_TIME = _Format(_parse_time, "{:%H:%M}".format)
_TIMES = _Format(_parse_times, lambda times: "、".join(map(_TIME.write, times)))
_MINUTES = _Format(lambda text: timedelta(minutes=int(text)), lambda value: str(value // timedelta(minutes=1)))
_SHARE = _Format(lambda text: float(text.rstrip("%")) / 100, "{:.0%}".format)
_SECONDS = _Format(float, "{:g}".format)
_INTEGER = _Format(int, str)
_WORDS = _Format(_parse_words, lambda words: "、".join(words) or _NO_WORDS)

# The name of a rule in the sheet -> the field it sets and the format of its value.
RULE_FIELDS: dict[str, tuple[str, _Format]] = {
    "开始时间": ("opens", _TIME),
    "截止时间": ("closes", _TIME),
    "补报截止": ("late_until", _TIME),
    "催报时间": ("waves", _TIMES),
    "值班提醒时间": ("duty_alert_time", _TIME),
    "升级间隔分钟": ("escalate_after", _MINUTES),
    "日报时间": ("daily_report_time", _TIME),
    "推送时间": ("push_time", _TIME),
    "集体缺报阈值": ("mass_silence_threshold", _SHARE),
    "最短时长秒": ("shortest_film_s", _SECONDS),
    "上传上限MB": ("largest_upload_mb", _INTEGER),
    "中断顺延分钟": ("outage_extension", _MINUTES),
    "审看截止": ("review_until", _TIME),
    "抽查比例": ("review_share", _SHARE),
    "复看比例": ("second_review_share", _SHARE),
    "已知悉有效分钟": ("acknowledged_for", _MINUTES),
    "存疑等待分钟": ("ask_before_alert", _MINUTES),
    "险情词": ("emergency_words", _WORDS),
    "非险情词": ("harmless_words", _WORDS),
    "夜前提醒时间": ("early_reminder_time", _TIME),
    "连续未报告知夜数": ("misses_reported_after", _INTEGER),
}


def written_values(rules: NightRules) -> dict[str, str]:
    """The value of every rule as the sheet writes it."""
    return {name: form.write(getattr(rules, field)) for name, (field, form) in RULE_FIELDS.items()}


RULE_DEFAULTS = written_values(NightRules())


class RuleLike(Protocol):
    """One row of the rules sheet."""

    name: str
    value: str
    effective_from: date | None


class OutageLike(Protocol):
    """An outage (for the kinds see storage.outages) between two aware instants."""

    kind: str
    started_at: datetime
    ended_at: datetime


class RuleBook:
    """Every agreed value with its date, the zone in which nights are judged, and all outages.

    An outage of the kind `processing` (no reminders went out) does not extend a window; the other kinds kept
    enterprises from submitting and do.
    """

    def __init__(self, zone: ZoneInfo, rows: Iterable[RuleLike] = (), outages: Iterable[OutageLike] = ()) -> None:
        self.zone, self.outages = zone, tuple(outages)
        self._extending = sorted((each.started_at, each.ended_at) for each in self.outages if each.kind != "processing")
        known = [row for row in rows if row.name in RULE_FIELDS]
        self._rows = sorted(known, key=lambda row: row.effective_from or date.min)
        self._by_night: dict[date, NightRules] = {}

    def for_night(self, night: date) -> NightRules:
        """The rules of that night: later changes never affect earlier nights."""
        if night not in self._by_night:
            values = {}
            for row in self._rows:
                if (row.effective_from or date.min) <= night:
                    field, form = RULE_FIELDS[row.name]
                    values[field] = form.parse(row.value)
            self._by_night[night] = replace(NightRules(), **values)
        return self._by_night[night]

    def outage_time(self, since: datetime, until: datetime) -> timedelta:
        """How long films could not be submitted in that time; overlapping outages count once."""
        total, counted_until = timedelta(0), since
        for started, ended in self._extending:
            started, ended = max(started, counted_until), min(ended, until)
            if started < ended:
                total, counted_until = total + (ended - started), ended
        return total

    def local_date(self, instant: datetime) -> date:
        """The calendar date of an instant in the county's zone."""
        return instant.astimezone(self.zone).date()

    def clock_time(self, instant: datetime) -> str:
        """The time of day of an instant in the county's zone, as 01:37."""
        return f"{instant.astimezone(self.zone):%H:%M}"
