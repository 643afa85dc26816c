"""What follows from a verdict: a fresh film is asked for, or the enterprise is urged and asked for an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.message import Message
from handlers.part_names import normalize_text, parse_part_number
from handlers.receipts import add_film_reply, film_params
from handlers.replies import add_reply, sender_name
from schedules.context import Context
from schedules.night_judgement import MIN_REFILM_TIME
from schedules.notify import notify_office, notify_person, notify_system
from schedules.patrol_night import submission_window
from storage.db.models import Enterprise, Notice, Person, RectificationRequest, Submission, Verdict
from storage.notices import NoticeDraft, NoticeForm
from storage.rectifications import PROBLEM_TEXT_KEY
from storage.register import RESPONSIBLE_ROLES
from storage.review import REJECTING_VERDICTS
from storage.store import Store

# So long an urge waits for its answer in the chat.
ANSWER_PERIOD = timedelta(days=3)
_STALE_AFTER = timedelta(hours=24)
_ANSWER_WORDS = ("答复", "回复", "整改")
_LONGEST_ANSWER = 500


def apply_verdict(film: Submission, verdict: Verdict, previous: Verdict | None, ctx: Context) -> None:
    """Take back what the verdict before had led to, and do what this one asks for."""
    if previous is not None:
        _take_back(film, verdict, previous, ctx)
    if verdict.verdict in REJECTING_VERDICTS:
        _ask_again(film, verdict, ctx)
    elif verdict.verdict == "problem" and film.enterprise_id is not None:
        _urge(film, verdict, film.enterprise_id, ctx)


def _take_back(film: Submission, verdict: Verdict, before: Verdict, ctx: Context) -> None:
    urge = ctx.store.rectifications.of_verdict(before.id)
    if urge is not None:
        urge.closed_at = ctx.now
        if verdict.verdict != "problem":
            params = film_params(film, ctx.store, ctx.rules)
            for person in _to_urge(film, urge.enterprise_id, ctx.store):
                notify_system(
                    person,
                    ctx.store,
                    film.night,
                    ctx.now,
                    "rectification.withdrawn",
                    f"rectification-withdrawn/{verdict.id}/{person.id}",
                    **params,
                )
    if before.verdict in REJECTING_VERDICTS and verdict.verdict not in REJECTING_VERDICTS:
        params = film_params(film, ctx.store, ctx.rules)
        add_film_reply(
            film,
            ctx.store,
            ctx.now,
            "review.accepted_after_all",
            f"accepted-after-all/{verdict.id}",
            params,
            kind="question",
        )


def _ask_again(film: Submission, verdict: Verdict, ctx: Context) -> None:
    """Its sender is asked for a fresh film; too late for that, the night stays as it is."""
    ends = submission_window(film.night, ctx.rules).late_until
    until = f"{ends.astimezone(ctx.rules.zone):%H:%M}"
    rest = (
        {"say": "review.film_again", "until": until}
        if ctx.now <= ends - MIN_REFILM_TIME
        else {"say": "review.result_unchanged"}
    )
    params = {
        **film_params(film, ctx.store, ctx.rules),
        "next_step": rest,
        "reason": _reason(verdict),
        "verdict": verdict.id,
    }
    add_film_reply(
        film,
        ctx.store,
        ctx.now,
        f"review.{verdict.verdict}",
        f"film-again/{verdict.id}",
        params,
        kind="question",
        check_name="verdict",
    )


def _reason(verdict: Verdict) -> Any:
    return verdict.reason or {"say": f"review.default_reason_{verdict.verdict}"}


def _urge(film: Submission, verdict: Verdict, enterprise_id: int, ctx: Context) -> None:
    """The still frame first, then the words: so both stand together on the phone."""
    ctx.store.rectifications.add(verdict, enterprise_id, ctx.now)
    params = {
        **film_params(film, ctx.store, ctx.rules),
        "reason": _reason(verdict),
        "verdict": verdict.id,
        "reviewer": verdict.reviewer_name,
    }
    told = []
    for person in _to_urge(film, enterprise_id, ctx.store):
        forms = ((NoticeForm.PICTURE, "rectification.picture"), (NoticeForm.TEXT, PROBLEM_TEXT_KEY))
        for form, text_key in forms:
            saying = NoticeDraft(
                kind="question",
                text_key=text_key,
                once_key=f"rectification/{verdict.id}/{person.id}/{form}",
                night=film.night,
                due_at=ctx.now,
                params={**params, "film": film.id, "at_s": verdict.at_s},
                form=form,
                check_name="verdict",
                expires_at=ctx.now + _STALE_AFTER,
            )
            told.append(notify_person(person, saying, ctx.store))
    if all(notice is not None and notice.state == "failed" for notice in told):
        notify_office(
            ctx.store, film.night, ctx.now, "rectification.nobody_reachable", f"rectification/{verdict.id}", **params
        )


def _to_urge(film: Submission, enterprise_id: int, store: Store) -> list[Person]:
    """Those who answer for the enterprise, and whoever sent the film."""
    people = store.register.employees([enterprise_id]).get(enterprise_id, [])
    return [each for each in people if set(RESPONSIBLE_ROLES) & set(each.roles) or each.id == film.person_id]


def pass_on_reason(verdict: Verdict, reason: str, ctx: Context) -> None:
    """The reviewer says what the problem is after he pressed the button: it is passed on."""
    verdict.reason = reason
    film, urge = ctx.store.submissions.get(verdict.submission_id), ctx.store.rectifications.of_verdict(verdict.id)
    if film is None or urge is None:
        return
    params = {**film_params(film, ctx.store, ctx.rules), "reason": reason, "reviewer": verdict.reviewer_name}
    for person in _to_urge(film, urge.enterprise_id, ctx.store):
        notify_system(
            person,
            ctx.store,
            film.night,
            ctx.now,
            "rectification.reason_added",
            f"rectification-reason/{verdict.id}/{person.id}",
            **params,
        )


def check_verdict(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """What a verdict led to is said while the verdict stands."""
    verdict = ctx.store.review.verdict(notice.params["verdict"])
    return notice.params if verdict is not None and verdict.superseded_at is None else None


# Answers


def record_text_answer(message: Message, person: Person, ctx: Context) -> bool:
    """Whether these words answer a problem that was put to the sender's enterprise; if so they are on record.

    What begins with 答复 always does. Anything else does while there is no answer yet, unless it merely names a part.
    """
    enterprises = ctx.store.register.enterprises_of(person.id)
    words, called = _without_call(message.text)
    waiting = ctx.store.rectifications.open_of_enterprises([each.id for each in enterprises], ctx.now - ANSWER_PERIOD)
    if not waiting:
        if called and enterprises:
            add_reply(message, ctx, "rectification.nothing_open")
        return called and bool(enterprises)
    answered = {
        each.request_id for each in ctx.store.rectifications.answers(urge.id for urge, _ in waiting) if each.text
    }
    meant = next(((urge, film) for urge, film in waiting if film.receipt in words), None)
    if meant is None:
        meant = next(((urge, film) for urge, film in waiting if urge.id not in answered), None)
        if not called and (meant is None or _merely_names(words, enterprises, ctx.store)):
            return False
    urge, film = meant or waiting[0]
    ctx.store.rectifications.add_answer(
        urge, message.sent_at, person_id=person.id, author_name=person.name, text=words[:_LONGEST_ANSWER]
    )
    _pass_on(urge, film, sender_name(ctx.store, message), words[:_LONGEST_ANSWER], message.key, ctx)
    params = film_params(film, ctx.store, ctx.rules)
    add_reply(message, ctx, "rectification.answer_stored", receipt=params["receipt"], part=params["part"])
    return True


def record_page_answer(film: Submission, person: Person, text: str, ctx: Context) -> None:
    """The same from the page of the film: it is clear what is answered."""
    urge = next((each for each in ctx.store.rectifications.of_film(film.id) if each.closed_at is None), None)
    if urge is not None:
        ctx.store.rectifications.add_answer(
            urge, ctx.now, person_id=person.id, author_name=person.name, text=text[:_LONGEST_ANSWER]
        )
        _pass_on(urge, film, person.name, text[:_LONGEST_ANSWER], f"page/{ctx.now.timestamp()}", ctx)


def _without_call(text: str) -> tuple[str, bool]:
    stripped = text.strip()
    for call in _ANSWER_WORDS:
        if stripped.startswith(call):
            return stripped.removeprefix(call).lstrip(" :：,，") or stripped, True
    return stripped, False


def _merely_names(words: str, enterprises: list[Enterprise], store: Store) -> bool:
    """A part's number or name, as it goes with a film."""
    if parse_part_number(words) is not None:
        return True
    names = {normalize_text(each.short_name) for each in enterprises} | {
        normalize_text(each.name) for each in enterprises
    }
    for each in enterprises:
        for part in store.register.parts_of(each.id):
            names |= {normalize_text(part.name), normalize_text(part.number), normalize_text(part.number + part.name)}
    return normalize_text(words) in names


