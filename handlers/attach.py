"""Staff put a film where it belongs, on record."""

from __future__ import annotations

from datetime import timedelta

from handlers.attribution import assign_part
from schedules.context import Context
from storage.db.models import Submission
from storage.errors import OperationRefused


def attach(receipt: str, enterprise_code: str, part_number: str, ctx: Context, actor: str) -> Submission:
    """Attach a quarantined or unattributed film to a part; it counts by the instant it was sent. Raises Refused."""
    film = ctx.store.submissions.by_receipt(receipt, ctx.now.astimezone(ctx.rules.zone).date() + timedelta(days=1))
    if film is None:
        raise OperationRefused("attach.no_such_receipt", receipt=receipt)
    if film.state != "filed":
        raise OperationRefused("attach.not_a_filed_film", receipt=receipt, state=film.state)
    enterprise = ctx.store.register.enterprise_by_code(enterprise_code)
    if enterprise is None:
        raise OperationRefused("enrolment.unknown_enterprise", code=enterprise_code)
    parts = ctx.store.register.parts_of(enterprise.id)
    part = next((part for part in parts if part.number == part_number), None)
    if part is None:
        raise OperationRefused(
            "attach.no_such_part",
            enterprise=enterprise.short_name,
            part_number=part_number,
            parts="、".join(f"{part.number} {part.name}" for part in parts),
        )
    before = {"place": film.attribution, "enterprise_id": film.enterprise_id, "part_id": film.part_id}
    ctx.store.audit_log.record(
        ctx.now, actor, "film_attached", receipt=receipt, enterprise=enterprise_code, part=part_number, before=before
    )
    assign_part(film, enterprise.id, part.id, "staff", ctx)
    return film
