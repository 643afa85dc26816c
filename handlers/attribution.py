"""Attributing each film to its enterprise and part: by the only choice, by a text, by a button, by asking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from handlers.duplicates import mark_reused_films
from handlers.message import Message
from handlers.pairing import MAX_GAP, PairingItem, pair_films_with_texts
from handlers.part_names import find_enterprise, find_part, strip_enterprise_name
from handlers.receipts import add_film_reply, film_params, send_receipt
from schedules.context import Context
from storage.db.models import Enterprise, KeyPart, Notice, ReceivedText, Submission
from storage.notices import NoticeForm
from storage.store import Store

# A text often follows its film within seconds: the question waits that long.
_ASK_AFTER = timedelta(seconds=5)
# Films sent within less than this show the same time.
_SAME_TIME = timedelta(minutes=1)
# The most options that buttons, and a selection card, can show.
_MAX_BUTTONS, _MAX_OPTIONS = 6, 10


def names_part(text: str, enterprise: Enterprise, store: Store) -> bool:
    """Whether a text names a part of that enterprise."""
    return find_part(strip_enterprise_name(text, enterprise), store.register.parts_of(enterprise.id)) is not None


def store_text(message: Message, ctx: Context) -> int | None:
    """Store a text that names a part, to be paired with a film; returns its id, None if it is stored already."""
    return ctx.store.submissions.add_text(
        channel=message.channel,
        message_key=message.key,
        inbox_id=message.inbox_id,
        realm=message.realm,
        sender=message.sender,
        sent_at=message.sent_at,
        text=message.text,
    )


def attribute_films(ctx: Context, realm: str, sender: str, night: date) -> set[int]:
    """Attribute what can be attributed of a sender's films of a night, then ask about the oldest that cannot.

    Returns the ids of the texts that were paired with a film.
    """
    films = [
        film
        for film in ctx.store.submissions.of_sender(realm, sender, night)
        if film.kind == "film" and film.person_id is not None and film.state in ("receiving", "filed", "unfit")
    ]
    for film in films:
        _assign_enterprise(film, ctx.store)
        _assign_only_part(film, ctx)
    paired = _assign_parts_by_text([film for film in films if film.attributed_by in (None, "text", "correction")], ctx)
    for film in films:
        _assign_only_due_part(film, ctx)
    unattributed = [film for film in films if film.attribution == "unattributed" and film.state == "filed"]
    if unattributed:
        _ask(unattributed[0], len(unattributed), ctx)
    return paired


def _assign_enterprise(film: Submission, store: Store) -> None:
    if film.enterprise_id is not None or film.person_id is None:
        return
    enterprises = store.register.enterprises_of(film.person_id)
    if len(enterprises) == 1:
        film.enterprise_id = enterprises[0].id
    elif film.file_name and (named := find_enterprise(film.file_name, enterprises)):
        film.enterprise_id = named.id
    else:
        film.enterprise_id = store.submissions.chosen_enterprise(film.person_id, film.night)


def _assign_only_part(film: Submission, ctx: Context) -> None:
    """The enterprise's only part, or the part that the file name contains."""
    if film.part_id is not None or film.enterprise_id is None:
        return
    parts = ctx.store.register.parts_of(film.enterprise_id)
    if len(parts) == 1:
        assign_part(film, film.enterprise_id, parts[0].id, "only_part", ctx)
    elif film.file_name and (part := find_part(film.file_name, parts)):
        assign_part(film, film.enterprise_id, part.id, "file_name", ctx)


def _assign_only_due_part(film: Submission, ctx: Context) -> None:
    """During a shutdown often one part is due: a film without a text is taken to show that one."""
    if film.part_id is None and film.enterprise_id is not None:
        due = ctx.store.register.required_parts_of(film.enterprise_id)
        if len(due) == 1:
            assign_part(film, film.enterprise_id, due[0].id, "only_due_part", ctx)


def _assign_parts_by_text(films: Sequence[Submission], ctx: Context) -> set[int]:
    """Pair all of a sender's films with all texts again: a message that arrives late may change the pairs."""
    if not films:
        return set()
    texts = _part_texts(films, ctx)
    items = [
        PairingItem(film.sent_at, film.inbox_id, film.id, True, _pairable_until(film, ctx.store)) for film in films
    ]
    items += [PairingItem(text.sent_at, text.inbox_id, text.id, False) for text, _ in texts.values()]
    pairs = pair_films_with_texts(items)
    for film in films:
        if film.attributed_by == "correction":
            # It uses up the text it had, which would name the wrong part of the next film.
            continue
        part = texts[pairs[film.id]][1].get(film.enterprise_id or 0) if film.id in pairs else None
        if part is not None:
            assign_part(film, part.enterprise_id, part.id, "text", ctx)
        elif film.attributed_by == "text":
            film.part_id, film.attributed_by, film.attribution = None, None, "unattributed"
    return set(pairs.values())


