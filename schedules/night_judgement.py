"""The judgement of stored nights: what the register expects together with the films received."""

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
from schedules.notify import was_in_service
from schedules.patrol_night import ONE_DAY, SubmissionWindow, submission_window
from storage import report_queries
from storage.db.models import ClosedNight
from storage.register import natural_sort_key
from storage.register_terms import SHUT_DOWN
from storage.review import UNDO_PERIOD
from storage.store import Store

# How long an enterprise must have for a new film; a rejection that comes later changes no state.
MIN_REFILM_TIME = timedelta(hours=1)
_CLOSE_WITHIN = timedelta(days=7)


def expected_enterprises(
    store: Store, night: date, enterprise_id: int | None = None, group_id: int | None = None
) -> list[ExpectedEnterprise]:
    """The enterprises expected to film that night: as stored when it was closed, else as the register is now."""
    closed = store.session.get(ClosedNight, night)
    if closed is None:
        return _from_register(store, enterprise_id, group_id)
    return [
        each
        for each in _from_closed_night(closed.expected)
        if enterprise_id in (None, each.id) and group_id in (None, each.group_id)
    ]


def _from_register(
    store: Store, enterprise_id: int | None = None, group_id: int | None = None
) -> list[ExpectedEnterprise]:
    rows = store.register.expected_parts(enterprise_id, group_id)
    return [_from_rows(list(enterprise_rows)) for _, enterprise_rows in groupby(rows, key=lambda row: row.id)]


def _from_rows(rows: Sequence[Any]) -> ExpectedEnterprise:
    """During a shutdown the enterprise still films the parts that are marked as required then."""
    first, shut_down = rows[0], rows[0].status == SHUT_DOWN
    parts = [
        ExpectedPart(row.part_id, row.number, row.part_name, shut_down and not row.required_in_shutdown, row.part_risk)
        for row in rows
        if row.part_id is not None
    ]
    parts.sort(key=lambda part: natural_sort_key(part.number))
    return ExpectedEnterprise(
        first.id, first.code, first.name, first.short_name, first.risk, first.group_id, tuple(parts)
    )


def _from_closed_night(expected: dict[str, Any]) -> list[ExpectedEnterprise]:
    return [
        ExpectedEnterprise(**{**entry, "parts": tuple(ExpectedPart(**part) for part in entry["parts"])})
        for entry in expected["enterprises"]
    ]


def close_nights(ctx: Context) -> None:
    """Once no film can be late any more, close the night."""
    for night in {ctx.night, ctx.night - ONE_DAY, *ctx.store.submissions.nights_since(ctx.night - _CLOSE_WITHIN)}:
        ends = submission_window(night, ctx.rules).late_until
        if ends < ctx.now and was_in_service(ctx.store, ends) and ctx.store.session.get(ClosedNight, night) is None:
            close_night(ctx.store, night, ctx.now)


def close_night(store: Store, night: date, now: datetime) -> None:
    """Store what was expected, so that later changes of the register never change this night's judgement."""
    expected = {"enterprises": [asdict(enterprise) for enterprise in expected_enterprises(store, night)]}
    store.session.add(ClosedNight(night=night, closed_at=now, expected=expected))


def judge_night(
    ctx: Context, night: date, enterprise_id: int | None = None, group_id: int | None = None
) -> NightJudgement:
    """The judgement of a night, of all enterprises, of one or of those of a group.

    A film still being fetched counts for any missing part of its enterprise: it has been sent. A film that a reviewer
    rejected counts for nothing if there was time to send another.
    """
    with garbage_collection_off():
        rows = ctx.store.submissions.judgement_rows_of_night(night, enterprise_id, group_id)
        expected = expected_enterprises(ctx.store, night, enterprise_id, group_id)
        return _judge_rows(rows, expected, ctx, night)


def judge_night_rows(rows: Sequence[Any], ctx: Context, night: date) -> NightJudgement:
    """The judgement of a night, of all enterprises, from submission rows already read."""
    return _judge_rows(rows, expected_enterprises(ctx.store, night), ctx, night)


def _judge_rows(
    rows: Sequence[Any], expected: Sequence[ExpectedEnterprise], ctx: Context, night: date
) -> NightJudgement:
    rejections, window = ctx.store.review.rejections(night, night), submission_window(night, ctx.rules)
    films = _judgeable_films(rows, _employers(rows, ctx.store), _rejected_ids(rejections, window, ctx.now))
    return judge(expected, films, window, ctx.now, ctx.store.outages.reminder_graces(night, night)[night])


@contextmanager
def garbage_collection_off() -> Iterator[None]:
    """None of the millions of rows is garbage: scanning them repeatedly would take as long as judging them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def judge_nights(
    ctx: Context, first: date, last: date, enterprises: frozenset[int] | None = None
) -> dict[date, NightJudgement]:
    """The judgements of all nights from the first through the last, with as many queries as for one night.

    Of these enterprises, None = of all.
    """
    session = ctx.store.session
    rows = report_queries.judgement_rows(session, first, last, enterprises)
    rows_by_night, rejections = _by_night(rows), _by_night(ctx.store.review.rejections(first, last))
    employers, closed = _employers(rows, ctx.store), report_queries.closed_nights(session, first, last)
    nights = [first + timedelta(days=days) for days in range((last - first).days + 1)]
    graces = ctx.store.outages.reminder_graces(first, last)
    registered = _from_register(ctx.store) if closed.keys() < set(nights) else []
    judgements = {}
    for night in nights:
        window = submission_window(night, ctx.rules)
        rejected = _rejected_ids(rejections[night], window, ctx.now)
        expected = _from_closed_night(closed[night]) if night in closed else registered
        if enterprises is not None:
            expected = [each for each in expected if each.id in enterprises]
        films = _judgeable_films(rows_by_night[night], employers, rejected)
        judgements[night] = judge(expected, films, window, ctx.now, graces[night])
    return judgements


def _by_night(rows: Sequence[Any]) -> dict[date, list[Any]]:
    by_night: dict[date, list[Any]] = defaultdict(list)
    for row in rows:
        by_night[row.night].append(row)
    return by_night


def _rejected_ids(rejections: Sequence[Any], window: SubmissionWindow, now: datetime) -> set[int]:
    """The films rejected early enough to be filmed again, and still rejected."""
    decisive = min(now, window.late_until - MIN_REFILM_TIME)
    return _rejected_at(rejections, decisive) & _rejected_at(rejections, now)


def _rejected_at(rejections: Sequence[Any], instant: datetime) -> set[int]:
    return {
        each.submission_id
        for each in rejections
        if each.given_at + UNDO_PERIOD <= instant and (each.superseded_at is None or each.superseded_at > instant)
    }


def _employers(rows: Sequence[Any], store: Store) -> dict[int, list[int]]:
    """Person id -> enterprise ids, for the senders of films without an enterprise."""
    senders = {row.person_id for row in rows if row.attribution == "unattributed" and row.enterprise_id is None}
    return store.register.enterprise_ids_of(senders - {None})


def _judgeable_films(rows: Sequence[Any], employers: dict[int, list[int]], rejected: set[int]) -> list[JudgeableFilm]:
    candidates, nobody = {person: frozenset(found) for person, found in employers.items()}, frozenset[int]()
    return [
        JudgeableFilm(
            row.enterprise_id,
            row.part_id if row.state == "filed" else None,
            row.sent_at,
            candidates.get(row.person_id, nobody),
            row.id in rejected,
        )
        for row in rows
        if row.kind == "film" and row.attribution != "quarantined" and row.state in ("filed", "receiving")
    ]
