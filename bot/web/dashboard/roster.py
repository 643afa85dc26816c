"""The duty roster as a month's calendar; one night is changed in place."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, abort, render_template, request
from werkzeug.datastructures import MultiDict

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_access import FilmAccess
from bot.web.dashboard.register import refusal_lines
from bot.web.parameters import parse_night, text_argument
from bot.workbooks.register.edit_row import RegisterRow, list_rows, save_row
from bot.workbooks.register.pick_lists import is_searched, pick_lists
from bot.workbooks.register.schema import ROSTER, SHEETS_BY_TITLE
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.patrol_night import shift_day
from storage.duty import POSTS
from storage.objects import ObjectStore
from storage.store import Store

_SHEET = SHEETS_BY_TITLE[ROSTER]
_COLUMNS = [column for post in POSTS for column in _SHEET.columns if column.field == post]


@dataclass(frozen=True)
class ShownShift:
    """The shift that begins on one day, `row` None where none is planned; the one on duty began on `today`."""

    day: date
    today: date
    row: RegisterRow | None

    def names(self, post: str) -> str:
        """The names on a post, with 、 between them."""
        return self.row.cells[post] if self.row else ""

    @property
    def row_hash(self) -> str:
        return self.row.row_hash if self.row else ""

    @property
    def lacks_leader(self) -> bool:
        """Whether a leader is still to be found; the past cannot be mended."""
        return self.day >= self.today and not self.names("leader")

    @property
    def is_own_backup(self) -> bool:
        """Whether a leader is also the only one to be asked instead."""
        leaders, backups = (set(filter(None, self.names(post).split("、"))) for post in ("leader", "backup"))
        return bool(backups) and backups <= leaders


@dataclass(frozen=True)
class ShownMonth:
    """Every day of a month, and the first days of the months beside it (None past the ends of the calendar)."""

    first: date
    shifts: list[ShownShift]
    previous: date | None
    next: date | None

    @property
    def gaps(self) -> int:
        """How many shifts lack a leader."""
        return sum(shift.lacks_leader for shift in self.shifts)


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/register/roster, and the form of one shift at /register/roster/<day>."""
    pages = Blueprint("roster", __name__)
    _add_month(pages, uow)
    _add_shift(pages, uow, film_access.objects)
    return pages


def _add_month(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/register/roster")
    @requires_permission("register.see")
    def show_month(viewer: Viewer) -> str:
        with uow.read() as store:
            ctx = uow.context(store)
            month = text_argument("month") or f"{ctx.today:%Y-%m}"
            shown = _month(parse_night(f"{month}-01") or abort(404), ctx)
        return render_template(
            "roster.html",
            sheet_title=ROSTER,
            sheet_titles=SHEETS_BY_TITLE,
            month=shown,
            may_edit=viewer.may("roster.edit"),
            posts=POSTS,
        )


def _add_shift(pages: Blueprint, uow: UnitOfWork, objects: ObjectStore) -> None:
    @pages.get("/register/roster/<night:day>")
    @requires_permission("roster.edit")
    def form(viewer: Viewer, day: date) -> str:
        """The form in place of the day; with ?close the day again."""
        with uow.read() as store:
            shift = _shift(day, uow.context(store))
            return _day(shift) if "close" in request.args else _form(shift, store)

    @pages.post("/register/roster/<night:day>")
    @requires_permission("roster.edit")
    def save(viewer: Viewer, day: date) -> str | tuple[str, int]:
        """Replace the posts in the form, through the parser and checks of the workbook; other posts stay."""
        now, may_appoint = uow.clock.now(), viewer.may("people.appoint")
        with uow.transaction() as store:
            ctx = uow.context(store)
            shift = _shift(day, ctx)
            if request.form.get("row", "") != shift.row_hash:
                return _form(shift, store, say("register_page.changed_by_other")), 422
            cells = _cells(shift, request.form)
            before = shift.row.cells if shift.row else None
            saved = save_row(ROSTER, cells, before, store, objects, now, viewer.name, may_appoint=may_appoint)
            if not saved.result.applied:
                return _form(shift, store, *refusal_lines(saved.result), cells=cells), 422
            return _day(_shift(day, ctx), *saved.result.warnings, month=_month(day.replace(day=1), ctx))


def _month(first: date, ctx: Context) -> ShownMonth:
    rows = {row.cells["day"]: row for row in list_rows(ctx.store, ROSTER)}
    days = [first + timedelta(days=past) for past in range(calendar.monthrange(first.year, first.month)[1])]
    today = shift_day(ctx.now, ctx.rules)
    shifts = [ShownShift(day, today, rows.get(day.isoformat())) for day in days]
    before, after = first - timedelta(days=1), days[-1] + timedelta(days=1)
    return ShownMonth(first, shifts, _first_of(before), _first_of(after))


def _first_of(day: date) -> date | None:
    return parse_night(f"{day:%Y-%m}-01")


def _shift(day: date, ctx: Context) -> ShownShift:
    row = next((row for row in list_rows(ctx.store, ROSTER) if row.cells["day"] == day.isoformat()), None)
    return ShownShift(day, shift_day(ctx.now, ctx.rules), row)


def _cells(shift: ShownShift, form: MultiDict[str, str]) -> dict[str, str]:
    cells = {post: shift.names(post) for post in POSTS}
    cells |= {post: "、".join(filter(None, map(str.strip, form.getlist(post)))) for post in POSTS if post in form}
    return {"day": shift.day.isoformat()} | cells


def _day(shift: ShownShift, *warnings: str, month: ShownMonth | None = None) -> str:
    return render_template(
        "roster_day.html", shift=shift, warnings=warnings, month=month, may_edit=True, posts=POSTS, focused=True
    )


def _form(shift: ShownShift, store: Store, *errors: str, cells: dict[str, str] | None = None) -> str:
    return render_template(
        "roster_day_form.html",
        shift=shift,
        cells=cells or {post: shift.names(post) for post in POSTS},
        columns=_COLUMNS,
        pick_lists=pick_lists(store, _SHEET),
        is_searched=is_searched,
        errors=errors,
    )
