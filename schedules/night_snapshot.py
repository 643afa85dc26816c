"""How the night stands: everything that a glance at the board, or one text message, has to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from schedules.judgement import ExpectedEnterprise, NightJudgement
from schedules.night_judgement import judged_of
from schedules.patrol_night import Window, night_of, shift_of_night, window
from schedules.rules import RuleBook, Stretch
from schedules.upcoming import Due, upcoming
from storage.db.models import Person
from storage.store import Store


@dataclass(frozen=True)
class Tonight:
    """One night as it stood at `at`. `last` is when each enterprise's latest film was sent, `sent` when all were."""

    night: date
    at: datetime
    window: Window
    judgement: NightJudgement
    duty: Mapping[str, Sequence[Person]]
    due: Sequence[Due]
    outages: Sequence[Stretch]
    sent: Sequence[datetime]
    last: Mapping[int, datetime]
    unattributed: int
    quarantined: int
    # Whom a message did not reach, and whom it reached by another way than was meant: names.
    undelivered: Sequence[str] = ()
    detoured: Sequence[str] = ()

    @property
    def is_open(self) -> bool:
        """Whether films can still come in time: what has not come is awaited, not yet in question."""
        return self.at <= self.window.closes

    def of(self, enterprises: frozenset[int] | None) -> Tonight:
        """The part of it that concerns some enterprises only (None = all)."""
        if enterprises is None:
            return self
        own = [each for each in self.judgement.enterprises if each.enterprise.id in enterprises]
        last = {key: instant for key, instant in self.last.items() if key in enterprises}
        return replace(
            self, judgement=NightJudgement(own), last=last, sent=sorted(last.values()), unattributed=0, quarantined=0,
            undelivered=(), detoured=(),
        )  # fmt: skip

    @property
    def essence(self) -> tuple[Any, ...]:
        """What has changed when anything on the board has; the minute belongs to it, for it is shown."""
        states = [(*_plain(each.enterprise), each.state, *each.parts.values()) for each in self.judgement.enterprises]
        people = [(post, [(each.id, each.name, each.mobile) for each in of_one]) for post, of_one in self.duty.items()]
        outages = [(each.what, each.began_at, each.ended_at) for each in self.outages]
        minute = self.at.replace(second=0, microsecond=0)
        return (
            self.night,
            minute,
            self.window,
            states,
            people,
            outages,
            self.last,
            self.unattributed,
            self.quarantined,
            self.undelivered,
            self.detoured,
        )


def _plain(enterprise: ExpectedEnterprise) -> tuple[Any, ...]:
    """What of an enterprise is shown; bare values, for these are written out at every look."""
    parts = [(part.number, part.name, part.risk) for part in enterprise.parts]
    return (enterprise.code, enterprise.short_name, enterprise.risk, parts)


def tonight(store: Store, rules: RuleBook, now: datetime) -> Tonight:
    """The night as it stands now, of the whole county."""
    night = night_of(now, rules)
    span, rows = window(night, rules), store.submissions.clips_of_night(night)
    films = [row for row in rows if row.kind == "film" and row.state in ("filed", "receiving")]
    last: dict[int, datetime] = {}
    for row in films:
        if row.enterprise_id is not None and row.place == "attributed":
            last[row.enterprise_id] = max(row.sent_at, last.get(row.enterprise_id, row.sent_at))
    undelivered, detoured = store.contacts.astray(night)
    return Tonight(
        night, now, span, judged_of(rows, store, night, rules, now),
        duty=store.duty.on(shift_of_night(night)), due=upcoming(night, rules, now),
        outages=[each for each in rules.outages if each.began_at < span.closes and each.ended_at > span.opens],
        sent=sorted(row.sent_at for row in films), last=last,
        unattributed=sum(row.place == "unattributed" for row in films),
        quarantined=sum(row.place == "quarantined" for row in rows), undelivered=undelivered, detoured=detoured,
    )  # fmt: skip