def record_film_answer(film: Submission, ctx: Context) -> None:
    """A film of the same part, sent after its enterprise was urged, is an answer."""
    if film.enterprise_id is None or film.part_id is None:
        return
    for urge, about in ctx.store.rectifications.open_of_enterprises([film.enterprise_id], ctx.now - ANSWER_PERIOD):
        if about.part_id == film.part_id and film.sent_at > urge.opened_at and film.id != about.id:
            person = ctx.store.register.person(film.person_id) if film.person_id else None
            by = person.name if person else film.sender
            if ctx.store.rectifications.add_answer(
                urge, film.sent_at, person_id=film.person_id, author_name=by, submission_id=film.id
            ):
                shown = {"say": "rectification.answered_with_film", "receipt": film.receipt}
                _pass_on(urge, about, by, shown, f"film/{film.id}", ctx)
            return


def _pass_on(
    urge: RectificationRequest,
    film: Submission,
    who: str,
    words: Any,
    key: str,
    ctx: Context,
) -> None:
    """Whoever judged hears the answer."""
    verdict = ctx.store.review.verdict(urge.verdict_id)
    person = ctx.store.register.person(verdict.person_id) if verdict else None
    once_key = f"rectification-answer/{urge.id}/{key}"
    params = {**film_params(film, ctx.store, ctx.rules), "sender_name": who, "text": words}
    if person is not None:
        notify_system(person, ctx.store, film.night, ctx.now, "rectification.answer_received", once_key, **params)
