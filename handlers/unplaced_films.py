"""Films that are attributed to no part: whose they probably are, and filing or dismissing them by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from handlers.attribution import assign_part
from handlers.enterprise_names import resolve_enterprise, resolve_part
from handlers.part_names import find_enterprise
from schedules.context import Context
from schedules.patrol_night import ONE_DAY
from storage.db.models import Enterprise, KeyPart, Person, Submission
from storage.errors import OperationRefused
from storage.store import Store
from storage.submissions import DISMISSED


@dataclass(frozen=True)
class PartChoices:
    """The parts of an enterprise, and which of them have a film of which night already."""

    enterprise: Enterprise
    parts: Sequence[KeyPart]
    filmed: frozenset[tuple[date, int]]


@dataclass(frozen=True)
class FilmGroup:
    """Films of one sender that are likely of one enterprise, the oldest first; `person` is None for a stranger."""

    person: Person | None
    employers: Sequence[Enterprise]
    films: Sequence[Submission]
    choices: PartChoices | None


@dataclass
class HandledFilms:
    """The receipts of the films that were filed or dismissed, and a text with its parameters for each that was not."""

    receipts: list[str] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)


def group_films(films: Iterable[Submission], ctx: Context) -> list[FilmGroup]:
    """The films by sender and likely enterprise, in the order of the first film of each group."""
    senders: dict[tuple[str, str], tuple[Person | None, Sequence[Enterprise]]] = {}
    groups: dict[tuple[str, str, int], list[Submission]] = {}
    for film in films:
        account = (film.realm, film.canonical_sender)
        if account not in senders:
            senders[account] = _sender(film, ctx)
        likely = _likely_enterprise(film, senders[account][1], ctx.store)
        groups.setdefault((*account, likely or 0), []).append(film)
    return [
        FilmGroup(*senders[realm, sender], group, part_choices(likely, (film.night for film in group), ctx.store))
        for (realm, sender, likely), group in groups.items()
    ]


def film_choices(film: Submission, ctx: Context) -> PartChoices | None:
    """The parts that one film can show; None where nothing tells its enterprise."""
    likely = _likely_enterprise(film, _sender(film, ctx)[1], ctx.store)
    return part_choices(likely or 0, [film.night], ctx.store)


def part_choices(enterprise_id: int, nights: Iterable[date], store: Store) -> PartChoices | None:
    """The parts of an enterprise, and which of them have a film of these nights; None if there is no such."""
    enterprise = store.register.enterprise(enterprise_id)
    if enterprise is None:
        return None
    filmed = store.submissions.filmed_parts(enterprise.id, nights)
    return PartChoices(enterprise, store.register.parts_of(enterprise.id), frozenset(filmed))


def _sender(film: Submission, ctx: Context) -> tuple[Person | None, Sequence[Enterprise]]:
    """The person of the film, else whose account it is by now, with the enterprises the person works for."""
    register = ctx.store.register
    known = register.person(film.person_id) if film.person_id is not None else None
    person = known or register.account_owner(film.realm, film.sender, ctx.now)
    return person, register.enterprises_of(person.id) if person else ()


def _likely_enterprise(film: Submission, employers: Sequence[Enterprise], store: Store) -> int | None:
    """What is known of the film, else of its sender, else where the latest film of the sender was filed."""
    if film.enterprise_id is not None:
        return film.enterprise_id
    if len(employers) == 1:
        return employers[0].id
    if film.file_name and (named := find_enterprise(film.file_name, employers)):
        return named.id
    chosen = store.submissions.chosen_enterprise(film.person_id, film.night) if film.person_id is not None else None
    return chosen or store.submissions.latest_enterprise_of(film.realm, film.sender)


def attach_film(receipt: str, enterprise_name: str, part_name: str, ctx: Context, actor: str) -> Submission:
    """Attribute a film to a part by hand; it counts by the instant it was sent.

    The names are as a person types them (see resolve_enterprise). Raises OperationRefused.
    """
    film = ctx.store.submissions.by_receipt(receipt, ctx.today + ONE_DAY)
    if film is None:
        raise OperationRefused("attach.no_such_receipt", receipt=receipt)
    if film.state != "filed":
        raise OperationRefused("attach.not_a_filed_film", receipt=receipt, state=_state(film))
    enterprise = resolve_enterprise(enterprise_name, ctx.store)
    part = resolve_part(enterprise, part_name, ctx.store)
    _attach(film, enterprise, part, ctx, actor)
    return film


def attach_films(
    film_ids: Iterable[int], part: KeyPart, ctx: Context, actor: str, moved_from: int | None = None
) -> HandledFilms:
    """Attribute films to a part, all that can be.

    A film that has a part already is moved only from the part `moved_from`.
    """
    enterprise = ctx.store.register.enterprise(part.enterprise_id)
    assert enterprise is not None

    def attach(film: Submission) -> None:
        if film.part_id is None or film.part_id != moved_from:
            _refuse_attributed(film, ctx.store)
        _attach(film, enterprise, part, ctx, actor)

    return _each(film_ids, attach, ctx.store)


def dismiss_films(film_ids: Iterable[int], ctx: Context, actor: str) -> HandledFilms:
    """Remove films that show no patrol from the tasks, all that can be; they stay stored."""

    def dismiss(film: Submission) -> None:
        _refuse_attributed(film, ctx.store)
        if DISMISSED in film.marks:
            raise OperationRefused("unplaced.already_dismissed", receipt=film.receipt)
        ctx.store.submissions.add_mark([film.id], DISMISSED)
        ctx.store.audit_log.record(ctx.now, actor, "film_dismissed", subject=film.audit_subject)

    return _each(film_ids, dismiss, ctx.store)


def _attach(film: Submission, enterprise: Enterprise, part: KeyPart, ctx: Context, actor: str) -> None:
    before = {"place": film.attribution, "enterprise_id": film.enterprise_id, "part_id": film.part_id}
    details: dict[str, Any] = {"receipt": film.receipt, "enterprise": enterprise.code, "part": part.number}
    ctx.store.audit_log.record(ctx.now, actor, "film_attached", subject=film.audit_subject, before=before, **details)
    film.marks = [mark for mark in film.marks if mark != DISMISSED]
    assign_part(film, enterprise.id, part.id, "staff", ctx)


def _refuse_attributed(film: Submission, store: Store) -> None:
    """A page that was opened before the film was filed must not move it."""
    if film.attribution != "attributed":
        return
    enterprise, part = store.register.enterprise(film.enterprise_id or 0), store.register.part(film.part_id or 0)
    assert enterprise is not None
    assert part is not None
    raise OperationRefused(
        "unplaced.already_attached", receipt=film.receipt, enterprise=enterprise.short_name, part=part.label
    )


def _state(film: Submission) -> dict[str, str]:
    return {"say": f"film_state.{film.state}"}


def _each(film_ids: Iterable[int], act: Callable[[Submission], None], store: Store) -> HandledFilms:
    handled = HandledFilms()
    for film in store.submissions.by_ids(film_ids):
        try:
            if film.kind != "film" or film.state != "filed":
                raise OperationRefused("attach.not_a_filed_film", receipt=film.receipt, state=_state(film))
            act(film)
        except OperationRefused as refused:
            handled.refusals.append({"say": refused.text_key, **refused.params})
        else:
            handled.receipts.append(film.receipt)
    return handled
