"""Verdicts on films, and taking one back. The dashboard and the chat use the same functions."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.hazards.from_verdicts import follow_restored_verdict, follow_verdict
from handlers.review import consequences
from handlers.review.claims import CLAIM_LIFETIME, REVIEW_LOCK
from schedules.context import Context
from storage.db.models import Person, SecondReview, Submission, Verdict
from storage.errors import OperationRefused
from storage.review import UNDO_PERIOD

VERDICTS = ("fit", "problem", "unclear", "wrong_part")
MAX_REASON_LENGTH = 300


@dataclass(frozen=True)
class VerdictDraft:
    """A verdict to record; `at_s` is the position in the film, `via` is `page` or `chat`."""

    film_id: int
    value: str
    reviewer: Person
    via: str = "page"
    reason: str | None = None
    at_s: float | None = None


def record_verdict(draft: VerdictDraft, ctx: Context) -> Verdict:
    """Record a verdict, once if given twice; what follows waits for UNDO_PERIOD. Raises OperationRefused."""
    review = ctx.store.review
    ctx.store.lock_for_transaction(REVIEW_LOCK)
    film, reason = _reviewable_film(draft, ctx), (draft.reason or "").strip()[:MAX_REASON_LENGTH] or None
    previous, second = review.current_verdict(film.id), review.second_review(film.id)
    if previous is not None and _is_repeated(draft, reason, film, previous):
        return previous
    is_second = _is_second_review(draft, previous, second)
    verdict = review.add_verdict(
        ctx.now,
        night=film.night,
        submission_id=film.id,
        part_id=film.part_id,
        verdict=draft.value,
        reason=reason,
        at_s=_position_in(film, draft.at_s),
        person_id=draft.reviewer.id,
        reviewer_name=draft.reviewer.name,
        via=draft.via,
        is_second_review=is_second,
        watched_s=ctx.store.view_log.watched_seconds(film.id, draft.reviewer.id),
    )
    review.release_claim(film.id, ctx.now)
    _record_in_audit_log(film, verdict, previous, ctx)
    follow_verdict(film, verdict, draft.reviewer, ctx)
    consequences.apply_verdict(film, verdict, previous, ctx)
    if is_second:
        _finish_second_review(film, verdict, previous, ctx)
    return verdict


def _finish_second_review(film: Submission, verdict: Verdict, previous: Verdict | None, ctx: Context) -> None:
    ctx.store.review.finish_second_review(film.id, verdict.id)
    if previous is not None and previous.verdict != verdict.verdict:
        _report_difference(film, verdict, previous, ctx)


def _is_second_review(draft: VerdictDraft, previous: Verdict | None, second: SecondReview | None) -> bool:
    is_by_another = previous is not None and previous.person_id != draft.reviewer.id
    return is_by_another and second is not None and second.second_verdict_id is None


def _is_repeated(draft: VerdictDraft, reason: str | None, film: Submission, previous: Verdict) -> bool:
    given = (previous.person_id, previous.verdict, previous.reason, previous.part_id)
    return given == (draft.reviewer.id, draft.value, reason, film.part_id)


def undo_verdict(verdict_id: int, reviewer: Person, ctx: Context) -> Submission:
    """Take back one's own verdict while nothing has followed from it; the film is the reviewer's again.

    Raises OperationRefused.
    """
    ctx.store.lock_for_transaction(REVIEW_LOCK)
    verdict = ctx.store.review.verdict(verdict_id)
    if verdict is None or verdict.person_id != reviewer.id or verdict.superseded_at is not None:
        raise OperationRefused("review.nothing_to_undo")
    if ctx.now >= verdict.given_at + UNDO_PERIOD:
        raise OperationRefused("review.undo_too_late")
    film = ctx.store.submissions.get(verdict.submission_id)
    assert film is not None
    restored = ctx.store.review.undo_verdict(verdict, ctx.now)
    if verdict.is_second_review:
        ctx.store.review.finish_second_review(film.id, None)
    details = {"receipt": film.receipt, "night": film.night.isoformat(), "verdict": verdict.verdict}
    ctx.store.audit_log.record(ctx.now, reviewer.name, "verdict_undone", **details)
    follow_restored_verdict(film, restored, reviewer, ctx)
    if restored is not None:
        consequences.reopen_requests(restored, ctx)
    ctx.store.review.claim(film.id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME)
    return film


def _reviewable_film(draft: VerdictDraft, ctx: Context) -> Submission:
    film = ctx.store.submissions.get(draft.film_id)
    if film is None or film.kind != "film" or film.state != "filed" or film.part_id is None:
        raise OperationRefused("review.not_reviewable")
    if draft.value not in VERDICTS:
        raise OperationRefused("review.unknown_verdict")
    if draft.value != "fit" and draft.via == "page" and not (draft.reason or "").strip():
        raise OperationRefused("review.reason_required")
    claimed_by = ctx.store.review.claims(ctx.now).get(film.id)
    if claimed_by not in (None, draft.reviewer.id):
        raise OperationRefused("review.claimed_by_other")
    return film


def _position_in(film: Submission, at_s: float | None) -> float | None:
    return None if at_s is None else round(min(max(at_s, 0.0), film.duration_s or 0.0), 1)


def _record_in_audit_log(film: Submission, verdict: Verdict, previous: Verdict | None, ctx: Context) -> None:
    ctx.store.audit_log.record(
        ctx.now,
        verdict.reviewer_name,
        "film_judged",
        receipt=film.receipt,
        night=film.night.isoformat(),
        verdict=verdict.verdict,
        reason=verdict.reason,
        before=previous.verdict if previous else None,
    )


def _report_difference(film: Submission, verdict: Verdict, first: Verdict, ctx: Context) -> None:
    """Tell the office that the second review of a film came to another verdict than the first."""
    params = {
        "receipt": film.receipt,
        "first_reviewer": first.reviewer_name,
        "second_reviewer": verdict.reviewer_name,
        "first_verdict": {"say": f"verdict.{first.verdict}"},
        "second_verdict": {"say": f"verdict.{verdict.verdict}"},
    }
    consequences.notify_office_of_verdict(verdict, "review.second_review_differs", params, ctx)
