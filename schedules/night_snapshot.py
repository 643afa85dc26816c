"""How the night stands: everything that a glance at the board, or one text message, has to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from schedules.context import Context
from schedules.judgement import ExpectedEnterprise, NightJudgement
from schedules.night_judgement import judge_night_rows
from schedules.patrol_night import SubmissionWindow, night_of, shift_day_of_night, submission_window
from schedules.rules import OutageLike
from schedules.upcoming import TimetableEntry, upcoming_entries
from storage.db.models import Person


@dataclass(frozen=True)
class NightSnapshot:
    """One night as it stood at `at`. `last` is when each enterprise's latest film was sent, `sent` when all were."""

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
    # Whom a message did not reach, and whom it reached by another way than was meant: names.
    undelivered: Sequence[str] = ()
    failed_over: Sequence[str] = ()

    @property
    def is_open(self) -> bool:
        """Whether films can still come in time: what has not come is awaited, not yet in question."""
        return self.as_of <= self.window.closes

    def for_enterprises(self, enterprises: frozenset[int] | None) -> NightSnapshot:
        """The part of it that concerns some enterprises only (None = all)."""
        if enterprises is None:
            return self
        own = [each for each in self.judgement.enterprises if each.enterprise.id in enterprises]
        last = {key: instant for key, instant in self.last_sent_at.items() if key in enterprises}
        return replace(
            self,
            judgement=NightJudgement(own),
            last_sent_at=last,
            sent_times=sorted(last.values()),
            unattributed=0,
            quarantined=0,
            undelivered=(),
            failed_over=(),
        )

    @property
    def change_key(self) -> tuple[Any, ...]:
        """What has changed when anything on the board has; the minute belongs to it, for it is shown."""
        states = [
            (*_plain(each.enterprise), each.state, *each.part_states.values()) for each in self.judgement.enterprises
        ]
        people = [(post, [(each.id, each.name, each.mobile) for each in of_one]) for post, of_one in self.duty.items()]
        outages = [(each.kind, each.started_at, each.ended_at) for each in self.outages]
        minute = self.as_of.replace(second=0, microsecond=0)
        return (
            self.night,
            minute,
            self.window,
            states,
            people,
            outages,
            self.last_sent_at,
            self.unattributed,
            self.quarantined,
            self.undelivered,
            self.failed_over,
        )


def _plain(enterprise: ExpectedEnterprise) -> tuple[Any, ...]:
    """What of an enterprise is shown; bare values, for these are written out at every look."""
    parts = [(part.number, part.name, part.risk) for part in enterprise.parts]
    return (enterprise.code, enterprise.short_name, enterprise.risk, parts)


def load_night_snapshot(ctx: Context) -> NightSnapshot:
    """The night as it stands now, of the whole county."""
    night = night_of(ctx.now, ctx.rules)
    span, rows = submission_window(night, ctx.rules), ctx.store.submissions.judgement_rows_of_night(night)
    films = [row for row in rows if row.kind == "film" and row.state in ("filed", "receiving")]
    last: dict[int, datetime] = {}
    for row in films:
        if row.enterprise_id is not None and row.attribution == "attributed":
            last[row.enterprise_id] = max(row.sent_at, last.get(row.enterprise_id, row.sent_at))
    undelivered, detoured = ctx.store.contacts.delivery_problems(night)
    return NightSnapshot(
        night,
        ctx.now,
        span,
        judge_night_rows(rows, ctx, night),
        duty=ctx.store.duty.people_on_shift(shift_day_of_night(night)),
        upcoming=upcoming_entries(night, ctx.rules, ctx.now),
        outages=[each for each in ctx.rules.outages if each.started_at < span.closes and each.ended_at > span.opens],
        sent_times=sorted(row.sent_at for row in films),
        last_sent_at=last,
        unattributed=sum(row.attribution == "unattributed" for row in films),
        quarantined=sum(row.attribution == "quarantined" for row in rows),
        undelivered=undelivered,
        failed_over=detoured,
    )
