"""Reviewing in the chat: 审看 brings a card with the next film, its buttons or a word give the verdict."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handlers import rectification
from handlers.alerts import update_card
from handlers.message import Message
from handlers.permissions import build_viewer
from handlers.receipts import film_params
from handlers.replies import add_reply
from handlers.review.verdicts import VerdictDraft, claim_next, record_verdict
from schedules.context import Context
from schedules.notify import notify_sender
from schedules.patrol_night import ONE_DAY
from schedules.review.night_review import ReviewableFilm, night_review
from storage.db.models import Person
from storage.errors import OperationRefused
from storage.notices import NoticeDraft, NoticeForm
from storage.store import Store

VERDICT_OF_TEXT = {"合格": "fit", "有问题": "problem", "看不清": "unclear", "非本部位": "wrong_part"}
# Within so long after the button, what the reviewer writes is what the problem is.
_REASON_WITHIN = timedelta(minutes=30)


def start_review(message: Message, ctx: Context) -> None:
    """审看: the next film as a card and in words, or that there is none."""
    person = _reviewer(message, ctx.store, ctx.now)
    if person is None:
        return add_reply(message, ctx, "review.not_permitted")
    return _next(person, message, (NoticeForm.REVIEW, NoticeForm.TEXT), ctx)


def handle_verdict_button(message: Message, film_id: int, verdict: str, ctx: Context) -> None:
    """A button of a card: the verdict, the card that shows it, and the next film."""
    person = _reviewer(message, ctx.store, ctx.now)
    if person is None:
        return add_reply(message, ctx, "review.not_permitted")
    if not _judge(person, VerdictDraft(film_id, verdict, person, "chat"), message, ctx):
        return None
    if message.response_code:
        shown = {
            "reviewer": person.name,
            "time": f"{ctx.now.astimezone(ctx.rules.zone):%H:%M}",
            "verdict": {"say": f"verdict.{verdict}"},
        }
        update_card(message, f"review-card/{film_id}", shown, ctx, "review.card_judged")
    return _next(person, message, (NoticeForm.REVIEW,), ctx)


def handle_reviewer_text(message: Message, person: Person, ctx: Context) -> bool:
    """Whether these words are a reviewer's: a verdict on the film in hand, or what the problem is."""
    if not _may_judge(person):
        return False
    text = message.text.strip()
    word = next((word for said, word in VERDICT_OF_TEXT.items() if text.startswith(said)), None)
    held = ctx.store.review.current_claim(person.id, ctx.now)
    if word is not None and held is not None:
        reason = (
            text[len(next(said for said in VERDICT_OF_TEXT if text.startswith(said))) :].lstrip(" :：,，。") or None
        )
        if _judge(person, VerdictDraft(held, word, person, "chat", reason), message, ctx):
            _next(person, message, (NoticeForm.TEXT,), ctx)
        return True
    return _explained(message, person, ctx)


def _explained(message: Message, person: Person, ctx: Context) -> bool:
    verdict = ctx.store.review.latest_verdict_by(person.id, "problem", ctx.now - _REASON_WITHIN)
    if verdict is None or verdict.reason or verdict.via != "chat":
        return False
    rectification.pass_on_reason(verdict, message.text.strip(), ctx)
    add_reply(message, ctx, "review.reason_forwarded")
    return True


def _reviewer(message: Message, store: Store, now: datetime) -> Person | None:
    person = store.register.account_owner(message.realm, message.sender, now)
    return person if person is not None and _may_judge(person) else None


def _may_judge(person: Person) -> bool:
    return build_viewer(person.id, person.name, person.roles, ()).may("review.judge")


def _judge(person: Person, judged: VerdictDraft, message: Message, ctx: Context) -> bool:
    """Give the verdict; what cannot be is answered. A problem without words asks for them."""
    try:
        verdict = record_verdict(judged, ctx)
    except OperationRefused as refused:
        add_reply(message, ctx, refused.text_key, **refused.params)
        return False
    if verdict.verdict == "problem" and verdict.reason is None:
        film = ctx.store.submissions.get(verdict.submission_id)
        assert film is not None
        add_reply(message, ctx, "review.describe_problem", **film_params(film, ctx.store, ctx.rules))
    return True


def _next(person: Person, message: Message, forms: tuple[NoticeForm, ...], ctx: Context) -> None:
    found = claim_next(person, ctx)
    if found is None:
        return add_reply(message, ctx, "review.queue_empty")
    params = _card(found, ctx)
    for form in forms:
        saying = NoticeDraft(
            kind="question",
            text_key="review.card" if form is NoticeForm.REVIEW else "review.as_text",
            once_key=f"review-card/{message.channel}/{message.key}/{found.film.id}/{form}",
            night=found.film.night,
            due_at=ctx.now,
            params=params,
            form=form,
            expires_at=ctx.now + ONE_DAY,
        )
        notify_sender(message, person, saying, ctx.store)
    return None


def _card(found: ReviewableFilm, ctx: Context) -> dict[str, Any]:
    review = night_review(ctx.store, found.film.night, ctx.rules, ctx.now)
    why = next((each.reasons for each in review.queued if each.film_id == found.film.id), ())
    return {
        **film_params(found.film, ctx.store, ctx.rules),
        "film": found.film.id,
        "page": [found.film.night.isoformat(), found.film.receipt],
        "duration": round(found.film.duration_s or 0),
        "reasons": [{"say": f"review.why_{each}"} for each in why] or [{"say": "review.why_random_sample"}],
        "remaining": len(review.pending) + len(review.pending_second_reviews),
    }
