"""The emergencies of a night in a sentence each, as they stood at an instant: for the daily report."""

from __future__ import annotations

from datetime import date
from typing import Any

from schedules.context import Context
from storage.alerts import ACKNOWLEDGED, EMERGENCY, RESOLVED
from storage.db.models import Alert, AlertEntry


def emergency_summaries(ctx: Context, night: date) -> tuple[dict[str, Any], ...]:
    """One text per emergency that was raised: who reported it, who took it, and its outcome."""
    alerts = ctx.store.alerts.of_night(night)
    return tuple(_summary(each, ctx) for each in alerts if each.cause == EMERGENCY and each.opened_at <= ctx.now)


def _summary(alert: Alert, ctx: Context) -> dict[str, Any]:
    entries = [each for each in ctx.store.alerts.entries(alert.id) if each.at <= ctx.now]
    return {
        "say": "report.emergency",
        **{name: alert.params[name] for name in ("enterprise", "sender_name", "time", "text")},
        "taken": _by(entries, ACKNOWLEDGED, "report.emergency_taken", "report.emergency_not_taken", ctx),
        "outcome": _by(entries, RESOLVED, "report.emergency_resolved", "report.emergency_open", ctx),
    }


def _by(entries: list[AlertEntry], kind: str, done: str, not_done: str, ctx: Context) -> dict[str, Any]:
    """The first of that kind; an outcome may have been written after it."""
    own = [each for each in entries if each.kind == kind]
    if not own:
        return {"say": not_done}
    text = next((each.text for each in reversed(own) if each.text), None)
    outcome = {"say": "report.emergency_outcome", "outcome": text} if text else {"say": "report.emergency_no_outcome"}
    params = {"name": own[0].name, "time": ctx.rules.clock_time(own[0].at)}
    return {"say": done, **params, **({"outcome": outcome} if kind == RESOLVED else {})}
