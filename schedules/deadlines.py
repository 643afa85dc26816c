"""What falls due once a day: the look at tonight's roster, and the closing of a night."""

from __future__ import annotations

from datetime import datetime, timedelta

from schedules.night_judgement import close_night
from schedules.notify import notify_office, was_in_service
from schedules.patrol_night import ONE_DAY, local_instant, night_of, submission_window
from schedules.readiness_checks import reachable_people
from schedules.rules import RuleBook
from storage.db.models import ClosedNight
from storage.store import Store

_LOOK_BACK = timedelta(days=7)


def check_duty_roster(store: Store, rules: RuleBook, now: datetime) -> None:
    """In the afternoon, tell the office if no leader who can be reached is on tonight's shift."""
    today = now.astimezone(rules.zone).date()
    night = today + ONE_DAY
    due, key = local_instant(today, rules.for_night(night).roster_check_time, rules), f"roster/{today}"
    if now < due or store.facts.decided([key]) or not was_in_service(store, due):
        return
    leaders = store.duty.people_on_shift(today)["leader"]
    reachable = reachable_people(leaders, "alert", store, now)
    store.facts.decide(key, now, "ok" if reachable else "gap")
    if not reachable:
        text_key = "roster.unreachable" if leaders else "roster.nobody"
        names = [leader.name for leader in leaders]
        notify_office(store, night, now, text_key, key, day=f"{today:%m-%d}", morning=f"{night:%m-%d}", names=names)


def close_nights(store: Store, rules: RuleBook, now: datetime) -> None:
    """Once nothing more can be in time, write down what had been expected of the night."""
    last = night_of(now, rules)
    for night in {last, last - ONE_DAY, *store.submissions.nights_since(last - _LOOK_BACK)}:
        ends = submission_window(night, rules).late_until
        if ends < now and was_in_service(store, ends) and store.session.get(ClosedNight, night) is None:
            close_night(store, night, now)
