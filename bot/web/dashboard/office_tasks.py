"""The task list of the office: each open task with its actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.undelivered import undelivered_text
from handlers import objections, office_tasks
from handlers.enrolment import invite
from handlers.permissions import Viewer
from handlers.unplaced_films import group_films
from storage.errors import OperationRefused
from storage.register_terms import APPOINTED_ROLES, ROLES
from storage.store import Store

PageResponse = str | Response | tuple[str, int]
Action = Callable[[Store], str | None]
RunAction = Callable[[Viewer, Action], PageResponse]


@dataclass(frozen=True)
class Outcome:
    """What the last action did, or why it was refused; `refusals` are the parts of it that were."""

    confirmation: str = ""
    error: str = ""
    refusals: Sequence[str] = ()


class TaskPage:
    """The list, and the list again after an action."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def render(self, viewer: Viewer, outcome: Outcome | None = None) -> str:
        """The list, with the outcome of the last action above it."""
        rehearsal = self._uow.clock.is_rehearsal
        with self._uow.read() as store:
            ctx = self._uow.context(store)
            tasks = office_tasks.load_office_tasks(store, ctx.now)
            return render_template(
                "office_tasks.html",
                tasks=tasks,
                strangers=group_films(tasks.quarantined_films, ctx),
                without_part=group_films(tasks.unattributed_films, ctx),
                undelivered=[
                    (each, undelivered_text(each, ctx, rehearsal=rehearsal)) for each in tasks.undelivered_notices
                ],
                enterprise_names={row.code: row.short_name for row in store.register.expected_parts()},
                now=ctx.now,
                roles=[each for each in ROLES if each not in APPOINTED_ROLES or viewer.may("people.appoint")],
                outcome=outcome or Outcome(),
            )

    def run(self, viewer: Viewer, action: Action) -> PageResponse:
        """Run an action in a transaction and show the list again, with its confirmation or why it was refused."""
        try:
            with self._uow.transaction() as store:
                confirmation = action(store)
        except OperationRefused as refused:
            return self.render(viewer, Outcome(error=say(refused.text_key, **refused.params))), 422
        if confirmation:
            return self.render(viewer, Outcome(confirmation=confirmation))
        return redirect(url_for(".list_tasks"))


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/office and its actions."""
    pages, task_page = Blueprint("office_tasks", __name__), TaskPage(uow)

    @pages.get("/office")
    @requires_permission("office_tasks.see")
    def list_tasks(viewer: Viewer) -> str:
        return task_page.render(viewer)

    _add_people(pages, uow, task_page.run)
    return pages


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
