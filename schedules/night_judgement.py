"""A night as it stands: what the register expects, put together with what came in."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from schedules.context import Context
from schedules.judgement import ExpectedEnterprise, ExpectedPart, JudgeableFilm, NightJudgement, judge
from schedules.patrol_night import SubmissionWindow, submission_window
from schedules.rules import RuleBook
from storage import report_queries
from storage.db.models import ClosedNight
from storage.register import natural_sort_key
from storage.store import Store

# Whoever is asked for a fresh film must have so long to bring it; a rejection that comes later changes no state.
MIN_REFILM_TIME = timedelta(hours=1)


def expected_enterprises(
    store: Store, night: date, enterprise_id: int | None = None, group_id: int | None = None
) -> list[ExpectedEnterprise]:
    """Who must film that night: as written down when it closed, else as the register stands."""
    closed = store.session.get(ClosedNight, night)
    if closed is not None:
        found = _as_written(closed.expected)
        return [entry for entry in found if enterprise_id in (None, entry.id) and group_id in (None, entry.group_id)]
    return _present(store, enterprise_id, group_id)


def _present(store: Store, enterprise_id: int | None = None, group_id: int | None = None) -> list[ExpectedEnterprise]:
    rows = store.register.expected_parts(enterprise_id, group_id)
    return [_expected(list(of_one)) for _, of_one in groupby(rows, key=lambda row: row.id)]


def _expected(rows: Sequence[Any]) -> ExpectedEnterprise:
    """Stopped production replaces the list of parts, it does not end the duty: those kept stay due."""
    first, stopped = rows[0], rows[0].status == "停产"
    parts = [
        ExpectedPart(row.part_id, row.number, row.part_name, stopped and not row.required_in_shutdown, row.part_risk)
        for row in rows
        if row.part_id is not None
    ]
    parts.sort(key=lambda part: natural_sort_key(part.number))
    return ExpectedEnterprise(
        first.id, first.code, first.name, first.short_name, first.risk, first.group_id, tuple(parts)
    )


def _as_written(expected: dict[str, Any]) -> list[ExpectedEnterprise]:
    return [_thawed(entry) for entry in expected["enterprises"]]


def _thawed(entry: dict[str, Any]) -> ExpectedEnterprise:
    return ExpectedEnterprise(**{**entry, "parts": tuple(ExpectedPart(**part) for part in entry["parts"])})


def close_night(store: Store, night: date, now: datetime) -> None:
    """Write down what was expected, so that a later register never re-judges this night."""
    frozen = {"enterprises": [asdict(enterprise) for enterprise in expected_enterprises(store, night)]}
    store.session.add(ClosedNight(night=night, closed_at=now, expected=frozen))


def judge_night(
    ctx: Context,
    night: date,
    enterprise_id: int | None = None,
    group_id: int | None = None,
) -> NightJudgement:
    """The judgement of a night, of all, of one enterprise or of those of a group.

    A film still being fetched stands for any missing part of its enterprise: it has been sent. One that a reviewer
    has found not to show its part stands for nothing, if a fresh one could still be brought.
    """
    with _all_of_it_lives():
        rows = ctx.store.submissions.judgement_rows_of_night(night, enterprise_id, group_id)
        return _judged_of(
            rows, expected_enterprises(ctx.store, night, enterprise_id, group_id), ctx.store, night, ctx.rules, ctx.now
        )


@contextmanager
def _all_of_it_lives() -> Iterator[None]:
    """Of millions of rows none is garbage: looking through them again and again takes as long as judging them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def judge_night_rows(rows: Sequence[Any], ctx: Context, night: date) -> NightJudgement:
    """The same of all, from what has been read already."""
    return _judged_of(rows, expected_enterprises(ctx.store, night), ctx.store, night, ctx.rules, ctx.now)


def _judged_of(
    rows: Sequence[Any],
    found: Sequence[ExpectedEnterprise],
    store: Store,
    night: date,
    book: RuleBook,
    now: datetime,
) -> NightJudgement:
    rejections, span = store.review.rejections(night, night), submission_window(night, book)
    return judge(found, _clips(rows, _employers_of(rows, store), _rejected(rejections, span, now)), span, now)


def judge_nights(ctx: Context, first: date, last: date) -> dict[date, NightJudgement]:
    """The same of every night from one through another, in as many queries as for one."""
    rows, rejections = (
        report_queries.judgement_rows(ctx.store.session, first, last),
        ctx.store.review.rejections(first, last),
    )
    of_rows, of_rejections = _by_night(rows), _by_night(rejections)
    employers, closed = _employers_of(rows, ctx.store), report_queries.closed_nights(ctx.store.session, first, last)
    nights = [first + timedelta(days=days) for days in range((last - first).days + 1)]
    present = _present(ctx.store) if closed.keys() < set(nights) else []
    judgements = {}
    for night in nights:
        span = submission_window(night, ctx.rules)
        clips = _clips(of_rows[night], employers, _rejected(of_rejections[night], span, ctx.now))
        found = _as_written(closed[night]) if night in closed else present
        judgements[night] = judge(found, clips, span, ctx.now)
    return judgements


def _by_night(rows: Sequence[Any]) -> dict[date, list[Any]]:
    found: dict[date, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.night].append(row)
    return found


def _rejected(rejections: Sequence[Any], span: SubmissionWindow, now: datetime) -> set[int]:
    """The films that had been rejected in time to be made up for, and still are."""
    return _stood(rejections, min(now, span.late_until - MIN_REFILM_TIME)) & _stood(rejections, now)


def _stood(rejections: Sequence[Any], at: datetime) -> set[int]:
    return {
        each.submission_id
        for each in rejections
        if each.given_at <= at and (each.superseded_at is None or each.superseded_at > at)
    }


def _employers_of(rows: Sequence[Any], store: Store) -> dict[int, list[int]]:
    """For which enterprises those film whose films nobody has placed yet."""
    unplaced = {row.person_id for row in rows if row.attribution == "unattributed" and row.enterprise_id is None}
    return store.register.enterprise_ids_of(unplaced - {None})


def _clips(rows: Sequence[Any], employers: dict[int, list[int]], rejected: set[int]) -> list[JudgeableFilm]:
    return [
        JudgeableFilm(
            row.enterprise_id,
            row.part_id if row.state == "filed" else None,
            row.sent_at,
            frozenset(employers.get(row.person_id, ())),
            row.id in rejected,
        )
        for row in rows
        if row.kind == "film" and row.attribution != "quarantined" and row.state in ("filed", "receiving")
    ]
