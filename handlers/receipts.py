"""The receipt: what came in, for which part, how many of tonight's are in, which are missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handlers.message import ARCHIVE_CHANNELS
from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.notify import notify_office, notify_sender
from schedules.patrol_night import submission_window
from schedules.rules import RuleBook
from storage.db.models import Submission
from storage.notices import NoticeDraft
from storage.store import Store

_TEXTS = {
    "on_time": "receipt.filed",
    "late": "receipt.late",
    "early": "receipt.early",
    "supplied_afterwards": "receipt.supplied_afterwards",
}
_STALE_AFTER = timedelta(hours=24)


def send_receipt(submission: Submission, ctx: Context) -> None:
    """Tell the sender that a film is filed; a film that is named anew gets a new receipt."""
    assert submission.enterprise_id is not None
    # Two patrollers of one enterprise: each receipt counts what the other has brought.
    ctx.store.lock_for_transaction(f"receipts/{submission.enterprise_id}/{submission.night}")
    night = judge_night(ctx, submission.night, submission.enterprise_id)
    lateness = submission_window(submission.night, ctx.rules).lateness(submission.sent_at)
    params = film_params(submission, ctx.store, ctx.rules)
    for whole in night.enterprises:
        due, missing = len(whole.enterprise.due_parts), [f"{part.number} {part.name}" for part in whole.missing_parts]
        params |= {"total": due, "done": due - len(missing), "remaining_parts": _rest(due, missing)}
        if whole.part_states.get(submission.part_id or 0) == "exempt":
            _tell_of_restart(submission, params, ctx.store, ctx.now)
    params["remarks"] = [{"say": f"mark.{mark}"} for mark in submission.marks if mark.startswith("seen_")]
    add_film_reply(
        submission, ctx.store, ctx.now, _TEXTS[lateness], f"receipt/{submission.id}/{submission.part_id}", params
    )


def _tell_of_restart(submission: Submission, params: dict[str, Any], store: Store, now: datetime) -> None:
    """Who films what production stopped for may have started again: the office is told once a night (case 27)."""
    once_key = f"restart-suspected/{submission.enterprise_id}/{submission.night}"
    named = {name: params[name] for name in ("enterprise", "part", "receipt")}
    notify_office(store, submission.night, now, "office.restart_suspected", once_key, **named)


def _rest(due: int, missing: list[str]) -> dict[str, Any]:
    if not due:
        return {"say": "receipt.exempt"}
    return {"say": "receipt.parts_missing", "parts": missing} if missing else {"say": "receipt.all_parts_filed"}


def film_params(submission: Submission, store: Store, rules: RuleBook) -> dict[str, Any]:
    """What every sentence about a film may mention."""
    enterprise = store.register.enterprise(submission.enterprise_id) if submission.enterprise_id else None
    part = store.register.part(submission.part_id) if submission.part_id else None
    hours, span = rules.for_night(submission.night), submission_window(submission.night, rules)
    return {
        "receipt": submission.receipt,
        "enterprise": enterprise.short_name if enterprise else "",
        "part": f"{part.number} {part.name}" if part else "",
        "time": f"{submission.sent_at.astimezone(rules.zone):%H:%M}",
        "opens": f"{hours.opens:%H:%M}",
        "closes": f"{span.closes.astimezone(rules.zone):%H:%M}",
        "late_until": f"{span.late_until.astimezone(rules.zone):%H:%M}",
        "seconds": round(hours.shortest_film_s),
    }


def _films_for_us(overheard: Submission, store: Store, now: datetime) -> bool:
    """Whether somebody who did not speak to us wants to hear of it: no stranger, and nobody of the archive's past."""
    employed = overheard.person_id is not None and bool(store.register.enterprises_of(overheard.person_id))
    return employed and now - overheard.sent_at < _STALE_AFTER


def add_film_reply(
    submission: Submission,
    store: Store,
    now: datetime,
    text_key: str,
    once_key: str,
    params: dict[str, Any],
    **how: Any,
) -> None:
    """Say something about a film to whoever sent it, or posted it in a group where we only overheard it."""
    if submission.channel in ARCHIVE_CHANNELS and not _films_for_us(submission, store, now):
        return
    person = store.register.person(submission.person_id) if submission.person_id else None
    saying = NoticeDraft(
        kind=how.pop("kind", "receipt"),
        text_key=text_key,
        once_key=once_key,
        night=submission.night,
        due_at=how.pop("due_at", now),
        params=params,
        expires_at=now + _STALE_AFTER,
        **how,
    )
    notify_sender(submission, person, saying, store)
