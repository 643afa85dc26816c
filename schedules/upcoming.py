"""What falls due next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from schedules.patrol_night import ONE_DAY, at, moment, window
from schedules.rules import RuleBook


@dataclass(frozen=True)
class Due:
    """Something of the timetable and when it comes."""

    what: str
    at: datetime


def upcoming(night: date, book: RuleBook, now: datetime) -> list[Due]:
    """What of a night and of the one after it is still to come, soonest first."""
    found = [due for each in (night, night + ONE_DAY) for due in _timetable(each, book) if due.at > now]
    return sorted(found, key=lambda due: due.at)


def _timetable(night: date, book: RuleBook) -> list[Due]:
    rules, span = book.on(night), window(night, book)
    return [
        Due("opens", span.opens),
        *(Due("wave", moment(night, wave, book)) for wave in rules.waves),
        Due("duty_alert", moment(night, rules.duty_alert, book)),
        Due("closes", span.closes),
        Due("daily_report", at(night, rules.daily_report, book)),
        Due("push", at(night, rules.push, book)),
        Due("late_until", span.late_until),
    ]
