"""What falls due once a day: the look at tonight's roster, and the closing of a night."""

from __future__ import annotations

from datetime import timedelta

from schedules.context import Context
from schedules.night_judgement import close_night
from schedules.notify import notify_office, was_in_service
from schedules.patrol_night import ONE_DAY, local_instant, night_of, submission_window
from schedules.readiness_checks import reachable_people
from storage.db.models import ClosedNight

_LOOK_BACK = timedelta(days=7)


def check_duty_roster(ctx: Context) -> None:
    """In the afternoon, tell the office if no leader who can be reached is on tonight's shift."""
    today = ctx.now.astimezone(ctx.rules.zone).date()
    night = today + ONE_DAY
    due, key = local_instant(today, ctx.rules.for_night(night).roster_check_time, ctx.rules), f"roster-check/{today}"
    if ctx.now < due or ctx.store.facts.decided([key]) or not was_in_service(ctx.store, due):
        return
    leaders = ctx.store.duty.people_on_shift(today)["leader"]
    reachable = reachable_people(leaders, "alert", ctx.store, ctx.now)
    ctx.store.facts.decide(key, ctx.now, "ok" if reachable else "unreachable")
    if not reachable:
        text_key = "readiness.leader_unreachable" if leaders else "readiness.no_leader_on_roster"
        names = [leader.name for leader in leaders]
        notify_office(
            ctx.store, night, ctx.now, text_key, key, day=f"{today:%m-%d}", patrol_night=f"{night:%m-%d}", names=names
        )


def close_nights(ctx: Context) -> None:
    """Once nothing more can be in time, write down what had been expected of the night."""
    last = night_of(ctx.now, ctx.rules)
    for night in {last, last - ONE_DAY, *ctx.store.submissions.nights_since(last - _LOOK_BACK)}:
        ends = submission_window(night, ctx.rules).late_until
        if ends < ctx.now and was_in_service(ctx.store, ends) and ctx.store.session.get(ClosedNight, night) is None:
            close_night(ctx.store, night, ctx.now)
