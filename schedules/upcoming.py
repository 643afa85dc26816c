"""What falls due next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from schedules.patrol_night import ONE_DAY, local_instant, night_instant, submission_window
from schedules.rules import RuleBook


@dataclass(frozen=True)
class TimetableEntry:
    """Something of the timetable and when it comes."""

    event: str
    at: datetime


def upcoming_entries(night: date, rules: RuleBook, now: datetime) -> list[TimetableEntry]:
    """What of a night and of the one after it is still to come, soonest first."""
    found = [due for each in (night, night + ONE_DAY) for due in _timetable(each, rules) if due.at > now]
    return sorted(found, key=lambda due: due.at)


def _timetable(night: date, book: RuleBook) -> list[TimetableEntry]:
    rules, span = book.for_night(night), submission_window(night, book)
    return [
        TimetableEntry("opens", span.opens),
        *(TimetableEntry("wave", night_instant(night, wave, book)) for wave in rules.waves),
        TimetableEntry("duty_alert", night_instant(night, rules.duty_alert_time, book)),
        TimetableEntry("closes", span.closes),
        TimetableEntry("daily_report", local_instant(night, rules.daily_report_time, book)),
        TimetableEntry("daily_push", local_instant(night, rules.push_time, book)),
        TimetableEntry("late_until", span.late_until),
    ]
