"""Alerts: opened by the clock or by danger, climbing until somebody answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schedules.alerts.escalation_policy import Rung, next_level
from schedules.duty import Ladder, ladder
from schedules.night_judgement import judged
from schedules.notify import awake_at, tell_person
from schedules.patrol_night import moment, night_of, shift_day, window
from schedules.rules import RuleBook
from storage.db.models import Alert, Notice, Person
from storage.notices import Saying
from storage.outages import RECEIVING
from storage.register import LEADER
from storage.store import Store

MISSING, SUSPECT, DANGER = "missing", "suspect", "danger"


def rungs_at(store: Store, rules: RuleBook, instant: datetime) -> Ladder[Person]:
    """Whom an alert of that instant goes to; nobody on the roster never means nobody is told."""
    posts = store.duty.on(shift_day(instant, rules))
    return ladder(posts, store.register.with_role(LEADER), store.register.office(), lambda person: person.id)


def open_duty_alerts(store: Store, rules: RuleBook, now: datetime) -> None:
    """At the agreed time, tell the duty leader who still owes films tonight.

    When so many are silent that it is rather our fault, the leader hears that, and nobody is named.
    """
    night = night_of(now, rules)
    due, ends = moment(night, rules.on(night).duty_alert, rules), window(night, rules).late_until
    key = f"duty_alert/{night}"
    if not due <= now < ends or store.records.decided([key]) or not awake_at(store, due):
        return
    if store.outages.is_away(RECEIVING, now):
        return
    whole = judged(store, night, rules, now)
    if whole.in_question and now < window(night, rules).closes:
        return
    store.records.decide(key, now, str(len(whole.accountable)))
    if whole.accountable:
        cause = SUSPECT if whole.presumed_our_fault(rules.on(night).threshold) else MISSING
        alert = store.alerts.open(f"{MISSING}/{night}", cause, night, due)
        if alert is not None:
            climb(alert, store, rules, now)


def climb_all(store: Store, rules: RuleBook, now: datetime) -> None:
    """Take every unanswered alert one rung higher where its time has come."""
    for alert in store.alerts.unanswered():
        if alert.cause == DANGER:
            climb(alert, store, rules, now)
        else:
            _climb_or_close(alert, store, rules, now)


def _climb_or_close(alert: Alert, store: Store, rules: RuleBook, now: datetime) -> None:
    """An alert about films settles itself when all have come; a film that is still in question only holds it."""
    whole = judged(store, alert.night, rules, now)
    if now > window(alert.night, rules).late_until:
        alert.closed_at, alert.closed_why = now, "the night is over"
    elif whole.accountable:
        climb(alert, store, rules, now)
    elif not whole.in_question:
        alert.closed_at, alert.closed_why = now, "nobody owes anything any more"


def climb(alert: Alert, store: Store, rules: RuleBook, now: datetime) -> None:
    """Use the next rung if it is due: each of its people gets a card with a button, and a text."""
    people = rungs_at(store, rules, alert.opened_at).rungs
    said = store.notices.of_alert(alert.id)
    rungs = [Rung(len(rung), _none_arrived(said, level)) for level, rung in enumerate(people)]
    rungs.append(Rung(1))
    wait = rules.on(alert.night).climb_after
    level = next_level(alert.level, alert.climbed_at, rungs, now, wait)
    if level is None:
        return
    due = min(alert.climbed_at + wait, now) if alert.climbed_at else alert.opened_at
    alert.level, alert.climbed_at = level, now
    if level == len(people):
        store.notices.to_fallback(_saying(alert, level, "text", f"alert/{alert.id}/fallback", due))
    for person in people[level] if level < len(people) else ():
        for form in ("alert", "text"):
            once_key = f"alert/{alert.id}/{level}/{person.id}/{form}"
            tell_person(person, _saying(alert, level, form, once_key, due), store)


def _none_arrived(said: Sequence[Notice], level: int) -> bool:
    """Whether nobody of a rung is known to have heard: then nobody waits for an answer."""
    mine = [notice for notice in said if notice.level == level and notice.kind in ("alert", "escalation")]
    # A card that was not even shown says nothing: its words went by themselves.
    states = [notice.state for notice in mine if notice.state != "cancelled"]
    return bool(states) and all(state in ("failed", "expired", "unknown") for state in states)


def _saying(alert: Alert, level: int, form: str, once_key: str, due: datetime) -> Saying:
    return Saying(
        kind="alert" if level == 0 else "escalation",
        text_key=f"alert.{alert.cause}_card" if form == "alert" else f"alert.{alert.cause}",
        once_key=once_key,
        night=alert.night,
        due_at=due,
        params=alert.params,
        form=form,
        still="alert",
        alert_id=alert.id,
        level=level,
    )


def still_unanswered(notice: Notice, store: Store, rules: RuleBook, now: datetime) -> dict[str, Any] | None:
    """An alert is said while nobody has answered it, and with the names that are true now."""
    alert = store.alerts.get(notice.alert_id or 0)
    if alert is None or alert.acknowledged_at is not None or alert.closed_at is not None:
        return None
    params = {**alert.params, "alert": alert.id, "level": notice.level or 0, "night": f"{alert.night:%m-%d}"}
    if alert.cause == DANGER:
        return params
    whole = judged(store, alert.night, rules, now)
    if not whole.accountable:
        return None
    names = [each.enterprise.short_name for each in whole.accountable]
    return {**params, **whole.counts, "owing": len(names), "names": names}
