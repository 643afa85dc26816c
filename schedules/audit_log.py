"""Sealing of the audit log: an entry is sealed within a tick, and altering it later is detected."""

from __future__ import annotations

from schedules.context import Context


def seal_audit_log(ctx: Context) -> None:
    """Seal the new entries. The scheduler runs one instance of a job at a time, so the chain has one writer."""
    ctx.store.audit_log.seal_new(ctx.now)
