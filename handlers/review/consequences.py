"""What a verdict means for the film: its sender is asked for a new one, or told that it is valid after all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.receipts import add_film_reply, film_params
from schedules.context import Context
from schedules.night_judgement import MIN_REFILM_TIME
from schedules.notify import notify_office_by
from schedules.patrol_night import submission_window
from storage.db.models import Notice, Submission, Verdict
from storage.delivery_causes import DeliveryCause
from storage.notices import NoticeDraft
from storage.review import REJECTING_VERDICTS, UNDO_PERIOD

# How long a notice may take to be sent.
_EXPIRES_AFTER = timedelta(hours=24)


def apply_verdict(film: Submission, verdict: Verdict, previous: Verdict | None, ctx: Context) -> None:
    """Request a new film if the verdict rejects this one; withdraw a request that the previous verdict led to.

    All notices are due when the verdict cannot be undone any more.
    """
    rejects = verdict.verdict in REJECTING_VERDICTS
    if previous is not None and previous.verdict in REJECTING_VERDICTS and not rejects:
        _withdraw_request(film, verdict, previous, ctx)
    if rejects:
        _request_new_film(film, verdict, ctx)


def _withdraw_request(film: Submission, verdict: Verdict, previous: Verdict, ctx: Context) -> None:
    """What was never told need not be withdrawn."""
    if ctx.now >= previous.given_at + UNDO_PERIOD:
        params = {**film_params(film, ctx), "verdict": verdict.id, "withdraws": [*REJECTING_VERDICTS]}
        fields = {**_reply_fields(verdict), "check_name": "withdrawal"}
        add_film_reply(film, ctx, "review.accepted_after_all", f"accepted-after-all/{verdict.id}", params, **fields)


def reopen_requests(restored: Verdict, ctx: Context) -> None:
    """After the undoing of a later verdict: the notices of this one that were cancelled meanwhile are sent after all.

    The notices of the undone verdict cancel themselves.
    """
    for notice in ctx.store.notices.cancelled_of_verdict(restored):
        ctx.store.notices.reopen(notice, ctx.now, "verdict restored", DeliveryCause.TRUE_AGAIN)


def _reply_fields(verdict: Verdict) -> dict[str, Any]:
    return {"kind": "question", "check_name": "verdict", "due_at": verdict.given_at + UNDO_PERIOD}


def _request_new_film(film: Submission, verdict: Verdict, ctx: Context) -> None:
    """Ask the sender for a new film; when it is too late for one, the result of the night stays as it is."""
    late_until = submission_window(film.night, ctx.rules).late_until
    rest: dict[str, Any] = {"say": "review.result_unchanged"}
    if verdict.given_at + UNDO_PERIOD <= late_until - MIN_REFILM_TIME:
        rest = {"say": "review.film_again", "until": ctx.rules.clock_time(late_until)}
    params = {**film_params(film, ctx), "next_step": rest, "reason": _reason(verdict), "verdict": verdict.id}
    add_film_reply(film, ctx, f"review.{verdict.verdict}", f"film-again/{verdict.id}", params, **_reply_fields(verdict))


def _reason(verdict: Verdict) -> Any:
    return verdict.reason or {"say": f"review.default_reason_{verdict.verdict}"}


def notify_office_of_verdict(verdict: Verdict, text_key: str, params: dict[str, Any], ctx: Context) -> None:
    """Tell the office what a verdict means for it, once the verdict cannot be undone any more."""
    draft = NoticeDraft(
        kind="system",
        text_key=text_key,
        once_key=f"{text_key}/{verdict.id}",
        night=verdict.night,
        due_at=verdict.given_at + UNDO_PERIOD,
        params={**params, "verdict": verdict.id},
        check_name="verdict",
        expires_at=verdict.given_at + _EXPIRES_AFTER,
    )
    notify_office_by(draft, ctx.store)


def check_verdict(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The notice's parameters while its verdict is not superseded."""
    verdict = ctx.store.review.verdict(notice.params["verdict"])
    return notice.params if verdict is not None and verdict.superseded_at is None else None


def check_withdrawal(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The notice's parameters unless its verdict was undone, or a later one says again what is withdrawn."""
    verdict = ctx.store.review.verdict(notice.params["verdict"])
    if verdict is None or verdict.is_undone:
        return None
    current = ctx.store.review.current_verdict(verdict.submission_id)
    return notice.params if current is None or current.verdict not in notice.params["withdraws"] else None
