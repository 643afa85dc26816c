"""Inspections: the list, a new one, and one with its hazards, documents and cases."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.enforcement import LONGEST_TEXT, offered_years, requested_days, requested_year, shown_enforcement
from bot.web.dashboard.error_pages import or_404
from bot.web.dashboard.hazards import hazard_rows
from bot.web.parameters import parse_night, parse_number, position_argument, query_with, text_argument
from handlers.enterprise_names import resolve_enterprise
from handlers.inspections.access import find_inspection, is_county
from handlers.inspections.inspecting import InspectionDraft, add_inspection, edit_inspection, void_inspection
from handlers.permissions import Viewer
from schedules.context import Context
from storage import hazard_terms, inspection_terms
from storage.enforcement import EnforcementFilter
from storage.errors import OperationRefused
from storage.hazards import HazardFilter
from storage.inspections import InspectionFilter

_PAGE_SIZE, _SHOWN_HAZARDS = 50, 100


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/inspections."""
    pages = Blueprint("inspections", __name__)
    _add_list(pages, uow)
    _add_new(pages, uow)
    _add_one(pages, uow)
    return pages


def _add_list(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/inspections")
    @requires_permission("inspections.see")
    def list_inspections(viewer: Viewer) -> str:
        with uow.read() as store:
            ctx = uow.context(store)
            wanted = _requested_filter(viewer)
            found = list(store.inspections.find(wanted, _PAGE_SIZE + 1, position_argument(parse_number)))
            shown = found[:_PAGE_SIZE]
            return render_template(
                "inspections.html",
                inspections=shown,
                names=store.register.enterprise_names(),
                hazard_counts=store.inspections.hazard_counts([each.number for each in shown]),
                older_than=f"{shown[-1].year}.{shown[-1].ordinal}" if len(found) > _PAGE_SIZE else "",
                wanted=wanted,
                year=requested_year(),
                years=offered_years(ctx),
                kinds=inspection_terms.INSPECTION_KINDS,
                states=hazard_terms.STATES,
                query=query_with,
            )


def _requested_filter(viewer: Viewer) -> InspectionFilter:
    kind, (since, until) = text_argument("kind"), requested_days()
    return InspectionFilter(
        kind=kind if kind in inspection_terms.INSPECTION_KINDS else None,
        enterprise_ids=viewer.enterprise_ids,
        since=since,
        until=until,
        text=text_argument("text")[:LONGEST_TEXT],
        with_void=is_county(viewer),
    )


def _add_new(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/inspections/new")
    @requires_permission("inspections.edit")
    def show_form(viewer: Viewer) -> str:
        with uow.read() as store:
            return _form(uow.context(store), request.args, "")

    @pages.post("/inspections/new")
    @requires_permission("inspections.edit")
    def add(viewer: Viewer) -> Response | tuple[str, int]:
        try:
            with uow.transaction() as store:
                enterprise = resolve_enterprise(request.form.get("enterprise", "")[:LONGEST_TEXT], store)
                number = add_inspection(enterprise.id, _draft(), viewer, uow.context(store)).number
        except OperationRefused as refused:
            with uow.read() as store:
                return _form(uow.context(store), request.form, say(refused.text_key, **refused.params)), 422
        return redirect(f"/inspections/{number}")


def _draft() -> InspectionDraft:
    form = request.form
    return InspectionDraft(
        form.get("kind", ""),
        parse_night(form.get("held_on", "")),
        form.get("inspectors", ""),
        form.get("plan"),
        form.get("remarks"),
    )


def _form(ctx: Context, given: Any, error: str) -> str:
    return render_template(
        "inspection_new.html",
        given=given,
        error=error,
        enterprises=ctx.store.register.supervised_enterprises(),
        kinds=inspection_terms.INSPECTION_KINDS,
        today=ctx.today,
    )


def _add_one(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/inspections/<number>")
    @requires_permission("inspections.see")
    def show(viewer: Viewer, number: str) -> str:
        with uow.read() as store:
            return _render(number, viewer, uow.context(store))

    @pages.post("/inspections/<number>/<any(edit, void):act>")
    @requires_permission("inspections.edit")
    def perform(viewer: Viewer, number: str, act: str) -> Response | tuple[str, int]:
        try:
            with uow.transaction() as store:
                if act == "void":
                    void_inspection(number, request.form.get("reason"), viewer, uow.context(store))
                else:
                    version = parse_number(request.form.get("version", ""))
                    edit_inspection(number, _draft(), viewer, uow.context(store), version)
        except OperationRefused as refused:
            with uow.read() as store:
                error = say(refused.text_key, **refused.params)
                return _render(number, viewer, uow.context(store), error), 422
        return redirect(f"/inspections/{number}")


def _render(number: str, viewer: Viewer, ctx: Context, error: str = "") -> str:
    inspection = or_404(find_inspection, number, viewer, ctx.store)
    wanted = HazardFilter(inspection_number=inspection.number)
    return render_template(
        "inspection.html",
        inspection=inspection,
        error=error,
        enterprise=ctx.store.register.enterprise(inspection.enterprise_id),
        rows=hazard_rows(ctx.store.hazards.find(wanted, ctx.today, _SHOWN_HAZARDS), ctx),
        counts=ctx.store.hazards.counts(wanted, ctx.today),
        states=hazard_terms.STATES,
        kinds=inspection_terms.INSPECTION_KINDS,
        is_county=is_county(viewer),
        today=ctx.today,
        given=request.form if error else {},
        **shown_enforcement(EnforcementFilter(inspection_number=inspection.number, with_void=True), viewer, ctx),
    )
