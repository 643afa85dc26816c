"""The task list of the office: each open task with its actions."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from handlers import objections, office_tasks
from handlers.enrolment import invite
from handlers.permissions import Viewer
from storage.errors import OperationRefused
from storage.register_terms import APPOINTED_ROLES, ROLES
from storage.store import Store

PageResponse = str | Response | tuple[str, int]
Action = Callable[[Store], str | None]
RunAction = Callable[[Viewer, Action], PageResponse]


class _TaskPage:
    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def render(self, viewer: Viewer, error: str = "", confirmation: str = "") -> str:
        """The list, with the error or confirmation of the last action above it."""
        now = self._uow.clock.now()
        with self._uow.read() as store:
            tasks = office_tasks.load_office_tasks(store, now)
            names = {row.code: row.short_name for row in store.register.expected_parts()}
        return render_template(
            "office_tasks.html",
            tasks=tasks,
            enterprise_names=names,
            now=now,
            roles=[each for each in ROLES if each not in APPOINTED_ROLES or viewer.may("people.appoint")],
            error=error,
            confirmation=confirmation,
            viewer=viewer,
        )

    def run(self, viewer: Viewer, action: Action) -> PageResponse:
        """Run an action in a transaction and show the list again, with its confirmation or why it was refused."""
        try:
            with self._uow.transaction() as store:
                confirmation = action(store)
        except OperationRefused as refused:
            return self.render(viewer, error=say(refused.text_key, **refused.params)), 422
        return self.render(viewer, confirmation=confirmation) if confirmation else redirect(url_for(".list_tasks"))


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/office and its actions."""
    pages, task_page = Blueprint("office_tasks", __name__), _TaskPage(uow)

    @pages.get("/office")
    @requires_permission("office_tasks.see")
    def list_tasks(viewer: Viewer) -> str:
        return task_page.render(viewer)

    _add_films(pages, uow, task_page.run)
    _add_people(pages, uow, task_page.run)
    return pages


def _add_films(pages: Blueprint, uow: UnitOfWork, run: RunAction) -> None:
    @pages.post("/office/films/<receipt>/attach")
    @requires_permission("films.attach")
    def attach_film(viewer: Viewer, receipt: str) -> PageResponse:
        code, number = (request.form.get(name, "").strip() for name in ("code", "number"))

        def action(store: Store) -> None:
            office_tasks.attach_film(receipt, code, number, uow.context(store), viewer.name)

        return run(viewer, action)

    @pages.post("/office/films/<receipt>/dismiss")
    @requires_permission("films.attach")
    def dismiss(viewer: Viewer, receipt: str) -> PageResponse:
        def action(store: Store) -> None:
            office_tasks.dismiss_film(receipt, viewer.name, store, uow.clock.now())

        return run(viewer, action)


def _add_people(pages: Blueprint, uow: UnitOfWork, run: RunAction) -> None:
    @pages.post("/office/invitations")
    @requires_permission("people.invite")
    def create_invitation(viewer: Viewer) -> PageResponse:
        name, code = (request.form.get(field, "").strip() for field in ("name", "code"))

        def action(store: Store) -> str:
            roles, may_appoint = request.form.getlist("role"), viewer.may("people.appoint")
            invitation = invite(name, roles, code or None, store, uow.clock.now(), viewer.name, may_appoint=may_appoint)
            expires = invitation.expires_at.astimezone(uow.zone)
            return say("enrolment.invited", name=name, code=invitation.code, expires=f"{expires:%m-%d %H:%M}")

        return run(viewer, action)

    @pages.post("/office/objections/<id:objection_id>")
    @requires_permission("objection.answer")
    def answer_objection(viewer: Viewer, objection_id: int) -> PageResponse:
        def action(store: Store) -> None:
            text = request.form.get("answer", "")
            objections.answer_objection(objection_id, viewer.person_id, text, uow.context(store))

        return run(viewer, action)

    @pages.post("/office/notices/<id:notice_id>")
    @requires_permission("office_tasks.work")
    def mark_seen(viewer: Viewer, notice_id: int) -> PageResponse:
        def action(store: Store) -> None:
            office_tasks.mark_notice_seen(notice_id, viewer.name, store, uow.clock.now())

        return run(viewer, action)