def _pairable_until(film: Submission, store: Store) -> datetime | None:
    """All night for a film that was asked about; only until the reply for one that was called unfit."""
    if film.state == "unfit":
        reply = store.notices.by_once_key(f"unfit/{film.id}")
        return min(reply.due_at, film.sent_at + MAX_GAP) if reply else None
    question = store.notices.by_once_key(f"question/{film.id}/part")
    return datetime.max.replace(tzinfo=UTC) if question and question.state == "sent" else None


def _part_texts(films: Sequence[Submission], ctx: Context) -> dict[int, tuple[ReceivedText, dict[int, KeyPart]]]:
    """The texts around these films that name a part, by id, each with that part by enterprise id."""
    ids = {film.enterprise_id for film in films if film.enterprise_id is not None}
    enterprises = [each for each in map(ctx.store.register.enterprise, sorted(ids)) if each is not None]
    parts = {each.id: ctx.store.register.parts_of(each.id) for each in enterprises}
    part_texts = {}
    since, until = films[0].sent_at - MAX_GAP, max(films[-1].sent_at, ctx.now) + MAX_GAP
    for text in ctx.store.submissions.texts_of(films[0].realm, films[0].sender, since, until):
        named = {each.id: find_part(strip_enterprise_name(text.text, each), parts[each.id]) for each in enterprises}
        if by_enterprise := {key: part for key, part in named.items() if part is not None}:
            part_texts[text.id] = (text, by_enterprise)
    return part_texts


def assign_part(film: Submission, enterprise_id: int, part_id: int, attributed_by: str, ctx: Context) -> None:
    """Attribute a film to a part; if it is filed already its sender gets the receipt."""
    if (film.part_id, film.enterprise_id, film.attribution) == (part_id, enterprise_id, "attributed"):
        return
    film.enterprise_id, film.part_id = enterprise_id, part_id
    film.attributed_by, film.attribution = attributed_by, "attributed"
    ctx.store.session.flush()
    if film.state == "filed":
        mark_reused_films(film, ctx.store)
        send_receipt(film, ctx)


def apply_choice(film: Submission, choice_kind: str, chosen_id: int, ctx: Context) -> None:
    """A button was pressed: `choice_kind` is `enterprise` or `part`."""
    if choice_kind == "enterprise" and film.person_id is not None and film.attribution == "unattributed":
        ctx.store.submissions.choose_enterprise(film.person_id, film.night, chosen_id)
        film.enterprise_id = chosen_id
    elif choice_kind == "part" and film.enterprise_id is not None:
        assign_part(film, film.enterprise_id, chosen_id, "button", ctx)
    attribute_films(ctx, film.realm, film.sender, film.night)


def _ask(film: Submission, waiting: int, ctx: Context) -> None:
    """Ask about one film at a time, by a card and by a text: which of them a client shows is not known."""
    choice_kind = "part" if film.enterprise_id else "enterprise"
    options = choice_labels(film, choice_kind, ctx.store)
    params: dict[str, Any] = {
        **film_params(film, ctx),
        "waiting": waiting,
        "submission": film.id,
        "asked_for": choice_kind,
        "options": list(options.values()),
    }
    once_key = f"question/{film.id}/{choice_kind}"
    fields = {"kind": "question", "check_name": "question", "due_at": ctx.now + _ASK_AFTER}
    if len(options) <= _MAX_OPTIONS:
        choices = [[f"{film.id}:{choice_kind}:{key}", label] for key, label in options.items()]
        form = NoticeForm.BUTTONS if len(options) <= _MAX_BUTTONS else NoticeForm.SELECTION
        card_params = {**params, "choices": choices}
        add_film_reply(film, ctx, f"question.{choice_kind}_card", f"{once_key}/card", card_params, form=form, **fields)
    add_film_reply(film, ctx, f"question.{choice_kind}", once_key, params, **fields)


def choice_labels(film: Submission, choice_kind: str, store: Store) -> dict[int, str]:
    """The parts or enterprises that a film can show, by id."""
    if choice_kind == "part" and film.enterprise_id:
        return {part.id: part.label for part in store.register.parts_of(film.enterprise_id)}
    return {each.id: each.short_name for each in store.register.enterprises_of(film.person_id or 0)}


def check_question(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The question's parameters while its film still lacks just that answer."""
    film = ctx.store.submissions.get(notice.params["submission"])
    if film is None or film.attribution != "unattributed":
        return None
    open_choice = "part" if film.enterprise_id else "enterprise"
    return {**notice.params, **_length(film, ctx)} if open_choice == notice.params["asked_for"] else None


def _length(film: Submission, ctx: Context) -> dict[str, Any]:
    """Where the time does not tell a film from another one of its sender, its length does."""
    films = ctx.store.submissions.of_sender(film.realm, film.sender, film.night)
    if not any(each.id != film.id and abs(each.sent_at - film.sent_at) < _SAME_TIME for each in films):
        return {}
    time = ctx.rules.clock_time(film.sent_at)
    return {"time": {"say": "question.time_and_length", "time": time, "seconds": round(film.duration_s or 0)}}
