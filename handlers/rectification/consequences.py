"""The consequences of a verdict: a new film is requested, or the enterprise must rectify a problem."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from handlers.receipts import add_film_reply, film_params
from schedules.context import Context
from schedules.night_judgement import MIN_REFILM_TIME
from schedules.notify import notify_office_by, notify_person
from schedules.patrol_night import submission_window
from storage.db.models import Notice, Person, Submission, Verdict
from storage.delivery_causes import DeliveryCause
from storage.hazard_terms import CLOSED_STATES
from storage.notices import NoticeDraft, NoticeForm
from storage.rectifications import PROBLEM_TEXT_KEY
from storage.register_terms import RESPONSIBLE_ROLES
from storage.review import REJECTING_VERDICTS, UNDO_PERIOD
from storage.store import Store

# How long a notice may take to be sent.
_EXPIRES_AFTER = timedelta(hours=24)


def apply_verdict(film: Submission, verdict: Verdict, previous: Verdict | None, ctx: Context) -> None:
    """Withdraw what the previous verdict led to, and do what this one requires.

    All notices are due when the verdict cannot be undone any more.
    """
    if previous is not None:
        _withdraw(film, verdict, previous, ctx)
    if verdict.verdict in REJECTING_VERDICTS:
        _request_new_film(film, verdict, ctx)
    elif verdict.verdict == "problem" and film.enterprise_id is not None:
        _request_rectification(film, verdict, film.enterprise_id, ctx)


def _withdraw(film: Submission, verdict: Verdict, previous: Verdict, ctx: Context) -> None:
    """What was never told need not be withdrawn."""
    request, was_told = ctx.store.rectifications.of_verdict(previous.id), ctx.now >= previous.given_at + UNDO_PERIOD
    if request is not None:
        request.closed_at = ctx.now
    if not was_told:
        return
    params = {**film_params(film, ctx), "verdict": verdict.id, "withdraws": ["problem"]}
    if request is not None and verdict.verdict != "problem":
        for person in _recipients(film, request.enterprise_id, ctx.store):
            once_key = f"rectification-withdrawn/{verdict.id}/{person.id}"
            draft = _draft(verdict, "rectification.withdrawn", once_key, params)
            notify_person(person, replace(draft, kind="system", check_name="withdrawal"), ctx.store)
    if previous.verdict in REJECTING_VERDICTS and verdict.verdict not in REJECTING_VERDICTS:
        once_key, params = f"accepted-after-all/{verdict.id}", {**params, "withdraws": [*REJECTING_VERDICTS]}
        fields = {**_reply_fields(verdict), "check_name": "withdrawal"}
        add_film_reply(film, ctx, "review.accepted_after_all", once_key, params, **fields)


def undo_verdict(verdict: Verdict, restored: Verdict | None, ctx: Context) -> None:
    """Undo what apply_verdict has done. The notices of the undone verdict cancel themselves.

    Those of the restored verdict that were cancelled meanwhile are sent after all.
    """
    request = ctx.store.rectifications.of_verdict(verdict.id)
    if request is not None:
        request.closed_at = ctx.now
    if restored is None:
        return
    request = ctx.store.rectifications.of_verdict(restored.id)
    if request is not None:
        request.closed_at = None
    for notice in ctx.store.notices.cancelled_of_verdict(restored):
        ctx.store.notices.reopen(notice, ctx.now, "verdict restored", DeliveryCause.TRUE_AGAIN)


def _draft(verdict: Verdict, text_key: str, once_key: str, params: dict[str, Any]) -> NoticeDraft:
    return NoticeDraft(
        kind="question",
        text_key=text_key,
        once_key=once_key,
        night=verdict.night,
        due_at=verdict.given_at + UNDO_PERIOD,
        params={**params, "verdict": verdict.id},
        check_name="verdict",
        expires_at=verdict.given_at + _EXPIRES_AFTER,
    )


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


def _request_rectification(film: Submission, verdict: Verdict, enterprise_id: int, ctx: Context) -> None:
    """The still frame is sent before the text, so that both stand together on the phone."""
    ctx.store.rectifications.add(verdict, enterprise_id, verdict.given_at + UNDO_PERIOD)
    params = {
        **film_params(film, ctx),
        "reason": _reason(verdict),
        "reviewer": verdict.reviewer_name,
        "film": film.id,
        "at_s": verdict.at_s,
        "hazard": _hazard_line(film, ctx.store),
    }
    notices = []
    for person in _recipients(film, enterprise_id, ctx.store):
        for form, text_key in ((NoticeForm.PICTURE, "rectification.picture"), (NoticeForm.TEXT, PROBLEM_TEXT_KEY)):
            draft = _draft(verdict, text_key, f"rectification/{verdict.id}/{person.id}/{form}", params)
            notices.append(notify_person(person, replace(draft, form=form), ctx.store))
    if all(notice is not None and notice.state == "failed" for notice in notices):
        notify_office_of_verdict(verdict, "rectification.nobody_reachable", params, ctx)


def _hazard_line(film: Submission, store: Store) -> list[dict[str, Any]]:
    """The hazard that the verdict has made, and what the enterprise is to fill in."""
    hazards = [each for each in store.hazards.of_film(film.id) if each.state not in CLOSED_STATES]
    return [
        {"say": "rectification.hazard", "hazard": each.number, "deadline": each.deadline and each.deadline.isoformat()}
        for each in hazards[-1:]
    ]


def notify_office_of_verdict(verdict: Verdict, text_key: str, params: dict[str, Any], ctx: Context) -> None:
    """Tell the office what a verdict means for it, once the verdict cannot be undone any more."""
    draft = _draft(verdict, text_key, f"{text_key}/{verdict.id}", params)
    notify_office_by(replace(draft, kind="system"), ctx.store)


def _recipients(film: Submission, enterprise_id: int, store: Store) -> list[Person]:
    """Those who answer for the enterprise, and the sender of the film."""
    people = store.register.employees([enterprise_id]).get(enterprise_id, [])
    return [each for each in people if each.has_role(*RESPONSIBLE_ROLES) or each.id == film.person_id]


def pass_on_reason(verdict: Verdict, reason: str, ctx: Context) -> None:
    """Pass on what the problem is, where the reviewer wrote it after pressing the button."""
    verdict.reason = reason
    film, request = ctx.store.submissions.get(verdict.submission_id), ctx.store.rectifications.of_verdict(verdict.id)
    if film is None or request is None:
        return
    params = {**film_params(film, ctx), "reason": reason, "reviewer": verdict.reviewer_name}
    for person in _recipients(film, request.enterprise_id, ctx.store):
        once_key = f"rectification-reason/{verdict.id}/{person.id}"
        draft = _draft(verdict, "rectification.reason_added", once_key, params)
        notify_person(person, replace(draft, kind="system", due_at=max(draft.due_at, ctx.now)), ctx.store)


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
