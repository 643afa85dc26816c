"""The consequences of a verdict: a new film is requested, or the enterprise must rectify a problem and answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.message import Message
from handlers.part_names import normalize_text, parse_part_number
from handlers.receipts import add_film_reply, film_params
from handlers.replies import add_reply
from schedules.context import Context
from schedules.night_judgement import MIN_REFILM_TIME
from schedules.notify import notify_office, notify_person, notify_system
from schedules.patrol_night import submission_window
from storage.db.models import Enterprise, Notice, Person, RectificationRequest, Submission, Verdict
from storage.notices import NoticeDraft, NoticeForm
from storage.rectifications import PROBLEM_TEXT_KEY
from storage.register_terms import RESPONSIBLE_ROLES
from storage.review import REJECTING_VERDICTS
from storage.store import Store

# How long a request can be answered in the chat, and how long its notices may take to be sent.
ANSWER_PERIOD = timedelta(days=3)
_EXPIRES_AFTER = timedelta(hours=24)
_ANSWER_KEYWORDS = ("答复", "回复", "整改")
_MAX_ANSWER_LENGTH = 500


def apply_verdict(film: Submission, verdict: Verdict, previous: Verdict | None, ctx: Context) -> None:
    """Withdraw what the previous verdict led to, and do what this one requires."""
    if previous is not None:
        _withdraw(film, verdict, previous, ctx)
    if verdict.verdict in REJECTING_VERDICTS:
        _request_new_film(film, verdict, ctx)
    elif verdict.verdict == "problem" and film.enterprise_id is not None:
        _request_rectification(film, verdict, film.enterprise_id, ctx)


def _withdraw(film: Submission, verdict: Verdict, previous: Verdict, ctx: Context) -> None:
    request = ctx.store.rectifications.of_verdict(previous.id)
    if request is not None:
        request.closed_at = ctx.now
        if verdict.verdict != "problem":
            params = film_params(film, ctx)
            for person in _recipients(film, request.enterprise_id, ctx.store):
                once_key = f"rectification-withdrawn/{verdict.id}/{person.id}"
                notify_system(person, ctx, film.night, "rectification.withdrawn", once_key, **params)
    if previous.verdict in REJECTING_VERDICTS and verdict.verdict not in REJECTING_VERDICTS:
        once_key = f"accepted-after-all/{verdict.id}"
        add_film_reply(film, ctx, "review.accepted_after_all", once_key, film_params(film, ctx), kind="question")


def _request_new_film(film: Submission, verdict: Verdict, ctx: Context) -> None:
    """Ask the sender for a new film; when it is too late for one, the result of the night stays as it is."""
    late_until = submission_window(film.night, ctx.rules).late_until
    rest: dict[str, Any] = {"say": "review.result_unchanged"}
    if ctx.now <= late_until - MIN_REFILM_TIME:
        rest = {"say": "review.film_again", "until": ctx.rules.clock_time(late_until)}
    params = {**film_params(film, ctx), "next_step": rest, "reason": _reason(verdict), "verdict": verdict.id}
    fields = {"kind": "question", "check_name": "verdict"}
    add_film_reply(film, ctx, f"review.{verdict.verdict}", f"film-again/{verdict.id}", params, **fields)


def _reason(verdict: Verdict) -> Any:
    return verdict.reason or {"say": f"review.default_reason_{verdict.verdict}"}


def _request_rectification(film: Submission, verdict: Verdict, enterprise_id: int, ctx: Context) -> None:
    """The still frame is sent before the text, so that both stand together on the phone."""
    ctx.store.rectifications.add(verdict, enterprise_id, ctx.now)
    params = {
        **film_params(film, ctx),
        "reason": _reason(verdict),
        "verdict": verdict.id,
        "reviewer": verdict.reviewer_name,
    }
    notices = []
    for person in _recipients(film, enterprise_id, ctx.store):
        for form, text_key in ((NoticeForm.PICTURE, "rectification.picture"), (NoticeForm.TEXT, PROBLEM_TEXT_KEY)):
            draft = NoticeDraft(
                kind="question",
                text_key=text_key,
                once_key=f"rectification/{verdict.id}/{person.id}/{form}",
                night=film.night,
                due_at=ctx.now,
                params={**params, "film": film.id, "at_s": verdict.at_s},
                form=form,
                check_name="verdict",
                expires_at=ctx.now + _EXPIRES_AFTER,
            )
            notices.append(notify_person(person, draft, ctx.store))
    if all(notice is not None and notice.state == "failed" for notice in notices):
        notify_office(ctx, film.night, "rectification.nobody_reachable", f"rectification/{verdict.id}", **params)


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
        notify_system(person, ctx, film.night, "rectification.reason_added", once_key, **params)


def check_verdict(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The notice's parameters while its verdict is not superseded."""
    verdict = ctx.store.review.verdict(notice.params["verdict"])
    return notice.params if verdict is not None and verdict.superseded_at is None else None


# Answers


def record_text_answer(message: Message, person: Person, ctx: Context) -> bool:
    """Whether the text answers a rectification request to the sender's enterprise; if so it is recorded.

    A text that begins with 答复 always does. Any other does while there is no answer yet, unless it only names a part.
    """
    enterprises = ctx.store.register.enterprises_of(person.id)
    text, has_keyword = _strip_keyword(message.text)
    open_requests = ctx.store.rectifications.open_of_enterprises(
        [each.id for each in enterprises], ctx.now - ANSWER_PERIOD
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
    request = next((each for each in ctx.store.rectifications.of_film(film.id) if each.closed_at is None), None)
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
    open_requests = ctx.store.rectifications.open_of_enterprises([film.enterprise_id], ctx.now - ANSWER_PERIOD)
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
