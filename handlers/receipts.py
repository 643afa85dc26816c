"""Receipts: what was filed for which part, and how many of tonight's parts are filed or missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.message import ARCHIVE_CHANNELS
from schedules.context import Context
from schedules.late_reminders import film_lateness
from schedules.misses import nights_missed_before
from schedules.night_judgement import judge_night
from schedules.notify import notify_office, notify_sender
from schedules.patrol_night import submission_window
from storage.db.models import Submission
from storage.notices import NoticeDraft

_TEXT_KEYS = {
    "on_time": "receipt.filed",
    "reminder_late": "receipt.filed",
    "late": "receipt.late",
    "early": "receipt.early",
    "supplied_afterwards": "receipt.supplied_afterwards",
}
_EXPIRES_AFTER = timedelta(hours=24)


def send_receipt(submission: Submission, ctx: Context) -> None:
    """Tell the sender that a film is filed; a film that is attributed to another part gets a new receipt."""
    assert submission.enterprise_id is not None
    # Two people may film for one enterprise: each receipt counts the films of both.
    ctx.store.lock_for_transaction(f"receipts/{submission.enterprise_id}/{submission.night}")
    judgement = judge_night(ctx, submission.night, submission.enterprise_id)
    lateness = film_lateness(submission, ctx)
    params = film_params(submission, ctx)
    for judged in judgement.enterprises:
        total, missing = len(judged.enterprise.due_parts), [part.label for part in judged.missing_parts]
        params |= {"total": total, "done": total - len(missing), "remaining_parts": _rest(total, missing)}
        if judged.part_states.get(submission.part_id or 0) == "exempt":
            _report_suspected_restart(submission, params, ctx)
    params["remarks"] = [{"say": f"mark.{mark}"} for mark in submission.marks if mark.startswith("seen_")]
    params["remarks"] += [{"say": "mark.reminder_late"}] if lateness == "reminder_late" else []
    params["remarks"] += _return_after_misses(submission, ctx)
    add_film_reply(submission, ctx, _TEXT_KEYS[lateness], f"receipt/{submission.id}/{submission.part_id}", params)


def _return_after_misses(submission: Submission, ctx: Context) -> list[dict[str, Any]]:
    """With the first film of an enterprise in a night: for how many nights it had sent nothing."""
    assert submission.enterprise_id is not None
    films = ctx.store.submissions.of_enterprise(submission.enterprise_id, submission.night)
    if any(film.id != submission.id and film.kind == "film" for film in films):
        return []
    [nights] = nights_missed_before([submission.enterprise_id], submission.night, ctx).values()
    return [{"say": "misses.returned", "nights": nights}] if nights > 1 else []


def _rest(total: int, missing: list[str]) -> dict[str, Any]:
    """Which of the due parts are missing, as a nested text."""
    if not total:
        return {"say": "receipt.exempt"}
    return {"say": "receipt.parts_missing", "parts": missing} if missing else {"say": "receipt.all_parts_filed"}


def _report_suspected_restart(submission: Submission, params: dict[str, Any], ctx: Context) -> None:
    """A film of a part that is exempt during the shutdown suggests that production has restarted."""
    once_key = f"restart-suspected/{submission.enterprise_id}/{submission.night}"
    film = {name: params[name] for name in ("enterprise", "part", "receipt")}
    notify_office(ctx, submission.night, "office.restart_suspected", once_key, **film)


def film_params(submission: Submission, ctx: Context) -> dict[str, Any]:
    """The parameters that any text about a film may use."""
    register, rules = ctx.store.register, ctx.rules
    enterprise = register.enterprise(submission.enterprise_id) if submission.enterprise_id else None
    part = register.part(submission.part_id) if submission.part_id else None
    night_rules, window = rules.for_night(submission.night), submission_window(submission.night, rules)
    return {
        "receipt": submission.receipt,
        "enterprise": enterprise.short_name if enterprise else "",
        "part": part.label if part else "",
        "time": rules.clock_time(submission.sent_at),
        "opens": f"{night_rules.opens:%H:%M}",
        "closes": rules.clock_time(window.closes),
        "late_until": rules.clock_time(window.late_until),
        "seconds": round(night_rules.shortest_film_s),
    }


def add_film_reply(
    submission: Submission, ctx: Context, text_key: str, once_key: str, params: dict[str, Any], **fields: Any
) -> None:
    """Add a notice about a film to its sender; `fields` override those of the draft."""
    if submission.channel in ARCHIVE_CHANNELS and not _concerns_archived_sender(submission, ctx):
        return
    person = ctx.store.register.person(submission.person_id) if submission.person_id else None
    defaults: dict[str, Any] = {"kind": "receipt", "due_at": ctx.now, "expires_at": ctx.now + _EXPIRES_AFTER}
    draft = NoticeDraft(
        text_key=text_key, once_key=once_key, night=submission.night, params=params, **{**defaults, **fields}
    )
    notify_sender(submission, person, draft, ctx.store)


def _concerns_archived_sender(submission: Submission, ctx: Context) -> bool:
    """Whether the sender of an archived film gets replies: not a stranger, and not for films of the archive's past."""
    person_id = submission.person_id
    is_employed = person_id is not None and bool(ctx.store.register.enterprises_of(person_id))
    return is_employed and ctx.now - submission.sent_at < _EXPIRES_AFTER
