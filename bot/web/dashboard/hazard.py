"""One hazard: what is known of it, its material before and after, its history, and what the viewer may do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.enforcement import shown_enforcement
from bot.web.dashboard.error_pages import or_404
from bot.web.dashboard.film_access import FilmAccess, film_page_url
from bot.web.dashboard.film_media import image_response
from bot.web.dashboard.hazards import hazard_rows
from bot.web.parameters import parse_night, parse_number
from handlers.hazards.access import film_of_receipt, find_hazard
from handlers.hazards.disputing import dispute_hazard
from handlers.hazards.editing import edit_hazard, editable_fields
from handlers.hazards.extensions import ask_extension, grant_extension, refuse_extension
from handlers.hazards.moving import accept_hazard, reason_not_to_judge, return_hazard, submit_hazard, void_hazard
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.hazards.rules import needs_cause, plan_lacks
from storage import hazard_terms as terms
from storage.db.models import Hazard, HazardAttempt, HazardExtension, HazardMove, MajorHazardSource, Person, Submission
from storage.enforcement import EnforcementFilter
from storage.errors import OperationRefused
from storage.hazards import HazardHistory

Act = Callable[[str, Viewer, Context], object]
_TEXTS = (
    "inspection_number",
    "matter",
    "responsible",
    "measure",
    "criterion",
    "cause",
    "supervised_by",
    "supervisor",
    "remarks",
    "hazard_code",
    "risk_measure_id",
    "check_record_id",
)
_CHOICES = ("level", "source", "kind", "treatment", "classification", "stage")


@dataclass(frozen=True)
class TimelineEntry:
    """One line of the history; `state` is given for a move."""

    at: datetime
    by: str
    text: str
    state: str | None = None


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/hazards/<number>, its acts and its images."""
    pages = Blueprint("hazard", __name__)
    _add_page(pages, uow)
    for name, (action, act) in _ACTS.items():
        _add_act(pages, uow, name, action, act)
    _add_images(pages, uow, film_access)
    return pages


