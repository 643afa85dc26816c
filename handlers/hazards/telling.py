"""Telling people what they have to do about a hazard, and what became of it.

Who has to do something gets the picture, the text, and a card with buttons: which of them a client shows is not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from handlers.hazards.wording import hazard_params, lacks_params, picture_params
from schedules.context import Context
from schedules.hazards.recipients import people_in_charge
from schedules.notify import notify_office, notify_person
from storage.db.models import Hazard, HazardAttempt, HazardExtension, Notice, Person
from storage.hazard_terms import ASKED, GENERAL, GRANTED, SELF_CHECK
from storage.notices import NoticeDraft, NoticeForm

_EXPIRES_AFTER = timedelta(hours=24)
_ACTS_IN_CHARGE = ("done", "extend", "dispute")


@dataclass(frozen=True)
class _Task:
    """What somebody has to do: its text (the card's has the suffix `_card`), and the acts on the buttons.

    `subject` is what the buttons are about: the last move of the hazard, or an extension; a later one outdates them.
    """

    text_key: str
    acts: tuple[str, ...]
    subject: int
    params: dict[str, Any]


def tell_to_rectify(hazard: Hazard, ctx: Context) -> None:
    """The person in charge learns what is to be put right, with the picture of the finding."""
    film = ctx.store.submissions.get(hazard.submission_id) if hazard.submission_id else None
    params = picture_params(film, hazard.at_s)
    task = _Task("hazard_chat.rectify", _ACTS_IN_CHARGE, hazard.last_move, params)
    people = people_in_charge([hazard], ctx.store)[hazard.number]
    if not _give(task, people, hazard, ctx):
        params, once_key = hazard_params(hazard, ctx), f"hazard-unreachable/{hazard.number}/{hazard.last_move}"
        notify_office(ctx, ctx.night, "hazard_chat.nobody_reachable", once_key, **params)


def tell_incomplete(hazard: Hazard, ctx: Context, finder_id: int) -> None:
    """Those in charge learn that a hazard was reported and what it lacks."""
    params = {**hazard_params(hazard, ctx), "lacks": lacks_params(hazard), "finder": hazard.found_by}
    people = people_in_charge([hazard], ctx.store)[hazard.number]
    _tell([each for each in people if each.id != finder_id], "hazard_chat.reported", hazard, params, ctx)


def tell_to_accept(hazard: Hazard, attempt: HazardAttempt, ctx: Context) -> None:
    """Who may accept sees the material; an enterprise accepts itself what it found itself."""
    material = ctx.store.submissions.get(attempt.submission_id)
    params = {**picture_params(material), "submitter": attempt.by_name, "attempt": attempt.ordinal}
    task = _Task("hazard_chat.accept", ("accept", "return"), hazard.last_move, params)
    involved = {attempt.by_id, hazard.responsible_id, material.person_id if material else None}
    own = _heads(hazard, ctx) if hazard.source == SELF_CHECK and hazard.level == GENERAL else []
    people = [each for each in own if each.id not in involved] or ctx.store.register.office_staff()
    _give(task, [each for each in people if each.id not in involved], hazard, ctx)


def tell_verdict(hazard: Hazard, attempt: HazardAttempt, ctx: Context) -> None:
    """Those in charge and who reported it learn that it was accepted, or must rectify once more."""
    people = _concerned(hazard, attempt.by_id, ctx)
    if attempt.verdict == "accepted":
        params = {**hazard_params(hazard, ctx), "by": attempt.verdict_by}
        return _tell(people, "hazard_chat.accepted", hazard, params, ctx)
    params = {"by": attempt.verdict_by, "reason": attempt.reason}
    task = _Task("hazard_chat.returned", _ACTS_IN_CHARGE, hazard.last_move, params)
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
    task = _Task("hazard_chat.decide", ("grant", "refuse"), extension.id, params)
    people = [each for each in ctx.store.register.office_staff() if each.id != extension.asked_by_id]
    _give(task, people, hazard, ctx)


def tell_decision(hazard: Hazard, extension: HazardExtension, ctx: Context) -> None:
    """Those in charge and who asked learn the decision on an extension, and by whom."""
    params = {
        **hazard_params(hazard, ctx),
        "by": extension.decided_by,
        "reason": extension.decision_reason or "—",
        "interim": extension.interim,
    }
    text_key = "hazard_chat.granted" if extension.state == GRANTED else "hazard_chat.refused"
    _tell(_concerned(hazard, extension.asked_by_id, ctx), text_key, hazard, params, ctx, f"extension-{extension.id}")


def _heads(hazard: Hazard, ctx: Context) -> list[Person]:
    return people_in_charge([_Anybody(hazard.number, hazard.enterprise_id)], ctx.store)[hazard.number]


@dataclass(frozen=True)
class _Anybody:
    number: str
    enterprise_id: int
    responsible_id: None = None


def _concerned(hazard: Hazard, person_id: int, ctx: Context) -> list[Person]:
    people, other = people_in_charge([hazard], ctx.store)[hazard.number], ctx.store.register.person(person_id)
    return people if other is None or other in people else [*people, other]


def _tell(
    people: Iterable[Person], text_key: str, hazard: Hazard, params: dict[str, Any], ctx: Context, about: str = ""
) -> None:
    for person in people:
        once_key = f"{text_key}/{hazard.number}/{about or hazard.last_move}/{person.id}"
        expires_at = ctx.now + _EXPIRES_AFTER
        draft = NoticeDraft("system", text_key, once_key, ctx.night, ctx.now, params, expires_at=expires_at)
        notify_person(person, draft, ctx.store)


def _give(task: _Task, people: Iterable[Person], hazard: Hazard, ctx: Context) -> bool:
    """Whether the task reached anybody's account."""
    notices = [
        notify_person(person, draft, ctx.store) for person in people for draft in _drafts(task, person, hazard, ctx)
    ]
    return any(notice is None or notice.state != "failed" for notice in notices)


def _drafts(task: _Task, person: Person, hazard: Hazard, ctx: Context) -> list[NoticeDraft]:
    choices = [
        [f"hazard:{hazard.number}:{act}:{task.subject}", {"say": f"hazard_chat.button_{act}"}] for act in task.acts
    ]
    params = {
        **hazard_params(hazard, ctx),
        **task.params,
        "subject": f"hazard-{hazard.number}",
        "about": task.subject,
        "choices": choices,
    }
    forms = {NoticeForm.TEXT: task.text_key, NoticeForm.BUTTONS: f"{task.text_key}_card"}
    if "film" in task.params:
        forms = {NoticeForm.PICTURE: "hazard_chat.picture", **forms}
    return [
        NoticeDraft(
            kind="question",
            text_key=text_key,
            once_key=f"{task.text_key}/{hazard.number}/{task.subject}/{person.id}/{form}",
            night=ctx.night,
            due_at=ctx.now,
            params=params,
            form=form,
            check_name="hazard_task",
            expires_at=ctx.now + _EXPIRES_AFTER,
        )
        for form, text_key in forms.items()
    ]


def check_task(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The notice's parameters while nobody has done what it asks for."""
    hazard = ctx.store.hazards.get(notice.params["hazard"])
    if hazard is None or not is_current(hazard, notice.params["choices"][0][0], notice.params["about"], ctx):
        return None
    return {**notice.params, **hazard_params(hazard, ctx)}


def is_current(hazard: Hazard, key: str, subject: int, ctx: Context) -> bool:
    """Whether a button with this key and subject is still about the present state of the hazard."""
    if ":grant:" not in key and ":refuse:" not in key:
        return hazard.last_move == subject
    extension = ctx.store.hazards.asked_extension(hazard.number)
    return extension is not None and extension.id == subject and extension.state == ASKED
