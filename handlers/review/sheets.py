"""Judging plain films by their contact sheets, many at once: only what was looked at for long enough can be passed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from handlers.review.claims import REVIEW_LOCK
from handlers.review.verdicts import VerdictDraft, record_verdict
from schedules.context import Context
from schedules.review.night_review import ReviewableFilm, night_review
from storage.db.models import Person, Verdict
from storage.errors import OperationRefused

# So long a person looks at one sheet, at least. Several on the screen share the time.
SHEET_SECONDS = 3.0
SHEETS_PER_PAGE = 12
# Clocks of browsers are rounded.
_TOLERANCE_S = 1.0


@dataclass(frozen=True)
class SheetsPage:
    """What a browser reports of a page of sheets: film id -> seconds it was looked at, and the films to pass.

    `opened_at` is when this service rendered the page.
    """

    night: date
    opened_at: datetime
    seconds: Mapping[int, float]
    passed: Collection[int]


def plain_films(reviewer: Person, night: date, ctx: Context) -> list[ReviewableFilm]:
    """The plain films of a night without a verdict that no other reviewer has claimed, those of the sample first."""
    review, claims = night_review(ctx, night), ctx.store.review.claims(ctx.now)
    return [
        review.films[film_id]
        for film_id in review.plain
        if film_id not in review.verdicts and claims.get(film_id, reviewer.id) == reviewer.id
    ]


def pass_sheets(page: SheetsPage, reviewer: Person, ctx: Context) -> Sequence[Verdict]:
    """Record what was looked at, and pass the films that are still plain and without a verdict.

    Raises OperationRefused if that is longer than the page has been open.
    """
    ctx.store.lock_for_transaction(REVIEW_LOCK)
    looked_at = {film_id: seconds for film_id, seconds in page.seconds.items() if seconds >= SHEET_SECONDS}
    before = ctx.store.view_log.sheet_seconds(reviewer.id, page.opened_at)
    if sum(looked_at.values()) + before > (ctx.now - page.opened_at).total_seconds() + _TOLERANCE_S:
        raise OperationRefused("review.sheets_too_fast")
    for film_id, seconds in looked_at.items():
        view = ctx.store.view_log.add(
            film_id, reviewer.id, reviewer.name, "contact_sheet", page.opened_at, by_supervisor=True
        )
        view.watched_s, view.last_progress_at = seconds, ctx.now
    ctx.store.session.flush()
    plain = {each.film.id for each in plain_films(reviewer, page.night, ctx)}
    passed = sorted(plain & looked_at.keys() & set(page.passed))
    return [record_verdict(VerdictDraft(film_id, "fit", reviewer), ctx) for film_id in passed]
