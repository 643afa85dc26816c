"""A sender says that a film shows another part: "错了，刚才那段是装卸台", "0172 是 2 号"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handlers.attribution import assign_part, attribute_films
from handlers.message import Message
from handlers.part_names import find_part, normalize_text, strip_enterprise_name
from handlers.replies import add_reply
from schedules.context import Context
from schedules.patrol_night import night_of
from storage.db.models import Enterprise, Person, Submission

_MISTAKE = r"(?:(?:不对|不是|错|搞错|发错|弄错|说错|写错|报错|标错|打错)了?[,，。.!！、]*)"
_LATEST = r"(?:刚才|刚刚|刚|上一?|前一?|最后一?|那|这)(?:那|这)?(?:拍的?|发的?)?(?:那|这|一)?(?:段|个|条|次)?(?:视频)?"
_IS = r"(?:应该|应当|其实|实际)?(?:是|拍的是|改成|改为|改到|算)"
_OF_LATEST = re.compile(rf"(?:{_MISTAKE}(?:{_LATEST})?|{_LATEST}){_IS}(?P<part>.{{1,30}})")
_RECEIPT = r"(?:回执)?(?:(?P<day>\d{4})-)?(?P<number>\d{4})(?:号?视频)?"
_OF_RECEIPT = re.compile(rf"{_MISTAKE}?{_RECEIPT}{_IS}(?P<part>.{{1,30}})")


@dataclass(frozen=True)
class Correction:
    """What a text says of a film: its number (None for the latest) and the text that names its part.

    `day` is the month and day in a full receipt number, None for tonight.
    """

    part_text: str
    number: int | None = None
    day: str | None = None


def parse_correction(text: str) -> Correction | None:
    """Read a correction; None for any other text."""
    words = normalize_text(text)
    if found := _OF_RECEIPT.fullmatch(words):
        return Correction(_without_end(found["part"]), int(found["number"]), found["day"])
    found = _OF_LATEST.fullmatch(words)
    return Correction(_without_end(found["part"])) if found else None


def _without_end(text: str) -> str:
    return text.rstrip("。.!！的了")


def handle(message: Message, person: Person, ctx: Context) -> bool:
    """Whether the text corrects the part of a film; if so the film is moved and its sender gets the new receipt."""
    correction = parse_correction(message.text)
    if correction is None:
        return False
    enterprises = {each.id: each for each in ctx.store.register.enterprises_of(person.id)}
    film = _find_film(correction, message, enterprises, ctx)
    if film is None or film.enterprise_id is None:
        if correction.number is None:
            return False
        add_reply(message, ctx, "correction.no_such_film", number=f"{correction.number:04d}")
        return True
    enterprise, parts = enterprises[film.enterprise_id], ctx.store.register.parts_of(film.enterprise_id)
    part = find_part(strip_enterprise_name(correction.part_text, enterprise), parts)
    if part is None:
        labels = [each.label for each in parts]
        add_reply(message, ctx, "question.no_such_part", text=correction.part_text[:20], parts=labels)
    elif film.part_id == part.id and film.attribution == "attributed":
        add_reply(message, ctx, "correction.unchanged", receipt=film.receipt, part=part.label)
    else:
        before = {"place": film.attribution, "part_id": film.part_id}
        detail = {"receipt": film.receipt, "enterprise": enterprise.code, "part": part.number, "before": before}
        ctx.store.audit_log.record(ctx.now, person.name, "film_corrected", subject=film.audit_subject, **detail)
        assign_part(film, enterprise.id, part.id, "correction", ctx)
        attribute_films(ctx, film.realm, film.sender, film.night)
    return True


def _find_film(
    correction: Correction, message: Message, enterprises: dict[int, Enterprise], ctx: Context
) -> Submission | None:
    """The film with the number, of any person of the enterprise; else the sender's latest tonight."""
    night = night_of(message.sent_at, ctx.rules)
    if correction.number is not None:
        day = correction.day or f"{night:%m%d}"
        film = ctx.store.submissions.by_receipt(f"{day}-{correction.number:04d}", night)
        films = [film] if film else []
    else:
        films = list(ctx.store.submissions.of_sender(message.realm, message.sender, night))
    correctable = [each for each in films if _is_correctable(each, enterprises)]
    return correctable[-1] if correctable else None


def _is_correctable(film: Submission, enterprises: dict[int, Enterprise]) -> bool:
    return film.kind == "film" and film.enterprise_id in enterprises and film.state in ("receiving", "filed")
