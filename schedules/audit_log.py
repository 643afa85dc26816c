"""What people did by hand is sealed within a tick: from then on it cannot be altered unnoticed."""

from __future__ import annotations

from schedules.context import Context


def seal_audit_log(ctx: Context) -> None:
    """Seal the fresh entries of the trail; the timetable calls each job one at a time."""
    ctx.store.audit_log.seal_new(ctx.now)
