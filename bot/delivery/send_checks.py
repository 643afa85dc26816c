"""What must still hold at the moment of sending, by the name stored with the notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handlers import attribution, bindings, status
from handlers.hazards.telling import check_task
from handlers.review.consequences import check_verdict, check_withdrawal
from schedules import reminders
from schedules.alerts import escalation
from schedules.context import Context
from schedules.hazards import reminders as hazard_reminders
from schedules.reports import amendments, issued
from storage.db.models import Notice

SendCheck = Callable[[Notice, Context], dict[str, Any] | None]

SEND_CHECKS: dict[str, SendCheck] = {
    "question": attribution.check_question,
    "part_text": status.check_unpaired_text,
    "reminder": reminders.check_reminder,
    "alert": escalation.check_alert,
    "report": issued.check_daily_report,
    "amendment": amendments.check_amendment,
    "verdict": check_verdict,
    "withdrawal": check_withdrawal,
    "hazard_task": check_task,
    "hazard_reminder": hazard_reminders.check_reminder,
    "binding": bindings.check_binding,
}
