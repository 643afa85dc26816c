"""Giving each film its enterprise and part: by the only one there is, by a word, by a button, by asking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from handlers.duplicates import mark_reused_films
from handlers.pairing import MAX_GAP, PairingItem, pair_films_with_texts
from handlers.part_names import find_enterprise, find_part, strip_enterprise_name
from handlers.receipts import add_film_reply, film_params, send_receipt
from handlers.rectification import record_film_answer
from schedules.context import Context
from storage.db.models import KeyPart, Notice, ReceivedText, Submission
from storage.notices import NoticeForm
from storage.store import Store

# A word often follows the film within seconds: wait a moment before asking for it.
_ASK_AFTER = timedelta(seconds=5)
_BUTTONS, _OPTIONS = 6, 10


def attribute_films(ctx: Context, realm: str, sender: str, night: date) -> set[int]:
    """Place what can be placed of a sender's films of a night, then ask about the oldest that cannot.

    The ids of the words that have found their film.
    """
    films = [
        film
        for film in ctx.store.submissions.of_sender(realm, sender, night)
        if film.kind == "film" and film.person_id is not None and film.state in ("receiving", "filed", "unfit")
    ]
    for film in films:
        _give_enterprise(film, ctx.store)
        _give_only_choice(film, ctx)
    used = _give_words([film for film in films if film.attributed_by in (None, "text")], ctx)
    for film in films:
        _give_only_due(film, ctx)
    waiting = [film for film in films if film.attribution == "unattributed" and film.state == "filed"]
    if waiting:
        _ask(waiting[0], len(waiting), ctx)
    return used


def _give_enterprise(film: Submission, store: Store) -> None:
    if film.enterprise_id is not None or film.person_id is None:
        return
    enterprises = store.register.enterprises_of(film.person_id)
    if len(enterprises) == 1:
        film.enterprise_id = enterprises[0].id
    elif film.file_name and (named := find_enterprise(film.file_name, enterprises)):
        film.enterprise_id = named.id
    else:
        film.enterprise_id = store.submissions.chosen_enterprise(film.person_id, film.night)


def _give_only_choice(film: Submission, ctx: Context) -> None:
    """The part that is the only one, or that the name of a file tells."""
    if film.part_id is not None or film.enterprise_id is None:
        return
    parts = ctx.store.register.parts_of(film.enterprise_id)
    if len(parts) == 1:
        assign_part(film, film.enterprise_id, parts[0].id, "only_part", ctx)
    elif film.file_name and (part := find_part(film.file_name, parts)):
        assign_part(film, film.enterprise_id, part.id, "file_name", ctx)


def _give_only_due(film: Submission, ctx: Context) -> None:
    """While production has stopped, often one part is left to film: without a word it is that one."""
    if film.part_id is None and film.enterprise_id is not None:
        due = ctx.store.register.required_parts_of(film.enterprise_id)
        if len(due) == 1:
            assign_part(film, film.enterprise_id, due[0].id, "only_due_part", ctx)


def _give_words(films: Sequence[Submission], ctx: Context) -> set[int]:
    """Pair all of a sender's films with all his words anew: what came late may change which word is whose."""
    if not films:
        return set()
    named = _words(films, ctx.store, ctx.now)
    events = [PairingItem(film.sent_at, film.inbox_id, film.id, True, _waits_until(film, ctx.store)) for film in films]
    events += [PairingItem(word.sent_at, word.inbox_id, word.id, False) for word, _ in named.values()]
    pairs = pair_films_with_texts(events)
    for film in films:
        part = named[pairs[film.id]][1].get(film.enterprise_id or 0) if film.id in pairs else None
        if part is not None:
            assign_part(film, part.enterprise_id, part.id, "text", ctx)
        elif film.attributed_by == "text":
            film.part_id, film.attributed_by, film.attribution = None, None, "unattributed"
    return set(pairs.values())


def _waits_until(film: Submission, store: Store) -> datetime | None:
    """A film the bot has asked about may be named all night; one it has called unfit no longer."""
    if film.state == "unfit":
        verdict = store.notices.by_once_key(f"unfit/{film.id}")
        return min(verdict.due_at, film.sent_at + MAX_GAP) if verdict else None
    asked = store.notices.by_once_key(f"question/{film.id}/part")
    return datetime.max.replace(tzinfo=UTC) if asked and asked.state == "sent" else None


