"""The list the office empties each morning: each thing with what can be done about it, right there."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import allowed
from bot.workbooks.register.schema import ROLES
from handlers import objections, office_tasks
from handlers.attach import attach
from handlers.enrolment import invite
from handlers.permissions import Viewer
from storage.errors import Refused
from storage.store import Store

Answer = str | Response | tuple[str, int]


class _Desk:
    """The list as a page, and one thing done about it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def page(self, viewer: Viewer, told: str = "", done: str = "") -> str:
        """The list, with what was refused or done above it."""
        now = self._memory.clock.now()
        with self._memory.reading() as store:
            found = office_tasks.desk(store, now)
            names = {row.code: row.short_name for row in store.register.expected_parts()}
        return render_template(
            "office.html", desk=found, enterprises=names, now=now, roles=ROLES, told=told, done=done, viewer=viewer
        )

    def act(self, viewer: Viewer, deed: Callable[[Store], str | None]) -> Answer:
        """Do one thing and show the list again; what is refused says why."""
        try:
            with self._memory.transaction() as store:
                done = deed(store)
        except Refused as refused:
            return self.page(viewer, told=say(refused.key, **refused.params)), 422
        return self.page(viewer, done=done) if done else redirect(url_for("office.list_"))


def blueprint(memory: Memory) -> Blueprint:
    """/office and its actions."""
    pages = Blueprint("office", __name__)

    shown = _Desk(memory)

    @pages.get("/office")
    @allowed("office.see")
    def list_(viewer: Viewer) -> str:
        return shown.page(viewer)

    _add_films(pages, memory, shown.act)
    _add_people(pages, memory, shown.act)
    return pages


Act = Callable[[Viewer, Callable[[Store], str | None]], Answer]


def _add_films(pages: Blueprint, memory: Memory, act: Act) -> None:
    @pages.post("/office/films/<receipt>/attach")
    @allowed("films.correct")
    def place(viewer: Viewer, receipt: str) -> Answer:
        code, number = (request.form.get(name, "").strip() for name in ("code", "number"))

        def deed(store: Store) -> None:
            attach(receipt, code, number, store, memory.book(store), memory.clock.now(), viewer.name)

        return act(viewer, deed)

    @pages.post("/office/films/<receipt>/dismiss")
    @allowed("films.correct")
    def dismiss(viewer: Viewer, receipt: str) -> Answer:
        def deed(store: Store) -> None:
            office_tasks.dismiss(receipt, viewer.name, store, memory.clock.now())

        return act(viewer, deed)


def _add_people(pages: Blueprint, memory: Memory, act: Act) -> None:
    @pages.post("/office/invitations")
    @allowed("people.invite")
    def invitation(viewer: Viewer) -> Answer:
        name, code = (request.form.get(field, "").strip() for field in ("name", "code"))

        def deed(store: Store) -> str:
            roles, now = request.form.getlist("role"), memory.clock.now()
            made = invite(name, roles, code or None, store, now, actor=viewer.name)
            expires = made.expires_at.astimezone(memory.zone)
            return say("enrolment.invited", name=name, code=made.code, expires=f"{expires:%m-%d %H:%M}")

        return act(viewer, deed)

    @pages.post("/office/objections/<int:objection_id>")
    @allowed("objection.settle")
    def settle(viewer: Viewer, objection_id: int) -> Answer:
        def deed(store: Store) -> None:
            words = request.form.get("answer", "")
            objections.settle(objection_id, viewer.person_id, words, store, memory.clock.now())

        return act(viewer, deed)

    @pages.post("/office/notices/<int:notice_id>")
    @allowed("office.work")
    def seen(viewer: Viewer, notice_id: int) -> Answer:
        def deed(store: Store) -> None:
            office_tasks.notice_seen(notice_id, viewer.name, store, memory.clock.now())

        return act(viewer, deed)
