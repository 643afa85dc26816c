"""Films and photos of hazards, sent up to ten minutes before or after: of the finding, and of what was put right."""

from __future__ import annotations

from handlers.attribution import assign_part
from handlers.hazards.access import actor_of
from handlers.hazards.moving import submit_hazard
from handlers.message import Message
from handlers.pairing import MAX_GAP
from handlers.receipts import add_film_reply
from handlers.replies import current_owner
from schedules.context import Context
from storage.db.models import Hazard, Person, Submission
from storage.errors import OperationRefused
from storage.hazard_prompts import AFTER, FINDING, HazardPrompt
from storage.hazard_terms import CLOSED_STATES


def place(material: Submission, enterprise_id: int, part_id: int | None, ctx: Context) -> bool:
    """Whether a film or photo shows this part of this enterprise (None: any part).

    What is not placed yet is placed there. A film of the office is no patrol film: it does not count for the night.
    """
    if material.enterprise_id not in (None, enterprise_id) or part_id not in (None, material.part_id or part_id):
        return False
    if material.attribution == "attributed":
        return True
    if part_id is None:
        return material.enterprise_id == enterprise_id
    if material.kind == "film" and material.attribution == "unattributed":
        assign_part(material, enterprise_id, part_id, "hazard", ctx)
        return True
    material.enterprise_id, material.part_id = enterprise_id, part_id
    material.attribution, material.attributed_by, material.state = "attributed", "hazard", "supporting"
    ctx.store.session.flush()
    return True


def is_of_office(material: Submission, ctx: Context) -> bool:
    """Whether it was sent by the office: it shows a hazard and is no patrol film."""
    person = ctx.store.register.person(material.person_id) if material.person_id else None
    return person is not None and actor_of(person, ctx.store).enterprise_ids is None


def latest_finding(message: Message, enterprise_id: int, part_id: int | None, ctx: Context) -> Submission | None:
    """The latest film or photo around a message that shows this part and no hazard yet."""
    since, until = message.sent_at - MAX_GAP, message.sent_at + MAX_GAP
    candidates = ctx.store.hazard_prompts.unused_material(message.realm, message.sender, since, until)
    return next((each for each in candidates if place(each, enterprise_id, part_id, ctx)), None)


def take_after_message(message: Message, ctx: Context) -> None:
    """A text or a button may have said which part a film shows that was waited for."""
    person = current_owner(message, ctx) if message.kind in ("text", "press") else None
    if person is not None:
        take_expected(person, message.realm, message.sender, ctx)


def take_filed(material: Submission, ctx: Context) -> bool:
    """Whether a film or photo that is now filed is the one that its sender was asked for; if so it is used."""
    person = ctx.store.register.person(material.person_id) if material.person_id else None
    return person is not None and take_expected(person, material.realm, material.sender, ctx) == material.id


def take_expected(person: Person, realm: str, sender: str, ctx: Context) -> int | None:
    """Use the film or photo that a person was asked for, if it is there; its id."""
    prompt = ctx.store.hazard_prompts.open_prompt(person.id)
    if prompt is None or prompt.expects not in (FINDING, AFTER):
        return None
    hazard, take = ctx.store.hazards.get(prompt.number), _take_finding if prompt.expects == FINDING else _take_after
    since, until = prompt.asked_at - MAX_GAP, prompt.asked_at + MAX_GAP
    for material in ctx.store.hazard_prompts.unused_material(realm, sender, since, until):
        if hazard is not None and take(hazard, material, prompt, person, ctx):
            ctx.store.hazard_prompts.close(person.id)
            return material.id
    return None


def _take_finding(hazard: Hazard, material: Submission, prompt: HazardPrompt, person: Person, ctx: Context) -> bool:
    if hazard.state in CLOSED_STATES or not place(material, hazard.enterprise_id, hazard.part_id, ctx):
        return False
    hazard.submission_id = material.id
    ctx.store.session.flush()
    subject = hazard.audit_subject
    ctx.store.audit_log.record(ctx.now, person.name, "hazard_edited", subject=subject, hazard_fields=["material"])
    params = {"receipt": material.receipt, "hazard": hazard.number}
    add_film_reply(material, ctx, "hazard_chat.material_added", f"hazard-material/{material.id}", params)
    return True


def _take_after(hazard: Hazard, material: Submission, prompt: HazardPrompt, person: Person, ctx: Context) -> bool:
    """A film whose part is not known yet waits for the answer; one that does not fit is refused once."""
    actor = actor_of(person, ctx.store)
    if material.kind == "photo" or material.attribution == "quarantined":
        place(material, hazard.enterprise_id, hazard.part_id, ctx)
    if material.kind == "film" and material.part_id is None:
        return False
    once_key = f"hazard-material/{material.id}"
    try:
        submit_hazard(hazard.number, material, actor, ctx, said_at=material.sent_at)
    except OperationRefused as refused:
        if material.sent_at >= prompt.asked_at:
            add_film_reply(material, ctx, refused.text_key, f"{once_key}/refused", dict(refused.params))
        return False
    params = {"receipt": material.receipt, "hazard": hazard.number}
    add_film_reply(material, ctx, "hazard_chat.submitted", once_key, params)
    return True
