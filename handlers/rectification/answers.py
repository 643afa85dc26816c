"""The enterprises' answers to rectification requests: a text in the chat or on the page, or a new film."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.message import Message
from handlers.part_names import normalize_text, parse_part_number
from handlers.receipts import film_params
from handlers.replies import add_reply
from schedules.context import Context
from schedules.notify import notify_system
from storage.db.models import Enterprise, Person, RectificationRequest, Submission
from storage.store import Store

# How long a request can be answered in the chat.
ANSWER_PERIOD = timedelta(days=3)
_ANSWER_KEYWORDS = ("答复", "回复", "整改")
_MAX_ANSWER_LENGTH = 500


def record_text_answer(message: Message, person: Person, ctx: Context) -> bool:
    """Whether the text answers a rectification request to the sender's enterprise; if so it is recorded.

    A text that begins with 答复 always does. Any other does while there is no answer yet, unless it only names a part.
    """
    enterprises = ctx.store.register.enterprises_of(person.id)
    text, has_keyword = _strip_keyword(message.text)
    open_requests = ctx.store.rectifications.open_of_enterprises(
        [each.id for each in enterprises], ctx.now - ANSWER_PERIOD, ctx.now
    )
    if not open_requests:
        if has_keyword and enterprises:
            add_reply(message, ctx, "rectification.nothing_open")
        return has_keyword and bool(enterprises)
    answers = ctx.store.rectifications.answers(request.id for request, _ in open_requests)
    answered = {each.request_id for each in answers if each.text}
    by_receipt = [each for each in open_requests if each[1].receipt in text]
    unanswered = [each for each in open_requests if each[0].id not in answered]
    if not by_receipt and not has_keyword and (not unanswered or _only_names_part(text, enterprises, ctx.store)):
        return False
    request, film = (by_receipt or unanswered or open_requests)[0]
    text = text[:_MAX_ANSWER_LENGTH]
    ctx.store.rectifications.add_answer(
        request, message.sent_at, person_id=person.id, author_name=person.name, text=text
    )
    _forward_answer(request, film, person.name, text, message.key, ctx)
    params = film_params(film, ctx)
    add_reply(message, ctx, "rectification.answer_stored", receipt=params["receipt"], part=params["part"])
    return True


def record_page_answer(film: Submission, person: Person, text: str, ctx: Context) -> None:
    """Record an answer given on the page of the film."""
    requests = ctx.store.rectifications.of_film(film.id, ctx.now)
    request = next((each for each in requests if each.closed_at is None), None)
    if request is not None:
        text = text[:_MAX_ANSWER_LENGTH]
        ctx.store.rectifications.add_answer(request, ctx.now, person_id=person.id, author_name=person.name, text=text)
        _forward_answer(request, film, person.name, text, f"page/{ctx.now.timestamp()}", ctx)


def _strip_keyword(text: str) -> tuple[str, bool]:
    stripped = text.strip()
    for keyword in _ANSWER_KEYWORDS:
        if stripped.startswith(keyword):
            return stripped.removeprefix(keyword).lstrip(" :：,，") or stripped, True
    return stripped, False


def _only_names_part(text: str, enterprises: list[Enterprise], store: Store) -> bool:
    """Whether the text is only a number or a name, as people send it with a film."""
    if parse_part_number(text) is not None:
        return True
    names = {name for each in enterprises for name in (each.short_name, each.name)}
    for enterprise in enterprises:
        for part in store.register.parts_of(enterprise.id):
            names |= {part.name, part.number, part.number + part.name}
    return normalize_text(text) in map(normalize_text, names)


def record_film_answer(film: Submission, ctx: Context) -> None:
    """Record a film as an answer if it shows the same part and was sent after the request."""
    if film.enterprise_id is None or film.part_id is None:
        return
    open_requests = ctx.store.rectifications.open_of_enterprises([film.enterprise_id], ctx.now - ANSWER_PERIOD, ctx.now)
    for request, judged_film in open_requests:
        is_newer = film.sent_at > request.opened_at and film.id != judged_film.id
        if judged_film.part_id == film.part_id and is_newer:
            person = ctx.store.register.person(film.person_id) if film.person_id else None
            author = person.name if person else film.sender
            if ctx.store.rectifications.add_answer(
                request, film.sent_at, person_id=film.person_id, author_name=author, submission_id=film.id
            ):
                answer = {"say": "rectification.answered_with_film", "receipt": film.receipt}
                _forward_answer(request, judged_film, author, answer, f"film/{film.id}", ctx)
            return


def _forward_answer(
    request: RectificationRequest, film: Submission, author: str, answer: Any, key: str, ctx: Context
) -> None:
    """Tell the reviewer of the answer."""
    verdict = ctx.store.review.verdict(request.verdict_id)
    person = ctx.store.register.person(verdict.person_id) if verdict else None
    if person is not None:
        params = {**film_params(film, ctx), "sender_name": author, "text": answer}
        once_key = f"rectification-answer/{request.id}/{key}"
        notify_system(person, ctx, film.night, "rectification.answer_received", once_key, **params)
