"""What follows from a verdict: a fresh film is asked for, or the enterprise is urged and asked for an answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handlers.message import Message
from handlers.part_names import plain, spoken_number
from handlers.receipts import facts, respond
from handlers.replies import answer, name_of
from schedules.night_judgement import FAIR_CHANCE
from schedules.notify import tell, tell_office, tell_person
from schedules.patrol_night import window
from schedules.rules import RuleBook
from storage.db.models import Enterprise, Notice, Person, Submission, Urge, Verdict
from storage.notices import Saying
from storage.rectifications import URGING
from storage.register import HEADS
from storage.review import REJECTING
from storage.store import Store

# So long an urge waits for its answer in the chat.
ANSWERED_WITHIN = timedelta(days=3)
_STALE_AFTER = timedelta(hours=24)
_ANSWER_WORDS = ("答复", "回复", "整改")
_LONGEST_ANSWER = 500


def follow(
    film: Submission, verdict: Verdict, before: Verdict | None, store: Store, rules: RuleBook, now: datetime
) -> None:
    """Take back what the verdict before had led to, and do what this one asks for."""
    if before is not None:
        _take_back(film, verdict, before, store, rules, now)
    if verdict.word in REJECTING:
        _ask_again(film, verdict, store, rules, now)
    elif verdict.word == "problem" and film.enterprise_id is not None:
        _urge(film, verdict, film.enterprise_id, store, rules, now)


def _take_back(
    film: Submission, verdict: Verdict, before: Verdict, store: Store, rules: RuleBook, now: datetime
) -> None:
    urge = store.urges.of_verdict(before.id)
    if urge is not None:
        urge.closed_at = now
        if verdict.word != "problem":
            params = facts(film, store, rules)
            for person in _to_urge(film, urge.enterprise_id, store):
                tell(
                    person, store, film.night, now, "review.withdrawn", f"withdrawn/{verdict.id}/{person.id}", **params
                )
    if before.word in REJECTING and verdict.word not in REJECTING:
        params = facts(film, store, rules)
        respond(film, store, now, "review.after_all", f"after_all/{verdict.id}", params, kind="question")


def _ask_again(film: Submission, verdict: Verdict, store: Store, rules: RuleBook, now: datetime) -> None:
    """Its sender is asked for a fresh film; too late for that, the night stays as it is."""
    ends = window(film.night, rules).late_until
    until = f"{ends.astimezone(rules.zone):%H:%M}"
    rest = {"say": "review.again", "until": until} if now <= ends - FAIR_CHANCE else {"say": "review.stays"}
    params = {**facts(film, store, rules), "rest": rest, "reason": _reason(verdict), "verdict": verdict.id}
    respond(film, store, now, f"review.{verdict.word}", f"again/{verdict.id}", params, kind="question", still="verdict")


def _reason(verdict: Verdict) -> Any:
    return verdict.reason or {"say": f"review.reason_{verdict.word}"}


def _urge(film: Submission, verdict: Verdict, enterprise_id: int, store: Store, rules: RuleBook, now: datetime) -> None:
    """The still frame first, then the words: so both stand together on the phone."""
    store.urges.open(verdict, enterprise_id, now)
    params = {**facts(film, store, rules), "reason": _reason(verdict), "verdict": verdict.id, "who": verdict.by}
    told = []
    for person in _to_urge(film, enterprise_id, store):
        for form, text_key in (("picture", "review.picture"), ("text", URGING)):
            saying = Saying(
                kind="question", text_key=text_key, once_key=f"urge/{verdict.id}/{person.id}/{form}", night=film.night,
                due_at=now, params={**params, "film": film.id, "at_s": verdict.at_s}, form=form, still="verdict",
                expires_at=now + _STALE_AFTER,
            )  # fmt: skip
            told.append(tell_person(person, saying, store))
    if all(notice is not None and notice.state == "failed" for notice in told):
        tell_office(store, film.night, now, "review.nobody_to_urge", f"urge/{verdict.id}", **params)


def _to_urge(film: Submission, enterprise_id: int, store: Store) -> list[Person]:
    """Those who answer for the enterprise, and whoever sent the film."""
    people = store.register.employees([enterprise_id]).get(enterprise_id, [])
    return [each for each in people if set(HEADS) & set(each.roles) or each.id == film.person_id]


def add_reason(verdict: Verdict, words: str, store: Store, rules: RuleBook, now: datetime) -> None:
    """The reviewer says what the problem is after he pressed the button: it is passed on."""
    verdict.reason = words
    film, urge = store.submissions.get(verdict.submission_id), store.urges.of_verdict(verdict.id)
    if film is None or urge is None:
        return
    params = {**facts(film, store, rules), "reason": words, "who": verdict.by}
    for person in _to_urge(film, urge.enterprise_id, store):
        tell(person, store, film.night, now, "review.more", f"urge-more/{verdict.id}/{person.id}", **params)


def still_stands(notice: Notice, store: Store, rules: RuleBook, now: datetime) -> dict[str, Any] | None:
    """What a verdict led to is said while the verdict stands."""
    verdict = store.review.verdict(notice.params["verdict"])
    return notice.params if verdict is not None and verdict.superseded_at is None else None


# Answers


def heard_answer(message: Message, person: Person, store: Store, rules: RuleBook, now: datetime) -> bool:
    """Whether these words answer a problem that was put to the sender's enterprise; if so they are on record.

    What begins with 答复 always does. Anything else does while there is no answer yet, unless it merely names a part.
    """
    enterprises = store.register.enterprises_of(person.id)
    words, called = _without_call(message.text)
    waiting = store.urges.open_for([each.id for each in enterprises], now - ANSWERED_WITHIN)
    if not waiting:
        if called and enterprises:
            answer(message, store, rules, now, "review.nothing_to_answer")
        return called and bool(enterprises)
    answered = {each.urge_id for each in store.urges.answers(urge.id for urge, _ in waiting) if each.words}
    meant = next(((urge, film) for urge, film in waiting if film.receipt in words), None)
    if meant is None:
        meant = next(((urge, film) for urge, film in waiting if urge.id not in answered), None)
        if not called and (meant is None or _merely_names(words, enterprises, store)):
            return False
    urge, film = meant or waiting[0]
    store.urges.answer(urge, message.sent_at, person_id=person.id, by=person.name, words=words[:_LONGEST_ANSWER])
    _pass_on(urge, film, name_of(store, message), words[:_LONGEST_ANSWER], message.key, store, rules, now)
    params = facts(film, store, rules)
    answer(message, store, rules, now, "review.answer_kept", receipt=params["receipt"], part=params["part"])
    return True


def answer_on_page(film: Submission, person: Person, words: str, store: Store, rules: RuleBook, now: datetime) -> None:
    """The same from the page of the film: it is clear what is answered."""
    urge = next((each for each in store.urges.of_film(film.id) if each.closed_at is None), None)
    if urge is not None:
        store.urges.answer(urge, now, person_id=person.id, by=person.name, words=words[:_LONGEST_ANSWER])
        _pass_on(urge, film, person.name, words[:_LONGEST_ANSWER], f"page/{now.timestamp()}", store, rules, now)


def _without_call(text: str) -> tuple[str, bool]:
    stripped = text.strip()
    for call in _ANSWER_WORDS:
        if stripped.startswith(call):
            return stripped.removeprefix(call).lstrip(" :：,，") or stripped, True
    return stripped, False


def _merely_names(words: str, enterprises: list[Enterprise], store: Store) -> bool:
    """A part's number or name, as it goes with a film."""
    if spoken_number(words) is not None:
        return True
    names = {plain(each.short_name) for each in enterprises} | {plain(each.name) for each in enterprises}
    for each in enterprises:
        for part in store.register.parts_of(each.id):
            names |= {plain(part.name), plain(part.number), plain(part.number + part.name)}
    return plain(words) in names


