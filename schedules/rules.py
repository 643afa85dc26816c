"""What has been agreed: hours, waves, ladder, each with the night from which it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class NightRules:
    """What holds for one night. Times of day are in the county's zone; `threshold` is a share of 1.

    `amends` is what a night's window gains on top of the minutes in which films could not be handed in.
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


def _time(text: str) -> time:
    return time.fromisoformat(text.strip().zfill(5))


def _times(text: str) -> tuple[time, ...]:
    return tuple(sorted(_time(piece) for piece in text.split("、") if piece.strip()))


def _share(text: str) -> float:
    return float(text.rstrip("%")) / 100


# How the office names a rule -> the field it sets and how its value reads.
RULE_FIELDS: dict[str, tuple[str, Any]] = {
    "开始时间": ("opens", _time),
    "截止时间": ("closes", _time),
    "补报截止": ("late_until", _time),
    "催报时间": ("waves", _times),
    "值班提醒时间": ("duty_alert_time", _time),
    "升级间隔分钟": ("escalate_after", lambda text: timedelta(minutes=int(text))),
    "日报时间": ("daily_report_time", _time),
    "推送时间": ("push_time", _time),
    "集体缺报阈值": ("mass_silence_threshold", _share),
    "最短时长秒": ("shortest_film_s", float),
    "上传上限MB": ("largest_upload_mb", int),
    "中断顺延分钟": ("outage_extension", lambda text: timedelta(minutes=int(text))),
    "审看截止": ("review_until", _time),
    "抽查比例": ("review_share", _share),
    "复看比例": ("second_review_share", _share),
}
assert {field for field, _ in RULE_FIELDS.values()} <= {field.name for field in fields(NightRules)}


class RuleLike(Protocol):
    """One row of the rules sheet."""

    name: str
    value: str
    effective_from: date | None


class OutageLike(Protocol):
    """An outage: of what (see storage.outages), between two aware instants."""

    kind: str
    started_at: datetime
    ended_at: datetime


class RuleBook:
    """Every agreed value with its date, the zone in which nights are judged, and the outages there were.

    That we could not remind people (`working`) excuses nobody; the other outages kept them from handing in a film.
    """

    def __init__(self, zone: ZoneInfo, rows: Iterable[RuleLike] = (), outages: Iterable[OutageLike] = ()) -> None:
        self.zone, self.outages = zone, tuple(outages)
        self._excusing = [(each.started_at, each.ended_at) for each in self.outages if each.kind != "processing"]
        self._changes = sorted(
            (
                (row.effective_from or date.min, RULE_FIELDS[row.name], row.value)
                for row in rows
                if row.name in RULE_FIELDS
            ),
            key=lambda change: change[0],
        )
        self._known: dict[date, NightRules] = {}

    def for_night(self, night: date) -> NightRules:
        """What holds for that night: later changes never touch earlier nights."""
        if night not in self._known:
            held = {field: read(value) for since, (field, read), value in self._changes if since <= night}
            self._known[night] = replace(NightRules(), **held)
        return self._known[night]

    def outage_time(self, since: datetime, until: datetime) -> timedelta:
        """For how much of that time films could not be handed in; what was away twice at once counts once."""
        total, reached = timedelta(0), since
        for began, ended in sorted(self._excusing):
            began, ended = max(began, reached), min(ended, until)
            if began < ended:
                total, reached = total + (ended - began), ended
        return total
