"""Telling people what they have to do about a hazard, and what became of it.

Who has to do something gets the picture, the text, and a card with buttons: which of them a client shows is not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from handlers.hazards.access import actor_of
from handlers.hazards.wording import found_params, hazard_params, picture_params
from schedules.context import Context
from schedules.hazards.recipients import heads, people_in_charge
from schedules.notify import notify_office_by, notify_person
from storage.db.models import Hazard, HazardAttempt, HazardExtension, Notice, Person, Verdict
from storage.hazard_films import FOUND_TEXT_KEY
from storage.hazard_terms import ASKED, GENERAL, GRANTED, SELF_CHECK
from storage.hazards import Author
from storage.notices import NoticeDraft, NoticeForm
from storage.register_terms import RESPONSIBLE_ROLES
from storage.review import UNDO_PERIOD

_EXPIRES_AFTER = timedelta(hours=24)
_ACTS_IN_CHARGE = ("done", "extend", "dispute")


@dataclass(frozen=True)
class _Task:
    """What is to be done: its text (the card's has the suffix `_card`), and the acts on the buttons, if any.

    `subject` is what the buttons are about: the last move of the hazard, or an extension; a later one outdates them.
    """

    text_key: str
    acts: tuple[str, ...]
    subject: int
    params: dict[str, Any]
    night: date


def tell_found(hazard: Hazard, ctx: Context) -> None:
    """Those in charge learn what was found and what it lacks, and so does the sender of the film; the finder knows."""
    film = ctx.store.submissions.get(hazard.submission_id) if hazard.submission_id else None
    params = {**picture_params(film, hazard.at_s), **found_params(hazard, film, ctx)}
    night = film.night if film else ctx.night
    task = _Task(FOUND_TEXT_KEY, ("take", "dispute"), hazard.last_move, params, night)
    audience = [each for each in _audience(hazard, ctx) if each.id != hazard.found_by_id]
    told = [_give(task if _may_take(each) else replace(task, acts=()), [each], hazard, ctx) for each in audience]
    if not any(told) and hazard.source != SELF_CHECK:
        _ask_office_to_call(hazard, ctx)


def _may_take(person: Person) -> bool:
    return person.has_role(*RESPONSIBLE_ROLES)


def tell_to_rectify(hazard: Hazard, ctx: Context) -> None:
    """The person in charge learns what is to be put right, with the picture of the finding."""
    film = ctx.store.submissions.get(hazard.submission_id) if hazard.submission_id else None
    params = picture_params(film, hazard.at_s)
    task = _Task("hazard_chat.rectify", _ACTS_IN_CHARGE, hazard.last_move, params, ctx.night)
    if not _give(task, people_in_charge([hazard], ctx.store)[0], hazard, ctx):
        _ask_office_to_call(hazard, ctx)


def tell_matter(hazard: Hazard, verdict: Verdict, ctx: Context) -> None:
    """Those who know of a hazard learn how its verdict now describes it."""
    if hazard.is_known_to_enterprise(ctx.now):
        params = {"by": verdict.reviewer_name, "about": hazard.last_move, "verdict": verdict.id}
        draft = _draft("hazard_chat.matter", f"{verdict.id}-{hazard.version}", hazard, params, ctx)
        due_at = max(ctx.now, verdict.given_at + UNDO_PERIOD)
        _tell(_audience(hazard, ctx), replace(draft, due_at=due_at, check_name="hazard_task"), ctx)


def tell_void(hazard: Hazard, author: Author, reason: str, verdict: Verdict | None, ctx: Context) -> None:
    """Those who know of a hazard learn that it is void; if by a verdict, once that cannot be undone any more."""
    if not hazard.is_known_to_enterprise(ctx.now):
        return
    draft = _draft("hazard_chat.void", "", hazard, {"by": author.name, "reason": reason}, ctx)
    if verdict is not None:
        params = {**draft.params, "verdict": verdict.id, "withdraws": ["problem"]}
        draft = replace(draft, params=params, due_at=verdict.given_at + UNDO_PERIOD, check_name="withdrawal")
    _tell(_audience(hazard, ctx), draft, ctx)


def tell_to_accept(hazard: Hazard, attempt: HazardAttempt, ctx: Context) -> None:
    """Who may accept sees the material; an enterprise accepts itself what it found itself."""
    material = ctx.store.submissions.get(attempt.submission_id)
    params = {**picture_params(material), "submitter": attempt.by_name, "attempt": attempt.ordinal}
    task = _Task("hazard_chat.accept", ("accept", "return"), hazard.last_move, params, ctx.night)
    involved = {attempt.by_id, hazard.responsible_id, material.person_id if material else None}
    own = heads(hazard.enterprise_id, ctx.store) if hazard.source == SELF_CHECK and hazard.level == GENERAL else []
    people = [each for each in own if each.id not in involved] or [
        *ctx.store.register.office_staff(),
        *_finder(hazard, ctx),
    ]
    _give(task, [each for each in people if each.id not in involved], hazard, ctx)


def tell_objection(hazard: Hazard, name: str, text: str, ctx: Context) -> None:
    """The office and who found the hazard learn what a person of the enterprise objects to."""
    draft = _draft("hazard_chat.disputed", ctx.now.isoformat(), hazard, {"name": name, "text": text}, ctx)
    notify_office_by(draft, ctx.store)
    _tell(_finder(hazard, ctx), draft, ctx)


def _finder(hazard: Hazard, ctx: Context) -> list[Person]:
    """The person of the county who found a hazard and may accept it, if not of the office."""
    finder = ctx.store.register.person(hazard.found_by_id) if hazard.found_by_id else None
    if finder is None or not finder.active or finder in ctx.store.register.office_staff():
        return []
    actor = actor_of(finder, ctx.store)
    return [finder] if actor.enterprise_ids is None and actor.may("hazards.accept") else []


def tell_verdict(hazard: Hazard, attempt: HazardAttempt, ctx: Context) -> None:
    """Those in charge and who reported it learn that it was accepted, or must rectify once more."""
    people = _concerned(hazard, attempt.by_id, ctx)
    if attempt.verdict == "accepted":
        return _tell(people, _draft("hazard_chat.accepted", "", hazard, {"by": attempt.verdict_by}, ctx), ctx)
    params = {"by": attempt.verdict_by, "reason": attempt.reason}
    task = _Task("hazard_chat.returned", _ACTS_IN_CHARGE, hazard.last_move, params, ctx.night)
    _give(task, people, hazard, ctx)
    return None


def tell_to_decide(hazard: Hazard, extension: HazardExtension, ctx: Context) -> None:
    """The office is asked for its decision on an extension."""
    params = {
        "asked_by": extension.asked_by,
        "new_deadline": extension.new_deadline.isoformat(),
        "reason": extension.reason,
        "interim": extension.interim,
    }
    task = _Task("hazard_chat.decide", ("grant", "refuse"), extension.id, params, ctx.night)
    people = [each for each in ctx.store.register.office_staff() if each.id != extension.asked_by_id]
    _give(task, people, hazard, ctx)


def tell_decision(hazard: Hazard, extension: HazardExtension, ctx: Context) -> None:
    """Those in charge and who asked learn the decision on an extension, and by whom."""
    params = {"by": extension.decided_by, "reason": extension.decision_reason or "—", "interim": extension.interim}
    text_key = "hazard_chat.granted" if extension.state == GRANTED else "hazard_chat.refused"
    draft = _draft(text_key, f"extension-{extension.id}", hazard, params, ctx)
    _tell(_concerned(hazard, extension.asked_by_id, ctx), draft, ctx)


def _audience(hazard: Hazard, ctx: Context) -> list[Person]:
    """Those in charge of a hazard, and the person of the enterprise who sent the film that shows it."""
    in_charge = people_in_charge([hazard], ctx.store)[0]
    film = ctx.store.submissions.get(hazard.submission_id) if hazard.submission_id else None
    employees = ctx.store.register.employees([hazard.enterprise_id]).get(hazard.enterprise_id, [])
    senders = [each for each in employees if film is not None and each.id == film.person_id]
    return [*in_charge, *(each for each in senders if each not in in_charge)]


def _concerned(hazard: Hazard, person_id: int, ctx: Context) -> list[Person]:
    people, other = people_in_charge([hazard], ctx.store)[0], ctx.store.register.person(person_id)
    return people if other is None or other in people else [*people, other]


def _draft(text_key: str, about: str, hazard: Hazard, params: dict[str, Any], ctx: Context) -> NoticeDraft:
    """A message to read; the once-key is completed with the person's id."""
    due_at = max(ctx.now, hazard.withheld_until or ctx.now)
    return NoticeDraft(
        kind="system",
        text_key=text_key,
        once_key=f"{text_key}/{hazard.number}/{about or hazard.last_move}",
        night=ctx.night,
        due_at=due_at,
        params={**hazard_params(hazard, ctx), **params},
        expires_at=due_at + _EXPIRES_AFTER,
    )


def _tell(people: Iterable[Person], draft: NoticeDraft, ctx: Context) -> None:
    for person in people:
        notify_person(person, replace(draft, once_key=f"{draft.once_key}/{person.id}"), ctx.store)


def _ask_office_to_call(hazard: Hazard, ctx: Context) -> None:
    """No message reaches the enterprise."""
    draft = _draft("hazard_chat.nobody_reachable", "", hazard, {"about": hazard.last_move}, ctx)
    notify_office_by(replace(draft, check_name="hazard_task"), ctx.store)


def _give(task: _Task, people: Iterable[Person], hazard: Hazard, ctx: Context) -> bool:
    """Whether the task reached anybody's account."""
    notices = [
        notify_person(person, draft, ctx.store)
        for person in people
        for draft in _task_drafts(task, person, hazard, ctx)
    ]
    return any(notice is None or notice.state != "failed" for notice in notices)


def _task_drafts(task: _Task, person: Person, hazard: Hazard, ctx: Context) -> list[NoticeDraft]:
    choices = [
        [f"hazard:{hazard.number}:{act}:{task.subject}", {"say": f"hazard_chat.button_{act}"}] for act in task.acts
    ]
    params = {**task.params, "subject": f"hazard-{hazard.number}", "about": task.subject, "choices": choices}
    forms = {NoticeForm.PICTURE: "hazard_chat.picture"} if "film" in task.params else {}
    forms |= {NoticeForm.TEXT: task.text_key}
    forms |= {NoticeForm.BUTTONS: f"{task.text_key}_card"} if choices else {}
    return [
        replace(
            _draft(text_key, "", hazard, params, ctx),
            kind="question",
            once_key=f"{task.text_key}/{hazard.number}/{task.subject}/{person.id}/{form}",
            night=task.night,
            form=form,
            check_name="hazard_task",
        )
        for form, text_key in forms.items()
    ]


def check_task(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The notice's parameters while what it says about its hazard still holds."""
    hazard, key = ctx.store.hazards.get(notice.params["hazard"]), next(iter(notice.params.get("choices", ())), [""])[0]
    if hazard is None or not is_current(hazard, key, notice.params["about"], ctx):
        return None
    verdict = ctx.store.review.verdict(notice.params["verdict"]) if "verdict" in notice.params else None
    if verdict is not None and verdict.superseded_at is not None:
        return None
    return {**notice.params, **hazard_params(hazard, ctx)}


def is_current(hazard: Hazard, key: str, subject: int, ctx: Context) -> bool:
    """Whether a button with this key and subject is still about the present state of the hazard."""
    if ":grant:" not in key and ":refuse:" not in key:
        return hazard.last_move == subject
    extension = ctx.store.hazards.asked_extension(hazard.number)
    return extension is not None and extension.id == subject and extension.state == ASKED
