"""The list the office empties each morning: each thing with what can be done about it, right there."""

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
from storage.register_terms import ROLES
from storage.store import Store

PageResponse = str | Response | tuple[str, int]


class _Desk:
    """The list as a page, and one thing done about it."""

    def __init__(self, memory: UnitOfWork) -> None:
        self._memory = memory

    def page(self, viewer: Viewer, told: str = "", done: str = "") -> str:
        """The list, with what was refused or done above it."""
        now = self._memory.clock.now()
        with self._memory.read() as store:
            found = office_tasks.load_office_tasks(store, now)
            names = {row.code: row.short_name for row in store.register.expected_parts()}
        return render_template(
            "office_tasks.html",
            tasks=found,
            enterprise_names=names,
            now=now,
            roles=ROLES,
            error=told,
            confirmation=done,
            viewer=viewer,
        )

    def act(self, viewer: Viewer, deed: Callable[[Store], str | None]) -> PageResponse:
        """Do one thing and show the list again; what is refused says why."""
        try:
            with self._memory.transaction() as store:
                done = deed(store)
        except OperationRefused as refused:
            return self.page(viewer, told=say(refused.text_key, **refused.params)), 422
        return self.page(viewer, done=done) if done else redirect(url_for(".list_tasks"))


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/office and its actions."""
    pages = Blueprint("office_tasks", __name__)

    shown = _Desk(uow)

    @pages.get("/office")
    @requires_permission("office_tasks.see")
    def list_tasks(viewer: Viewer) -> str:
        return shown.page(viewer)

    _add_films(pages, uow, shown.act)
    _add_people(pages, uow, shown.act)
    return pages


RunAction = Callable[[Viewer, Callable[[Store], str | None]], PageResponse]


def _add_films(pages: Blueprint, memory: UnitOfWork, act: RunAction) -> None:
    @pages.post("/office/films/<receipt>/attach")
    @requires_permission("films.attach")
    def place(viewer: Viewer, receipt: str) -> PageResponse:
        code, number = (request.form.get(name, "").strip() for name in ("code", "number"))

        def deed(store: Store) -> None:
            office_tasks.attach_film(receipt, code, number, memory.context(store), viewer.name)

        return act(viewer, deed)

    @pages.post("/office/films/<receipt>/dismiss")
    @requires_permission("films.attach")
    def dismiss(viewer: Viewer, receipt: str) -> PageResponse:
        def deed(store: Store) -> None:
            office_tasks.dismiss_film(receipt, viewer.name, store, memory.clock.now())

        return act(viewer, deed)


def _add_people(pages: Blueprint, memory: UnitOfWork, act: RunAction) -> None:
    @pages.post("/office/invitations")
    @requires_permission("people.invite")
    def invitation(viewer: Viewer) -> PageResponse:
        name, code = (request.form.get(field, "").strip() for field in ("name", "code"))

        def deed(store: Store) -> str:
            roles, now = request.form.getlist("role"), memory.clock.now()
            made = invite(name, roles, code or None, store, now, actor=viewer.name)
            expires = made.expires_at.astimezone(memory.zone)
            return say("enrolment.invited", name=name, code=made.code, expires=f"{expires:%m-%d %H:%M}")

        return act(viewer, deed)

    @pages.post("/office/objections/<int:objection_id>")
    @requires_permission("objection.answer")
    def settle(viewer: Viewer, objection_id: int) -> PageResponse:
        def deed(store: Store) -> None:
            words = request.form.get("answer", "")
            objections.answer_objection(objection_id, viewer.person_id, words, memory.context(store))

        return act(viewer, deed)

    @pages.post("/office/notices/<int:notice_id>")
    @requires_permission("office_tasks.work")
    def seen(viewer: Viewer, notice_id: int) -> PageResponse:
        def deed(store: Store) -> None:
            office_tasks.mark_notice_seen(notice_id, viewer.name, store, memory.clock.now())

        return act(viewer, deed)
