"""催: a duty leader or the office asks enterprises, now and in person, for the films they still miss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from handlers.enterprise_names import resolve_enterprise
from handlers.message import Message
from handlers.part_names import normalize_text
from handlers.permissions import build_viewer
from handlers.replies import add_reply
from schedules.context import Context
from schedules.judgement import EnterpriseJudgement
from schedules.night_judgement import judge_night
from schedules.notify import notify_people
from schedules.patrol_night import submission_window
from storage.db.models import Person
from storage.errors import OperationRefused
from storage.notices import NoticeDraft
from storage.priority import Priority
from storage.register_terms import ENTERPRISE_ROLES, PATROLLER

_KEYWORD = "催"
_ALL = frozenset({"催", "催报", "催全部", "催全部未报", "催所有", "催未报", "全部催报", "催一下"})
# An enterprise that is asked again and again stops listening.
_INTERVAL = timedelta(minutes=15)


@dataclass
class UrgeResult:
    """Short names of the enterprises that were asked, and of those that had been asked just before."""

    asked: list[str] = field(default_factory=list)
    asked_before: list[str] = field(default_factory=list)

    def to_params(self) -> dict[str, Any]:
        """The parameters of `urge.done`."""
        before = [{"say": "urge.asked_before", "names": self.asked_before}] if self.asked_before else []
        return {"count": len(self.asked), "names": self.asked or [{"say": "status.none"}], "before": before}


def handle(message: Message, person: Person, ctx: Context) -> bool:
    """Carry out a request to ask enterprises for films; False if the text is no request or not permitted."""
    text = normalize_text(message.text).strip("。.!！")
    if not text.startswith(_KEYWORD) and text not in _ALL:
        return False
    if not build_viewer(person.id, person.name, person.roles, ()).may("enterprises.urge"):
        return False
    if text in _ALL:
        reply_with_result(message, urge(None, person.name, ctx), ctx)
        return True
    try:
        named = resolve_enterprise(text.removeprefix(_KEYWORD), ctx.store)
    except OperationRefused as refused:
        add_reply(message, ctx, refused.text_key, **refused.params)
    else:
        reply_with_result(message, urge([named.id], person.name, ctx), ctx)
    return True


def reply_with_result(message: Message, result: UrgeResult, ctx: Context) -> None:
    """Say who was asked."""
    if result.asked or result.asked_before:
        add_reply(message, ctx, "urge.done", **result.to_params())
    else:
        add_reply(message, ctx, "urge.nothing_missing")


def urge(enterprise_ids: Iterable[int] | None, by: str, ctx: Context) -> UrgeResult:
    """Ask these enterprises, or (None) all that still miss films tonight, each once in fifteen minutes."""
    wanted = None if enterprise_ids is None else set(enterprise_ids)
    missing = [
        each
        for each in judge_night(ctx, ctx.night).enterprises
        if each.missing_parts and (wanted is None or each.enterprise.id in wanted)
    ]
    result, due = UrgeResult(), []
    for each in missing:
        names = result.asked if _claim(each.enterprise.id, ctx) else result.asked_before
        names.append(each.enterprise.short_name)
        if names is result.asked:
            due.append(each)
    if due:
        _notify(due, by, ctx)
        codes = [each.enterprise.code for each in due]
        ctx.store.audit_log.record(ctx.now, by, "enterprises_urged", night=ctx.night.isoformat(), enterprises=codes)
    return result


def _claim(enterprise_id: int, ctx: Context) -> bool:
    ctx.store.lock_for_transaction(f"urge/{enterprise_id}")
    name = f"urged/{enterprise_id}"
    latest = ctx.store.facts.read_fact(name)
    if latest is not None and ctx.now - datetime.fromisoformat(latest["at"]) < _INTERVAL:
        return False
    ctx.store.facts.store_fact(name, {"at": ctx.now.isoformat()})
    return True


def _notify(missing: list[EnterpriseJudgement], by: str, ctx: Context) -> None:
    """The patrollers, or where there are none all employees who may be reminded."""
    employees = ctx.store.register.employees(each.enterprise.id for each in missing)
    drafts = []
    for each in missing:
        people = [person for person in employees.get(each.enterprise.id, ()) if person.has_role(*ENTERPRISE_ROLES)]
        for person in [person for person in people if person.has_role(PATROLLER)] or people:
            drafts.append((person, _draft(each, person, by, ctx)))
    notify_people(drafts, ctx.store)


def _draft(missing: EnterpriseJudgement, person: Person, by: str, ctx: Context) -> NoticeDraft:
    params = {"enterprise": missing.enterprise.id, "by": by}
    return NoticeDraft(
        kind="reminder",
        text_key="urge.request",
        once_key=f"urge/{ctx.night}/{missing.enterprise.code}/{person.id}/{ctx.now.isoformat()}",
        night=ctx.night,
        due_at=ctx.now,
        params=params,
        check_name="reminder",
        expires_at=submission_window(ctx.night, ctx.rules).late_until,
        priority=Priority.PROMPT,
    )