def _add_page(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/hazards/<number>")
    @requires_permission("hazards.see")
    def show(viewer: Viewer, number: str) -> str:
        with uow.read() as store:
            return _render(number, viewer, uow.context(store))


def _add_act(pages: Blueprint, uow: UnitOfWork, name: str, action: str, act: Act) -> None:
    @pages.post(f"/hazards/<number>/{name}", endpoint=name)
    @requires_permission(action)
    def perform(viewer: Viewer, number: str) -> AnyResponse | tuple[str, int]:
        try:
            with uow.transaction() as store:
                act(number, viewer, uow.context(store))
        except OperationRefused as refused:
            with uow.read() as store:
                error = say(refused.text_key, **refused.params)
                return _render(number, viewer, uow.context(store), error), 422
        return redirect(f"/hazards/{number}")


def _edit(number: str, viewer: Viewer, ctx: Context) -> None:
    changes: dict[str, Any] = {
        name: request.form[name].strip() or None for name in _TEXTS + _CHOICES if name in request.form
    }
    if "deadline" in request.form:
        changes["deadline"] = parse_night(request.form["deadline"])
    if "part_id" in request.form:
        changes["part_id"] = parse_number(request.form["part_id"])
    if "cost_yuan" in request.form:
        changes["cost_yuan"] = parse_number(request.form["cost_yuan"])
    plan = {heading: request.form.get(f"plan_{heading}") for heading in terms.PLAN_HEADINGS}
    if any(text is not None for text in plan.values()):
        changes["plan"] = plan
    edit_hazard(number, changes, viewer, ctx, parse_number(request.form.get("version", "")))


def _submit(number: str, viewer: Viewer, ctx: Context) -> None:
    receipt = request.form.get("receipt", "").strip()
    submit_hazard(number, film_of_receipt(receipt, ctx) if receipt else None, viewer, ctx, request.form.get("reason"))


def _ask(number: str, viewer: Viewer, ctx: Context) -> None:
    until, form = parse_night(request.form.get("until", "")), request.form
    ask_extension(number, until, form.get("reason"), form.get("interim"), viewer, ctx)


def _reason() -> str:
    return request.form.get("reason", "")


# Act -> the permission for it, and what it does.
_ACTS: dict[str, tuple[str, Act]] = {
    "edit": ("hazards.edit", _edit),
    "submit": ("hazards.submit", _submit),
    "accept": ("hazards.accept", lambda number, viewer, ctx: accept_hazard(number, viewer, ctx, _reason())),
    "return": ("hazards.accept", lambda number, viewer, ctx: return_hazard(number, _reason(), viewer, ctx)),
    "void": ("hazards.void", lambda number, viewer, ctx: void_hazard(number, _reason(), viewer, ctx)),
    "dispute": ("hazards.dispute", lambda number, viewer, ctx: dispute_hazard(number, _reason(), viewer, ctx)),
    "extension": ("hazards.ask_extension", _ask),
    "grant": ("hazards.decide_extension", lambda number, viewer, ctx: grant_extension(number, viewer, ctx, _reason())),
    "refuse": (
        "hazards.decide_extension",
        lambda number, viewer, ctx: refuse_extension(number, _reason(), viewer, ctx),
    ),
}


def _render(number: str, viewer: Viewer, ctx: Context, error: str = "") -> str:
    hazard = or_404(find_hazard, number, viewer, ctx)
    history = ctx.store.hazards.histories([hazard.number])[hazard.number]
    films = {each.id: each for each in ctx.store.submissions.by_ids(_film_ids(hazard, history))}
    last_attempt = history.attempts[-1] if history.attempts else None
    [row] = hazard_rows([hazard], ctx)
    return render_template(
        "hazard.html",
        row=row,
        hazard=hazard,
        error=error,
        terms=terms,
        timeline=_timeline(history, films),
        before=films.get(hazard.submission_id or 0),
        after=films.get(last_attempt.submission_id) if last_attempt else None,
        not_to_judge=reason_not_to_judge(hazard, last_attempt, viewer, ctx) if last_attempt else None,
        asked=next((each for each in history.extensions if each.state == terms.ASKED), None),
        editable=editable_fields(hazard, viewer),
        plan_lacks=plan_lacks(hazard),
        needs_cause=needs_cause(hazard),
        sources=_sources(hazard, ctx),
        parts=ctx.store.register.parts_of(hazard.enterprise_id),
        people=ctx.store.register.employees([hazard.enterprise_id]).get(hazard.enterprise_id, []),
        film_page_url=film_page_url,
        is_open=hazard.state not in terms.CLOSED_STATES,
        **shown_enforcement(EnforcementFilter(hazard_number=hazard.number), viewer, ctx),
    )


def _sources(hazard: Hazard, ctx: Context) -> list[tuple[MajorHazardSource, dict[str, Person]]]:
    """The major-hazard sources that its part belongs to, and by role who answers for each."""
    part_ids = [hazard.part_id] if hazard.part_id is not None else []
    sources = ctx.store.major_hazard_sources.of_parts(part_ids).get(hazard.part_id or 0, [])
    people = ctx.store.register.people_by_id({each for source in sources for each in source.guarantors.values()})
    return [(source, {role: people[person_id] for role, person_id in source.guarantors.items()}) for source in sources]


def _film_ids(hazard: Hazard, history: HazardHistory) -> list[int]:
    first = [hazard.submission_id] if hazard.submission_id is not None else []
    return [*first, *(attempt.submission_id for attempt in history.attempts)]


def _timeline(history: HazardHistory, films: dict[int, Submission]) -> list[TimelineEntry]:
    """The latest first."""
    entries = [_move(each) for each in history.moves]
    for attempt in history.attempts:
        entries += _attempt(attempt, films)
    for extension in history.extensions:
        entries += _extension(extension)
    return sorted(entries, key=lambda entry: entry.at)[::-1]


def _move(move: HazardMove) -> TimelineEntry:
    return TimelineEntry(move.at, move.by_name, move.reason or "", move.to_state)


def _attempt(attempt: HazardAttempt, films: dict[int, Submission]) -> list[TimelineEntry]:
    film = films.get(attempt.submission_id)
    text = say("hazard_page.attempt", ordinal=attempt.ordinal, receipt=film.receipt if film else "")
    return [TimelineEntry(attempt.submitted_at, attempt.by_name, text)]


def _extension(extension: HazardExtension) -> list[TimelineEntry]:
    asked = say(
        "hazard_page.extension_asked",
        before=extension.old_deadline.isoformat(),
        until=extension.new_deadline.isoformat(),
        reason=extension.reason,
        interim=extension.interim,
    )
    entries = [TimelineEntry(extension.asked_at, extension.asked_by, asked)]
    if extension.decided_at is not None:
        decided = say(f"hazard_extension.{extension.state}")
        text = f"{decided}：{extension.decision_reason}" if extension.decision_reason else decided
        entries.append(TimelineEntry(extension.decided_at, extension.decided_by or "", text))
    return entries


def _add_images(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    @pages.get("/hazards/<number>/<id:submission_id>.jpg")
    @requires_permission("hazards.see")
    def image(viewer: Viewer, number: str, submission_id: int) -> Response:
        """A photo, or of a film the picture at the position that was noted."""
        with uow.read() as store:
            ctx = uow.context(store)
            hazard = or_404(find_hazard, number, viewer, ctx)
            history = store.hazards.histories([hazard.number])[hazard.number]
            shown = store.submissions.get(submission_id) if submission_id in _film_ids(hazard, history) else None
        if shown is None or shown.object_key is None:
            abort(404)
        at_s = (hazard.at_s or 0.0) if submission_id == hazard.submission_id else 0.0
        return image_response(film_access, shown.object_key, "still", at_s)
