"""Cases filed against enterprises: the list, a new one, one with its fine, documents and hazards."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.enforcement import (
    Origin,
    offered_years,
    requested_enforcement_filter,
    requested_origin,
    requested_year,
    required_enterprise,
)
from bot.web.dashboard.error_pages import or_404
from bot.web.dashboard.hazards import hazard_rows
from bot.web.parameters import number_argument, parse_night, parse_number, query_with
from handlers.inspections.access import find_case
from handlers.inspections.cases import CaseCourse, CaseDraft, add_case, edit_case, void_case
from handlers.permissions import Viewer
from schedules.context import Context
from storage.db.models import EnforcementDocument
from storage.enforcement import EnforcementFilter
from storage.errors import OperationRefused

_PAGE_SIZE = 50


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/cases."""
    pages = Blueprint("cases", __name__)
    _add_list(pages, uow)
    _add_new(pages, uow)
    _add_one(pages, uow)
    return pages


def _add_list(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/cases")
    @requires_permission("cases.see")
    def list_cases(viewer: Viewer) -> str:
        with uow.read() as store:
            wanted = requested_enforcement_filter(viewer)
            found = list(store.enforcement.cases(wanted, _PAGE_SIZE + 1, number_argument("before")))
            return render_template(
                "cases.html",
                cases=found[:_PAGE_SIZE],
                names=store.register.enterprise_names(),
                older_than=found[_PAGE_SIZE - 1].id if len(found) > _PAGE_SIZE else "",
                text=wanted.text,
                year=requested_year(),
                years=offered_years(uow.context(store)),
                query=query_with,
            )


def _add_new(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/cases/new")
    @requires_permission("inspections.edit")
    def show_form(viewer: Viewer) -> str:
        with uow.read() as store:
            ctx = uow.context(store)
            return _form(or_404(requested_origin, request.args, viewer, ctx), ctx, request.args, "")

    @pages.post("/cases/new")
    @requires_permission("inspections.edit")
    def add(viewer: Viewer) -> Response | tuple[str, int]:
        origin = Origin(None, {}, "")
        try:
            with uow.transaction() as store:
                ctx = uow.context(store)
                origin = requested_origin(request.form, viewer, ctx)
                case = add_case(required_enterprise(origin).id, _draft(origin), viewer, ctx)
                return redirect(f"/cases/{case.id}")
        except OperationRefused as refused:
            with uow.read() as store:
                error = say(refused.text_key, **refused.params)
                return _form(origin, uow.context(store), request.form, error), 422


def _draft(origin: Origin) -> CaseDraft:
    form = request.form
    return CaseDraft(
        form.get("number", ""),
        parse_night(form.get("filed_on", "")),
        _course(),
        inspection_number=origin.inspection_number,
        hazard_numbers=form.getlist("hazards"),
        document_ids=[number for each in form.getlist("documents") if (number := parse_number(each)) is not None],
    )


def _course() -> CaseCourse:
    form = request.form
    return CaseCourse(
        form.get("cause", ""),
        _yuan(form.get("fine_yuan", "")),
        _day("fined_on"),
        _day("closed_on"),
        form.get("remarks"),
    )


def _yuan(text: str) -> int | None:
    """Raises OperationRefused for what is no whole number of yuan."""
    cleaned = text.replace(",", "").replace("，", "").strip()
    amount = parse_number(cleaned)
    if cleaned and amount is None:
        raise OperationRefused("inspections.not_yuan", value=text[:20])
    return amount


def _day(name: str) -> Any:
    return parse_night(request.form.get(name, ""))


def _form(origin: Origin, ctx: Context, given: Any, error: str) -> str:
    return render_template(
        "case_new.html",
        origin=origin,
        hazard_rows=hazard_rows(origin.hazards, ctx),
        documents=_documents_without_case(origin, ctx),
        chosen=given.getlist("hazards"),
        chosen_documents=given.getlist("documents"),
        given=given,
        error=error,
        enterprises=[] if origin.given else ctx.store.register.supervised_enterprises(),
        today=ctx.today,
    )


def _documents_without_case(origin: Origin, ctx: Context) -> list[EnforcementDocument]:
    """Those of the inspection that it begins from."""
    if origin.inspection_number is None:
        return []
    found = ctx.store.enforcement.documents(EnforcementFilter(inspection_number=origin.inspection_number))
    return [each for each in found if each.case_id is None]


def _add_one(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/cases/<id:case_id>")
    @requires_permission("cases.see")
    def show(viewer: Viewer, case_id: int) -> str:
        with uow.read() as store:
            return _render(case_id, viewer, uow.context(store))

    @pages.post("/cases/<id:case_id>/<any(edit, void):act>")
    @requires_permission("inspections.edit")
    def perform(viewer: Viewer, case_id: int, act: str) -> Response | tuple[str, int]:
        try:
            with uow.transaction() as store:
                if act == "void":
                    void_case(case_id, request.form.get("reason"), viewer, uow.context(store))
                else:
                    version = parse_number(request.form.get("version", ""))
                    edit_case(case_id, _course(), viewer, uow.context(store), version)
        except OperationRefused as refused:
            with uow.read() as store:
                error = say(refused.text_key, **refused.params)
                return _render(case_id, viewer, uow.context(store), error), 422
        return redirect(f"/cases/{case_id}")


def _render(case_id: int, viewer: Viewer, ctx: Context, error: str = "") -> str:
    case = or_404(find_case, case_id, viewer, ctx.store)
    return render_template(
        "case.html",
        case=case,
        error=error,
        enterprise=ctx.store.register.enterprise(case.enterprise_id),
        documents=ctx.store.enforcement.documents(EnforcementFilter(case_id=case.id, with_void=True)),
        rows=hazard_rows(ctx.store.enforcement.hazards_of_case(case.id), ctx),
        today=ctx.today,
        given=request.form if error else {},
    )