def take_as_answer(film: Submission, store: Store, rules: RuleBook, now: datetime) -> None:
    """A film of the same part, sent after its enterprise was urged, is an answer."""
    if film.enterprise_id is None or film.part_id is None:
        return
    for urge, about in store.urges.open_for([film.enterprise_id], now - ANSWERED_WITHIN):
        if about.part_id == film.part_id and film.sent_at > urge.opened_at and film.id != about.id:
            person = store.register.person(film.person_id) if film.person_id else None
            by = person.name if person else film.sender
            if store.urges.answer(urge, film.sent_at, person_id=film.person_id, by=by, submission_id=film.id):
                shown = {"say": "review.by_film", "receipt": film.receipt}
                _pass_on(urge, about, by, shown, f"film/{film.id}", store, rules, now)
            return


def _pass_on(
    urge: Urge, film: Submission, who: str, words: Any, key: str, store: Store, rules: RuleBook, now: datetime
) -> None:
    """Whoever judged hears the answer."""
    verdict = store.review.verdict(urge.verdict_id)
    person = store.register.person(verdict.person_id) if verdict else None
    once_key = f"answer-to/{urge.id}/{key}"
    params = {**facts(film, store, rules), "who": who, "words": words}
    if person is not None:
        tell(person, store, film.night, now, "review.answered", once_key, **params)
