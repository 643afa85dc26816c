"""The current state of a night: everything that the board and the status message show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from schedules.context import Context
from schedules.judgement import ExpectedEnterprise, NightJudgement
from schedules.night_judgement import garbage_collection_off, judge_night_rows
from schedules.patrol_night import (
    SubmissionWindow,
    TimetableEntry,
    shift_day_of_night,
    submission_window,
    upcoming_entries,
)
from schedules.rules import OutageLike
from storage.db.models import Person


@dataclass(frozen=True)
class NightSnapshot:
    """One night as of an instant.

    `duty` is by post, `sent_times` are those of all films, `last_sent_at` is by enterprise id. `undelivered` and
    `failed_over` name the people whom a message did not reach, or reached only by another route.
    """

    night: date
    as_of: datetime
    window: SubmissionWindow
    judgement: NightJudgement
    duty: Mapping[str, Sequence[Person]]
    upcoming: Sequence[TimetableEntry]
    outages: Sequence[OutageLike]
    sent_times: Sequence[datetime]
    last_sent_at: Mapping[int, datetime]
    unattributed: int
    quarantined: int
    undelivered: Sequence[str] = ()
    failed_over: Sequence[str] = ()

    @property
    def is_open(self) -> bool:
        """Whether films can still come on time."""
        return self.as_of <= self.window.closes

    def for_enterprises(self, enterprises: frozenset[int] | None) -> NightSnapshot:
        """The part of it that concerns these enterprises only (None = all)."""
        if enterprises is None:
            return self
        own = [each for each in self.judgement.enterprises if each.enterprise.id in enterprises]
        last_sent_at = {key: instant for key, instant in self.last_sent_at.items() if key in enterprises}
        return replace(
            self,
            judgement=NightJudgement(own),
            last_sent_at=last_sent_at,
            sent_times=sorted(last_sent_at.values()),
            unattributed=0,
            quarantined=0,
            undelivered=(),
            failed_over=(),
        )

    @property
    def change_key(self) -> tuple[Any, ...]:
        """Differs whenever something on the board differs, including the minute it shows."""
        states = [
            (*_shown(each.enterprise), each.state, *each.part_states.values()) for each in self.judgement.enterprises
        ]
        duty = [(post, [(each.id, each.name, each.mobile) for each in people]) for post, people in self.duty.items()]
        outages = [(each.kind, each.started_at, each.ended_at) for each in self.outages]
        minute = self.as_of.replace(second=0, microsecond=0)
        return (
            self.night,
            minute,
            self.window,
            states,
            duty,
            outages,
            self.last_sent_at,
            self.unattributed,
            self.quarantined,
            self.undelivered,
            self.failed_over,
        )


def _shown(enterprise: ExpectedEnterprise) -> tuple[Any, ...]:
    """An enterprise on the board, as plain values: the change key is computed on every request."""
    parts = [(part.number, part.name, part.risk) for part in enterprise.parts]
    return (enterprise.code, enterprise.short_name, enterprise.risk, parts)


def load_night_snapshot(ctx: Context) -> NightSnapshot:
    """The present night as of now, of the whole county."""
    with garbage_collection_off():
        return _load(ctx)


def _load(ctx: Context) -> NightSnapshot:
    night = ctx.night
    window, rows = submission_window(night, ctx.rules), ctx.store.submissions.judgement_rows_of_night(night)
    films = [row for row in rows if row.kind == "film" and row.state in ("filed", "receiving")]
    last_sent_at: dict[int, datetime] = {}
    for row in films:
        if row.enterprise_id is not None and row.attribution == "attributed":
            last_sent_at[row.enterprise_id] = max(row.sent_at, last_sent_at.get(row.enterprise_id, row.sent_at))
    undelivered, failed_over = ctx.store.contacts.delivery_problems(night)
    return NightSnapshot(
        night,
        ctx.now,
        window,
        judge_night_rows(rows, ctx, night),
        duty=ctx.store.duty.people_on_shift(shift_day_of_night(night)),
        upcoming=upcoming_entries(night, ctx.rules, ctx.now),
        outages=[
            each for each in ctx.rules.outages if each.started_at < window.closes and each.ended_at > window.opens
        ],
        sent_times=sorted(row.sent_at for row in films),
        last_sent_at=last_sent_at,
        unattributed=sum(row.attribution == "unattributed" for row in films),
        quarantined=sum(row.attribution == "quarantined" for row in rows),
        undelivered=undelivered,
        failed_over=failed_over,
    )
