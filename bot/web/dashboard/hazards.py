"""The hazard ledger: the list with its filters, the board of the week, new hazards, and the ledger as a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import BytesIO
from itertools import islice
from typing import Any

from flask import Blueprint, redirect, render_template, request, send_file
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.hazard_filter import (
    STATE_GROUPS,
    RequestedFilter,
    form_values,
    requested_filter,
    selectable_enterprises,
)
from bot.web.parameters import parse_night, parse_number, position_argument, query_with
from handlers.enterprise_names import resolve_enterprise, resolve_part
from handlers.hazards.access import film_of_receipt, visible_hazards
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.hazards.rules import is_overdue, lacks, proposed_deadline
from storage import hazard_terms as terms
from storage.db.models import Hazard
from storage.errors import OperationRefused

_PAGE_SIZE, _BOARD_SIZE = 50, 100
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class HazardRow:
    """A hazard as lists show it."""

    hazard: Hazard
    enterprise_name: str
    part_name: str
    is_overdue: bool
    lacks: list[str]


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/hazards."""
    pages = Blueprint("hazards", __name__)
    _add_lists(pages, uow)
    _add_new(pages, uow)
    return pages


def hazard_rows(hazards: Sequence[Hazard], ctx: Context) -> list[HazardRow]:
    """With the names that a person reads; two queries for any number of hazards."""
    names = ctx.store.register.enterprise_names()
    parts = ctx.store.register.part_names(hazard.part_id for hazard in hazards if hazard.part_id is not None)
    return [
        HazardRow(
            hazard,
            names[hazard.enterprise_id][1],
            parts[hazard.part_id] if hazard.part_id is not None else say("hazard_chat.no_part"),
            is_overdue(hazard, ctx.today),
            lacks(hazard) if hazard.state == terms.INCOMPLETE else [],
        )
        for hazard in hazards
    ]


def _add_lists(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/hazards")
    @requires_permission("hazards.see")
    def list_hazards(viewer: Viewer) -> str:
        with uow.read() as store:
            ctx = uow.context(store)
            return render_template(
                "hazards.html",
                enterprises=selectable_enterprises(viewer, ctx),
                finders=ctx.store.register.office_staff() if viewer.enterprise_ids is None else [],
                **_page(requested_filter(viewer, ctx), ctx),
            )

    @pages.get("/hazards/week")
    @requires_permission("hazards.see")
    def show_week(viewer: Viewer) -> str:
        with uow.read() as store:
            return render_template("hazard_week.html", sections=_week(viewer, uow.context(store)))

    @pages.get("/hazards/ledger.xlsx")
    @requires_permission("hazards.see")
    def download(viewer: Viewer) -> Response:
        from bot.workbooks.hazards.export import export_hazards

        with uow.read() as store:
            ctx = uow.context(store)
            content = export_hazards(ctx, requested_filter(viewer, ctx).wanted)
        name = say("hazard_page.file_name", day=ctx.today.isoformat())
        return send_file(BytesIO(content), as_attachment=True, download_name=name)


def _page(requested: RequestedFilter, ctx: Context) -> dict[str, Any]:
    wanted = requested.wanted
    hazards = list(ctx.store.hazards.find(wanted, ctx.today, _PAGE_SIZE + 1, position_argument(parse_number)))
    shown = hazards[:_PAGE_SIZE]
    of_all_states = replace(wanted, states=(), overdue=False)
    counts = ctx.store.hazards.counts(of_all_states, ctx.today)
    return {
        "rows": hazard_rows(shown, ctx),
        "older_than": f"{shown[-1].year}.{shown[-1].ordinal}" if len(hazards) > _PAGE_SIZE else "",
        "counts": counts,
        "state_counts": {name: sum(counts[each] for each in states) for name, states in STATE_GROUPS.items()},
        "requested": requested,
        "wanted": wanted,
        "terms": terms,
        "given": form_values(),
        "query": query_with,
    }


def _week(viewer: Viewer, ctx: Context) -> list[tuple[str, list[HazardRow], int]]:
    """What is overdue, falls due within seven days, waits for acceptance, and was found in the last seven days."""
    mine = visible_hazards(viewer, ctx.now)
    wanted = {
        "overdue": replace(mine, overdue=True),
        "due": replace(mine, states=(terms.INCOMPLETE, terms.RECTIFYING), due_until=ctx.today + _WEEK),
        "to_accept": replace(mine, states=(terms.AWAITING_ACCEPTANCE,)),
        "new": replace(mine, found_from=ctx.today - _WEEK),
    }
    found = {name: ctx.store.hazards.find(each, ctx.today, _BOARD_SIZE) for name, each in wanted.items()}
    rows = iter(hazard_rows([hazard for hazards in found.values() for hazard in hazards], ctx))
    return [
        (name, list(islice(rows, len(found[name]))), ctx.store.hazards.counts(each, ctx.today)["total"])
        for name, each in wanted.items()
    ]


def _add_new(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/hazards/new")
    @requires_permission("hazards.add")
    def show_form(viewer: Viewer) -> str:
        with uow.read() as store:
            return _form(viewer, uow.context(store), request.args, "")

    @pages.post("/hazards/new")
    @requires_permission("hazards.add")
    def add(viewer: Viewer) -> Response | tuple[str, int]:
        try:
            with uow.transaction() as store:
                ctx = uow.context(store)
                hazard = add_hazard(_draft(ctx), viewer, ctx)
                number = hazard.inspection_number
                page = f"/inspections/{number}" if number else f"/hazards/{hazard.number}"
        except OperationRefused as refused:
            with uow.read() as store:
                return _form(viewer, uow.context(store), request.form, say(refused.text_key, **refused.params)), 422
        return redirect(page)


def _draft(ctx: Context) -> HazardDraft:
    form = {name: value.strip() for name, value in request.form.items()}
    part = resolve_part(resolve_enterprise(form.get("enterprise", ""), ctx.store), form.get("part", ""), ctx.store)
    film = film_of_receipt(form["receipt"], ctx) if form.get("receipt") else None
    fields: dict[str, Any] = {
        name: form.get(name) or None for name in ("matter", "responsible", "measure", "criterion")
    }
    if form.get("inspection"):
        fields["inspection_number"] = form["inspection"]
    fields |= {name: form[name] for name in ("level", "kind", "treatment") if form.get(name)}
    return HazardDraft(
        part.enterprise_id, {**fields, "part_id": part.id, "deadline": parse_night(form.get("deadline", ""))}, film=film
    )


def _form(viewer: Viewer, ctx: Context, given: Any, error: str) -> str:
    register, number = ctx.store.register, str(given.get("inspection") or "")
    inspection = ctx.store.inspections.get(number) if viewer.enterprise_ids is None else None
    enterprises = [
        each
        for each in register.supervised_enterprises()
        if viewer.can_see(each.id) and (inspection is None or inspection.enterprise_id == each.id)
    ]
    return render_template(
        "hazard_new.html",
        given=given,
        error=error,
        enterprises=enterprises,
        inspection=inspection,
        parts=register.parts_of(enterprises[0].id) if len(enterprises) == 1 else [],
        terms=terms,
        proposed=_proposed(ctx.today),
        today=ctx.today,
    )


def _proposed(today: date) -> dict[str, date]:
    return {kind: proposed_deadline(kind, terms.GENERAL, terms.BY_DEADLINE, today) for kind in terms.KINDS}
