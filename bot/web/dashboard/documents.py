"""Documents that the office issued: the list, a new one, one with its file."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.document_files import MAX_FILE_BYTES, keep_file
from bot.web.dashboard.enforcement import (
    Origin,
    offered_years,
    requested_enforcement_filter,
    requested_origin,
    requested_year,
    required_enterprise,
)
from bot.web.dashboard.error_pages import or_404
from bot.web.dashboard.film_access import FilmAccess
from bot.web.dashboard.hazards import hazard_rows
from bot.web.parameters import number_argument, parse_night, query_with, text_argument
from bot.web.range_response import range_response
from handlers.inspections.access import find_document, is_county
from handlers.inspections.documents import DocumentDraft, StoredFile, add_document, add_file, void_document
from handlers.permissions import Viewer
from schedules.context import Context
from storage import inspection_terms as terms
from storage.errors import OperationRefused

_PAGE_SIZE = 50


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/documents."""
    pages = Blueprint("documents", __name__)
    _add_list(pages, uow)
    _add_new(pages, uow, film_access)
    _add_one(pages, uow)
    _add_file(pages, uow, film_access)
    return pages


def _add_list(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/documents")
    @requires_permission("inspections.see")
    def list_documents(viewer: Viewer) -> str:
        kinds = terms.DOCUMENT_KINDS if is_county(viewer) else terms.SERVED_DOCUMENT_KINDS
        kind = text_argument("kind") if text_argument("kind") in kinds else ""
        with uow.read() as store:
            wanted = requested_enforcement_filter(viewer, (kind,) if kind else kinds)
            found = list(store.enforcement.documents(wanted, _PAGE_SIZE + 1, number_argument("before")))
            return render_template(
                "documents.html",
                documents=found[:_PAGE_SIZE],
                names=store.register.enterprise_names(),
                older_than=found[_PAGE_SIZE - 1].id if len(found) > _PAGE_SIZE else "",
                text=wanted.text,
                kind=kind,
                kinds=kinds,
                year=requested_year(),
                years=offered_years(uow.context(store)),
                query=query_with,
            )


def _add_new(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    @pages.get("/documents/new")
    @requires_permission("inspections.edit")
    def show_form(viewer: Viewer) -> str:
        with uow.read() as store:
            ctx = uow.context(store)
            return _form(or_404(requested_origin, request.args, viewer, ctx), ctx, request.args, "")

    @pages.post("/documents/new")
    @requires_permission("inspections.edit", max_body_bytes=MAX_FILE_BYTES)
    def add(viewer: Viewer) -> Response | tuple[str, int]:
        origin = Origin(None, {}, "")
        try:
            with uow.read() as store:
                origin = requested_origin(request.form, viewer, uow.context(store))
                enterprise = required_enterprise(origin)
            file = keep_file(request.files.get("file"), film_access)
            with uow.transaction() as store:
                document = add_document(enterprise.id, _draft(origin, file), viewer, uow.context(store))
                return redirect(origin.back or f"/documents/{document.id}")
        except OperationRefused as refused:
            with uow.read() as store:
                error = say(refused.text_key, **refused.params)
                return _form(origin, uow.context(store), request.form, error), 422


def _draft(origin: Origin, file: StoredFile | None) -> DocumentDraft:
    form = request.form
    return DocumentDraft(
        form.get("kind", ""),
        form.get("number", ""),
        parse_night(form.get("issued_on", "")),
        inspection_number=origin.inspection_number,
        case_id=origin.case_id,
        hazard_numbers=form.getlist("hazards"),
        remarks=form.get("remarks"),
        file=file,
    )


def _form(origin: Origin, ctx: Context, given: Any, error: str) -> str:
    return render_template(
        "document_new.html",
        origin=origin,
        hazard_rows=hazard_rows(origin.hazards, ctx),
        chosen=given.getlist("hazards") if error else origin.chosen,
        given=given,
        error=error,
        enterprises=[] if origin.given else ctx.store.register.supervised_enterprises(),
        kinds=terms.DOCUMENT_KINDS,
        today=ctx.today,
    )


def _add_one(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/documents/<id:document_id>")
    @requires_permission("inspections.see")
    def show(viewer: Viewer, document_id: int) -> str:
        with uow.read() as store:
            return _render(document_id, viewer, uow.context(store))

    @pages.post("/documents/<id:document_id>/void")
    @requires_permission("inspections.edit")
    def void(viewer: Viewer, document_id: int) -> Response | tuple[str, int]:
        try:
            with uow.transaction() as store:
                void_document(document_id, request.form.get("reason"), viewer, uow.context(store))
        except OperationRefused as refused:
            return _refusal(uow, document_id, viewer, refused)
        return redirect(f"/documents/{document_id}")


def _add_file(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    @pages.get("/documents/<id:document_id>/file")
    @requires_permission("inspections.see")
    def download(viewer: Viewer, document_id: int) -> Response:
        with uow.read() as store:
            document = or_404(find_document, document_id, viewer, store)
        if document.object_key is None:
            abort(404)
        name = document.file_name or ""
        return range_response(film_access.objects, document.object_key, name, document.sha256, is_attachment=True)

    @pages.post("/documents/<id:document_id>/file")
    @requires_permission("inspections.edit", max_body_bytes=MAX_FILE_BYTES)
    def upload(viewer: Viewer, document_id: int) -> Response | tuple[str, int]:
        try:
            file = keep_file(request.files.get("file"), film_access)
            if file is None:
                raise OperationRefused("inspections.file_unfit")
            with uow.transaction() as store:
                add_file(document_id, file, viewer, uow.context(store))
        except OperationRefused as refused:
            return _refusal(uow, document_id, viewer, refused)
        return redirect(f"/documents/{document_id}")


def _refusal(uow: UnitOfWork, document_id: int, viewer: Viewer, refused: OperationRefused) -> tuple[str, int]:
    with uow.read() as store:
        return _render(document_id, viewer, uow.context(store), say(refused.text_key, **refused.params)), 422


def _render(document_id: int, viewer: Viewer, ctx: Context, error: str = "") -> str:
    document = or_404(find_document, document_id, viewer, ctx.store)
    may_see_case = document.case_id is not None and viewer.may("cases.see")
    return render_template(
        "document.html",
        document=document,
        error=error,
        enterprise=ctx.store.register.enterprise(document.enterprise_id),
        case=ctx.store.enforcement.case(document.case_id or 0) if may_see_case else None,
        rows=hazard_rows(ctx.store.enforcement.hazards_of_document(document.id), ctx),
        is_county=is_county(viewer),
    )
