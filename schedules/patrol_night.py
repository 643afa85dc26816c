"""The night an instant belongs to, its submission window and its timetable. Pure.

A night is named by its morning date.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from schedules.rules import RuleBook

ONE_DAY = timedelta(days=1)
# A shift begins at this hour; before it, the shift of the day before is still on duty.
SHIFT_BEGINS = time(8, 0)


@dataclass(frozen=True)
class SubmissionWindow:
    """When the films of one night may be sent, as aware instants; both ends are inside.

    `extension` is by how much an outage has moved both ends.
    """

    opens: datetime
    closes: datetime
    late_until: datetime
    extension: timedelta = timedelta(0)

    def lateness(self, sent_at: datetime) -> str:
        """`early`, `on_time`, `late` or `supplied_afterwards`."""
        if sent_at < self.opens:
            return "early"
        if sent_at <= self.closes:
            return "on_time"
        return "late" if sent_at <= self.late_until else "supplied_afterwards"


@dataclass(frozen=True)
class TimetableEntry:
    """An event of a night's timetable and its instant."""

    event: str
    at: datetime


def local_instant(day: date, clock_time: time, rules: RuleBook) -> datetime:
    """A time of day in the county, as an instant."""
    return datetime.combine(day, clock_time, tzinfo=rules.zone)


def submission_window(night: date, rules: RuleBook) -> SubmissionWindow:
    """The window of a night; one whose opening hour is later than its closing hour opens the evening before.

    Our own downtime never makes an enterprise late: the minutes within the window in which films could not be
    submitted are added at its end, plus the agreed extension, but never into the next night's window.
    """
    agreed = _agreed_window(night, rules)
    extension, previous = timedelta(0), timedelta(-1)
    while extension != previous:  # the added time may itself contain an outage
        previous, lost = extension, rules.outage_time(agreed.opens, agreed.closes + extension)
        extension = lost + rules.for_night(night).outage_extension if lost else lost
    extension = min(extension, _agreed_window(night + ONE_DAY, rules).opens - agreed.late_until)
    return replace(
        agreed, closes=agreed.closes + extension, late_until=agreed.late_until + extension, extension=extension
    )


def _agreed_window(night: date, rules: RuleBook) -> SubmissionWindow:
    night_rules = rules.for_night(night)
    first_day = night - ONE_DAY if night_rules.opens > night_rules.closes else night
    return SubmissionWindow(
        local_instant(first_day, night_rules.opens, rules),
        local_instant(night, night_rules.closes, rules),
        local_instant(night, night_rules.late_until, rules),
    )


def night_instant(night: date, clock_time: time, rules: RuleBook) -> datetime:
    """The first instant with that time of day after the night's window opens."""
    opens = submission_window(night, rules).opens
    instant = local_instant(rules.local_date(opens), clock_time, rules)
    return instant if instant >= opens else instant + ONE_DAY


def night_of(instant: datetime, rules: RuleBook) -> date:
    """The night that a film sent at that instant belongs to.

    Half way between the end of one night's late period and the opening of the next, a film stops being late
    for the one and starts being early for the other.
    """
    day = rules.local_date(instant)
    late_until, next_opens = submission_window(day, rules).late_until, submission_window(day + ONE_DAY, rules).opens
    return day if instant < late_until + (next_opens - late_until) / 2 else day + ONE_DAY


def shift_day(instant: datetime, rules: RuleBook) -> date:
    """The day on which the shift began that is on duty at that instant."""
    local = instant.astimezone(rules.zone)
    return local.date() if local.time() >= SHIFT_BEGINS else local.date() - ONE_DAY


def shift_day_of_night(night: date) -> date:
    """The day on which the shift begins that covers a night."""
    return night - ONE_DAY


def upcoming_entries(night: date, rules: RuleBook, now: datetime) -> list[TimetableEntry]:
    """The entries of a night and of the next one that are still to come, soonest first."""
    entries = [entry for each in (night, night + ONE_DAY) for entry in _timetable(each, rules) if entry.at > now]
    return sorted(entries, key=lambda entry: entry.at)


def _timetable(night: date, rules: RuleBook) -> list[TimetableEntry]:
    night_rules, window = rules.for_night(night), submission_window(night, rules)
    return [
        TimetableEntry("opens", window.opens),
        *(TimetableEntry("wave", night_instant(night, wave, rules)) for wave in night_rules.waves),
        TimetableEntry("duty_alert", night_instant(night, night_rules.duty_alert_time, rules)),
        TimetableEntry("closes", window.closes),
        TimetableEntry("daily_report", local_instant(night, night_rules.daily_report_time, rules)),
        TimetableEntry("daily_push", local_instant(night, night_rules.push_time, rules)),
        TimetableEntry("late_until", window.late_until),
    ]
