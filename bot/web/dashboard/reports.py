"""The reports: every night, week, month and year with its figures; each as a page to print, and as a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any

from flask import Blueprint, abort, render_template, request, send_file
from werkzeug.wrappers import Response

from bot.pdf import missing_characters_text
from bot.reports.formats import FORMATS, draw
from bot.reports.issued_files import IssuedFiles, issued_tables
from bot.reports.kinds import REPORTS
from bot.texts import fill, say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_access import FilmAccess
from bot.web.parameters import night_argument, parse_number
from bot.workbooks.reports.report_table import STATE_STYLES, ReportTable, cell_text, format_date, sign_off_fields
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.patrol_night import ONE_DAY, night_of
from schedules.reports.amendments import amendment_lines
from schedules.reports.changes import Change
from schedules.reports.overview import ListedReport, listed_months, listed_nights, listed_weeks, listed_years
from schedules.reports.tallies import load_judged_nights, month_bounds, week_bounds, year_bounds
from schedules.rules import RuleBook
from storage.db.models import IssuedReport

# Kind of report -> its list, and the span of nights that one page of the list covers.
_LISTS: dict[str, tuple[Callable[[Context, date, date], list[ListedReport]], Callable[[date], tuple[date, date]]]] = {
    "daily": (listed_nights, month_bounds),
    "weekly": (listed_weeks, year_bounds),
    "monthly": (listed_months, year_bounds),
    "year": (listed_years, lambda day: (day.replace(year=day.year - 2, month=1, day=1), year_bounds(day)[1])),
}
_BOUNDS = {"daily": lambda day: (day, day), "weekly": week_bounds, "monthly": month_bounds, "year": year_bounds}
_SHEETS = {
    "daily": "workbook.daily_sheet",
    "weekly": "weekly.sheet",
    "monthly": "monthly.sheet",
    "year": "workbook.yearly_sheet",
}
_MAX_ROWS = 200


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/reports, and below it each report and its files."""
    pages = Blueprint("reports", __name__)
    _add_pages(pages, uow)
    _add_files(pages, uow, IssuedFiles(uow, film_access.objects))
    return pages


def _add_pages(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/reports")
    @requires_permission("reports.see")
    def show_reports(viewer: Viewer) -> str:
        which = _kind_or_404(request.args.get("of", "daily"))
        with uow.read() as store:
            return _render_list(uow.context(store), which)

    @pages.get("/reports/<which>/<night:night>")
    @requires_permission("reports.see")
    def show_report(viewer: Viewer, which: str, night: date) -> str:
        first, _ = _BOUNDS[_kind_or_404(which)](night)
        with uow.read() as store:
            return _render_report(uow.context(store), which, first)


def _add_files(pages: Blueprint, uow: UnitOfWork, files: IssuedFiles) -> None:
    @pages.get("/reports/<which>/<night:night>/<suffix>")
    @requires_permission("reports.see")
    def download(viewer: Viewer, which: str, night: date, suffix: str) -> Response:
        first, _ = _BOUNDS[_kind_or_404(which)](night)
        if suffix not in FORMATS:
            abort(404)
        number = parse_number(request.args.get("amendment", "0")) or 0
        content = files.load(first, suffix, number) if which == "daily" else None
        if content is None and number:
            abort(404)
        if content is None:
            with uow.read() as store:
                tables = _tables(uow.context(store), which, first)
            content = draw(suffix, tables)
        return send_file(BytesIO(content), as_attachment=True, download_name=_file_name(which, first, suffix, number))


def _kind_or_404(which: str) -> str:
    return which if which in REPORTS else abort(404)


def _file_name(which: str, first: date, suffix: str, number: int) -> str:
    report, day = say(_SHEETS[which]), first.isoformat()
    if number:
        return say("reports_page.amendment_file_name", report=report, first=day, number=number, suffix=suffix)
    return say("reports_page.file_name", report=report, first=day, suffix=suffix)


def _render_list(ctx: Context, which: str) -> str:
    load, page_span = _LISTS[which]
    tonight = night_of(ctx.now, ctx.rules)
    first, last = page_span(min(night_argument("to") or tonight, tonight))
    return render_template(
        "reports.html",
        which=which,
        kinds=list(REPORTS),
        reports=load(ctx, first, last),
        label=_label,
        span_label=_label("monthly" if which == "daily" else "year", first, last),
        formats=list(FORMATS),
        states=list(STATE_STYLES),
        earlier=first - ONE_DAY,
        later=last + ONE_DAY if last < tonight else None,
    )


def _label(which: str, first: date, last: date) -> str:
    """The night, week, month or year of a report."""
    if which == "daily":
        return say("reports_page.day_label", night=format_date(first))
    if which == "weekly":
        return say("reports_page.week_label", first=format_date(first, with_year=True), last=format_date(last))
    if which == "monthly":
        return say("reports_page.month_label", year=first.year, month=first.month)
    return say("reports_page.year_label", year=first.year)


def _tables(ctx: Context, which: str, day: date) -> list[ReportTable]:
    """As of now; 404 for a night that has not begun, or in which this service was not yet running."""
    if which == "daily" and not load_judged_nights(ctx, day, day).judgements:
        abort(404)
    kind = REPORTS[which]
    return kind.tables(kind.make(ctx, day), ctx.rules)


def _render_report(ctx: Context, which: str, first: date) -> str:
    reports = ctx.store.issued_reports
    issued = reports.get(first) if which == "daily" else None
    tables = issued_tables(issued, ctx.rules) if issued else _tables(ctx, which, first)
    return render_template(
        "report.html",
        which=which,
        first=first,
        last=_BOUNDS[which](first)[1],
        issued=issued,
        now=ctx.now,
        tables=tables,
        max_rows=_MAX_ROWS,
        cell_text=cell_text,
        sign_off=sign_off_fields(),
        formats=list(FORMATS),
        pdf_warning=missing_characters_text(tables),
        amendments=[_amendment(each, ctx.rules) for each in reports.amendments(first)] if issued else [],
    )


def _amendment(amendment: IssuedReport, rules: RuleBook) -> dict[str, Any]:
    lines = amendment_lines([Change(**each) for each in amendment.changes], rules)
    return {"number": amendment.number, "issued_at": amendment.issued_at, "lines": [fill(line) for line in lines]}
