"""Import of a sheet of hazards, new ones and an edited ledger: previewed first and then confirmed."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.film_access import FilmAccess
from bot.web.dashboard.import_page import ImportPage, add_import_page
from bot.workbooks.hazards.apply import apply_hazards
from bot.workbooks.hazards.read import read_hazards
from bot.workbooks.register.result import ImportResult
from handlers.permissions import Viewer


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/hazards/import."""
    pages = Blueprint("hazard_import", __name__)

    def run(file: Path, viewer: Viewer, confirmed: str | None) -> ImportResult:
        parsed = read_hazards(file)
        with uow.transaction() as store:
            ctx = uow.context(store)
            return apply_hazards(parsed, viewer, ctx, dry_run=confirmed is None, confirmed=confirmed)

    add_import_page(pages, ImportPage("/hazards/import", "hazards.import", "hazard_import.html", run), film_access)
    return pages
