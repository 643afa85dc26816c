"""Which night an instant belongs to. A night is named by its morning date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from schedules.rules import RuleBook

ONE_DAY = timedelta(days=1)
# The shift of a day begins at this hour; before it, yesterday's is still on duty.
SHIFT_BEGINS = time(8, 0)


@dataclass(frozen=True)
class SubmissionWindow:
    """When the films of one night may be sent, as aware instants; both ends count as inside.

    `gained` is by how much an outage of ours or the platform's has put both ends off.
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


def local_instant(day: date, clock_time: time, rules: RuleBook) -> datetime:
    """A time of day in the county, as an instant."""
    return datetime.combine(day, clock_time, tzinfo=rules.zone)


def submission_window(night: date, rules: RuleBook) -> SubmissionWindow:
    """The window of a night; one that opens later in the day than it closes opens the evening before.

    Nobody is late because of us: the minutes within it in which films could not be handed in are added at
    its end, and some more to make amends (mission 4.5, case 19), as far as the next night leaves room.
    """
    agreed = _agreed_window(night, rules)
    gained, before = timedelta(0), timedelta(-1)
    while gained != before:  # what is gained may itself be struck by an outage
        before, lost = gained, rules.outage_time(agreed.opens, agreed.closes + gained)
        gained = lost + rules.for_night(night).outage_extension if lost else lost
    gained = min(gained, _agreed_window(night + ONE_DAY, rules).opens - agreed.late_until)
    return replace(agreed, closes=agreed.closes + gained, late_until=agreed.late_until + gained, extension=gained)


def _agreed_window(night: date, book: RuleBook) -> SubmissionWindow:
    rules = book.for_night(night)
    first_day = night - ONE_DAY if rules.opens > rules.closes else night
    return SubmissionWindow(
        local_instant(first_day, rules.opens, book),
        local_instant(night, rules.closes, book),
        local_instant(night, rules.late_until, book),
    )


def night_instant(night: date, clock_time: time, rules: RuleBook) -> datetime:
    """A time of day within a night: before the opening hour it is the morning's, after it the evening's."""
    opens = submission_window(night, rules).opens
    found = local_instant(opens.astimezone(rules.zone).date(), clock_time, rules)
    return found if found >= opens else found + ONE_DAY


def night_of(instant: datetime, rules: RuleBook) -> date:
    """The night a film sent at that instant belongs to.

    Half way between the end of one night's late time and the opening of the next, what is sent
    stops being late for the one and begins to be early for the other.
    """
    day = instant.astimezone(rules.zone).date()
    ended, coming = submission_window(day, rules).late_until, submission_window(day + ONE_DAY, rules).opens
    return day if instant < ended + (coming - ended) / 2 else day + ONE_DAY


def shift_day(instant: datetime, rules: RuleBook) -> date:
    """The day on which the shift began that is on duty at that instant."""
    local = instant.astimezone(rules.zone)
    return local.date() if local.time() >= SHIFT_BEGINS else local.date() - ONE_DAY


def shift_day_of_night(night: date) -> date:
    """The day on which the shift begins that covers a night."""
    return night - ONE_DAY