def _words(
    films: Sequence[Submission], store: Store, now: datetime
) -> dict[int, tuple[ReceivedText, dict[int, KeyPart]]]:
    """The words around these films that name a part, each with the part it names at each enterprise."""
    ids = {film.enterprise_id for film in films if film.enterprise_id is not None}
    enterprises = [each for each in map(store.register.enterprise, sorted(ids)) if each is not None]
    parts = {each.id: store.register.parts_of(each.id) for each in enterprises}
    found = {}
    since, until = films[0].sent_at - MAX_GAP, max(films[-1].sent_at, now) + MAX_GAP
    for word in store.submissions.texts_of(films[0].realm, films[0].sender, since, until):
        named = {each.id: find_part(strip_enterprise_name(word.text, each), parts[each.id]) for each in enterprises}
        if known := {key: part for key, part in named.items() if part is not None}:
            found[word.id] = (word, known)
    return found


def assign_part(film: Submission, enterprise_id: int, part_id: int, attributed_by: str, ctx: Context) -> None:
    """Put a film where it belongs; its sender gets the receipt as soon as it is filed."""
    if (film.part_id, film.enterprise_id, film.attribution) == (part_id, enterprise_id, "attributed"):
        return
    film.enterprise_id, film.part_id, film.attributed_by, film.attribution = (
        enterprise_id,
        part_id,
        attributed_by,
        "attributed",
    )
    ctx.store.session.flush()
    if film.state == "filed":
        mark_reused_films(film, ctx.store)
        send_receipt(film, ctx)
        record_film_answer(film, ctx)


def apply_choice(film: Submission, choice_kind: str, chosen_id: int, ctx: Context) -> None:
    """A button was pressed: `what` is `enterprise` or `part`."""
    if choice_kind == "enterprise" and film.person_id is not None and film.attribution == "unattributed":
        ctx.store.submissions.choose_enterprise(film.person_id, film.night, chosen_id)
        film.enterprise_id = chosen_id
    elif choice_kind == "part" and film.enterprise_id is not None:
        assign_part(film, film.enterprise_id, chosen_id, "button", ctx)
    attribute_films(ctx, film.realm, film.sender, film.night)


def _ask(film: Submission, waiting: int, ctx: Context) -> None:
    """Ask about one film at a time, by a card and by words: nobody can tell which of them a phone shows."""
    what = "part" if film.enterprise_id else "enterprise"
    options = _options(film, ctx.store)
    params: dict[str, Any] = {
        **film_params(film, ctx.store, ctx.rules),
        "waiting": waiting,
        "submission": film.id,
        "asked_for": what,
    }
    params["options"] = [label for _, label in options]
    when = {"kind": "question", "check_name": "question", "due_at": ctx.now + _ASK_AFTER}
    if len(options) <= _OPTIONS:
        card = {**params, "choices": [[f"{film.id}:{what}:{key}", label] for key, label in options]}
        form = NoticeForm.BUTTONS if len(options) <= _BUTTONS else NoticeForm.SELECTION
        add_film_reply(
            film,
            ctx.store,
            ctx.now,
            f"question.{what}_card",
            f"question/{film.id}/{what}/card",
            card,
            form=form,
            **when,
        )
    add_film_reply(film, ctx.store, ctx.now, f"question.{what}", f"question/{film.id}/{what}", params, **when)


def _options(film: Submission, store: Store) -> list[tuple[int, str]]:
    if film.enterprise_id:
        return [(part.id, f"{part.number} {part.name}") for part in store.register.parts_of(film.enterprise_id)]
    assert film.person_id is not None
    return [(enterprise.id, enterprise.short_name) for enterprise in store.register.enterprises_of(film.person_id)]


def check_question(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """A question is worth asking only while its film waits for just that answer."""
    film = ctx.store.submissions.get(notice.params["submission"])
    asked = "part" if film and film.enterprise_id else "enterprise"
    return (
        notice.params if film and film.attribution == "unattributed" and asked == notice.params["asked_for"] else None
    )
