"""Reviewing in the chat: 审看 brings a card with the next film, a button or a text gives the verdict."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.cards import update_card
from handlers.hazards.from_verdicts import follow_verdict
from handlers.message import Message
from handlers.permissions import build_viewer
from handlers.receipts import film_params
from handlers.replies import add_reply, current_owner
from handlers.review.claims import claim_next
from handlers.review.verdicts import MAX_REASON_LENGTH, VerdictDraft, record_verdict, undo_verdict
from schedules.context import Context
from schedules.notify import notify_sender
from schedules.patrol_night import ONE_DAY
from schedules.review.night_review import ReviewableFilm, night_review
from storage.db.models import Person
from storage.errors import OperationRefused
from storage.notices import NoticeDraft, NoticeForm
from storage.review import UNDO_PERIOD

VERDICT_OF_TEXT = {"合格": "fit", "有问题": "problem", "看不清": "unclear", "非本部位": "wrong_part"}
_UNDO_TEXT = "撤销"
# Within this time after the problem button, the reviewer's next text is the reason.
_REASON_PERIOD = timedelta(minutes=30)


def start_review(message: Message, ctx: Context) -> None:
    """审看: reply with the next film as a card and as a text, or that there is none."""
    person = current_owner(message, ctx)
    if person is None or not _may_judge(person):
        return add_reply(message, ctx, "review.not_permitted")
    return _send_next(person, message, (NoticeForm.REVIEW, NoticeForm.TEXT), ctx)


def handle_verdict_button(message: Message, film_id: int, verdict: str, ctx: Context) -> None:
    """Record the verdict of a card's button, show it on the card, and send the next film."""
    person = current_owner(message, ctx)
    if person is None or not _may_judge(person):
        return add_reply(message, ctx, "review.not_permitted")
    if not _record(VerdictDraft(film_id, verdict, person, "chat"), message, ctx):
        return None
    params = {"reviewer": person.name, "time": ctx.rules.clock_time(ctx.now), "verdict": {"say": f"verdict.{verdict}"}}
    update_card(message, f"review-card/{film_id}", params, ctx, "review.card_judged")
    return _send_next(person, message, (NoticeForm.REVIEW,), ctx)


def handle_reviewer_text(message: Message, person: Person, ctx: Context) -> bool:
    """Whether the text was a reviewer's: a verdict on the claimed film, the reason of a problem, or 撤销."""
    if not _may_judge(person):
        return False
    text = message.text.strip()
    if text == _UNDO_TEXT:
        return _undo_latest(message, person, ctx)
    keyword = next((keyword for keyword in VERDICT_OF_TEXT if text.startswith(keyword)), None)
    claimed = ctx.store.review.current_claim(person.id, ctx.now)
    if keyword is None or claimed is None:
        return _record_reason(message, person, ctx)
    reason = text.removeprefix(keyword).lstrip(" :：,，。") or None
    if _record(VerdictDraft(claimed, VERDICT_OF_TEXT[keyword], person, "chat", reason), message, ctx):
        _send_next(person, message, (NoticeForm.TEXT,), ctx)
    return True


def _undo_latest(message: Message, person: Person, ctx: Context) -> bool:
    """Undo the verdicts given last, as far as they can still be undone."""
    latest = ctx.store.review.latest_verdicts_by(person.id, ctx.now - UNDO_PERIOD)
    films = [undo_verdict(verdict.id, person, ctx) for verdict in latest]
    if films:
        add_reply(message, ctx, "review.undone", receipts=[film.receipt for film in films])
    return bool(films)


def _record_reason(message: Message, person: Person, ctx: Context) -> bool:
    verdict = ctx.store.review.latest_verdict_by(person.id, "problem", ctx.now - _REASON_PERIOD)
    if verdict is None or verdict.reason or verdict.via != "chat":
        return False
    verdict.reason = message.text.strip()[:MAX_REASON_LENGTH]
    film = ctx.store.submissions.get(verdict.submission_id)
    assert film is not None
    follow_verdict(film, verdict, person, ctx)
    add_reply(message, ctx, "review.reason_forwarded")
    return True


def _may_judge(person: Person) -> bool:
    return build_viewer(person.id, person.name, person.roles, ()).may("review.judge")


def _record(draft: VerdictDraft, message: Message, ctx: Context) -> bool:
    """Record the verdict, or reply why it is refused; a problem without a reason is asked for one."""
    try:
        verdict = record_verdict(draft, ctx)
    except OperationRefused as refused:
        add_reply(message, ctx, refused.text_key, **refused.params)
        return False
    if verdict.verdict == "problem" and verdict.reason is None:
        film = ctx.store.submissions.get(verdict.submission_id)
        assert film is not None
        add_reply(message, ctx, "review.describe_problem", **film_params(film, ctx))
    return True


def _send_next(person: Person, message: Message, forms: tuple[NoticeForm, ...], ctx: Context) -> None:
    claimed = claim_next(person, ctx)
    if claimed is None:
        return add_reply(message, ctx, "review.queue_empty")
    params = _card_params(claimed, ctx)
    for form in forms:
        draft = NoticeDraft(
            kind="question",
            text_key="review.card" if form is NoticeForm.REVIEW else "review.as_text",
            once_key=f"review-card/{message.channel}/{message.key}/{claimed.film.id}/{form}",
            night=claimed.film.night,
            due_at=ctx.now,
            params=params,
            form=form,
            expires_at=ctx.now + ONE_DAY,
        )
        notify_sender(message, person, draft, ctx.store)
    return None


def _card_params(claimed: ReviewableFilm, ctx: Context) -> dict[str, Any]:
    film = claimed.film
    review = night_review(ctx, film.night)
    reasons = next((each.reasons for each in review.queued if each.film_id == film.id), ())
    return {
        **film_params(film, ctx),
        "film": film.id,
        "page": [film.night.isoformat(), film.receipt],
        "duration": round(film.duration_s or 0),
        "reasons": [{"say": f"review.why_{each}"} for each in reasons] or [{"say": "review.why_random_sample"}],
        "remaining": len(review.pending) + len(review.pending_second_reviews),
    }
