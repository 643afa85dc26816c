"""The daily report of a night: every enterprise in exactly one state, and who was on duty."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from schedules.alerts.summaries import emergency_summaries
from schedules.context import Context
from schedules.hazards.figures import HazardDay, hazards_of_day
from schedules.judgement import EnterpriseJudgement, NightJudgement
from schedules.night_judgement import judge_night
from schedules.patrol_night import SubmissionWindow, shift_day_of_night, submission_window
from schedules.reports.tallies import pushes_by_kind, year_bounds
from schedules.review.night_review import night_review
from schedules.review.tally import NOTHING_TO_REVIEW, ReviewTally, tally_review
from storage.db.models import Person, Submission
from storage.store import Store


@dataclass(frozen=True)
class ReportRow:
    """One enterprise's night; instants are aware, None when nothing was received."""

    code: str
    name: str
    risk: str | None
    state: str
    due: int
    done: int
    first_at: datetime | None
    last_at: datetime | None
    missing: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    review: ReviewTally = NOTHING_TO_REVIEW


@dataclass(frozen=True)
class ReportedFilm:
    """A film, photo or file that was received; `enterprise` and `part` are names, None while they are unknown."""

    receipt: str
    kind: str
    state: str
    sent_at: datetime
    enterprise: str | None = None
    part: str | None = None
    duration_s: float | None = None
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class DailyReport:
    """One night for the office: the counts always add up to `counts["expected"]`."""

    night: date
    window: SubmissionWindow
    issued_at: datetime
    counts: dict[str, int]
    rows: tuple[ReportRow, ...]
    leaders: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    reminders_sent: int = 0
    pushes: dict[str, int] = field(default_factory=dict)
    unattributed: int = 0
    quarantined: int = 0
    review: ReviewTally = NOTHING_TO_REVIEW
    films: tuple[ReportedFilm, ...] = ()
    audit_log_head: str | None = None
    emergencies: tuple[dict[str, Any], ...] = ()
    # Of the day on which the shift of the night begins; None in reports that were issued without them.
    hazards: HazardDay | None = None

    @property
    def films_digest(self) -> str:
        """SHA-256 in hex over one line `RECEIPT SHA256` for each stored film, sorted, each with a line break."""
        lines = sorted(f"{film.receipt} {film.sha256}\n" for film in self.films if film.sha256)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def daily_report(ctx: Context, night: date) -> DailyReport:
    """The report of a night as it stood at `ctx.now`."""
    store = ctx.store
    submissions = [each for each in store.submissions.of_night(night) if each.received_at <= ctx.now]
    by_enterprise = _by_enterprise(submissions)
    judgement, review = judge_night(ctx, night), night_review(ctx, night)
    rows = [
        _row(judged, by_enterprise[judged.enterprise.id], tally_review(review, judged.enterprise.id))
        for judged in judgement.enterprises
    ]
    posts = store.duty.people_on_shift(shift_day_of_night(night))
    return DailyReport(
        night,
        submission_window(night, ctx.rules),
        ctx.now,
        judgement.counts,
        tuple(rows),
        leaders=_names(posts["leader"]),
        backups=_names(posts["backup"]),
        staff=_names(posts["staff"]),
        reminders_sent=_reminders_sent(store, night),
        pushes=pushes_by_kind(store, year_bounds(night)[0], night),
        unattributed=sum(each.attribution == "unattributed" and each.state == "filed" for each in submissions),
        quarantined=sum(each.attribution == "quarantined" for each in submissions),
        review=tally_review(review),
        films=_films(submissions, judgement),
        audit_log_head=_head(store),
        emergencies=emergency_summaries(ctx, night),
        hazards=hazards_of_day(ctx, shift_day_of_night(night)),
    )


def _head(store: Store) -> str | None:
    head = store.audit_log.head()
    return str(head) if head else None


def _reminders_sent(store: Store, night: date) -> int:
    return sum(notice.kind == "reminder" and notice.state == "sent" for notice in store.notices.of_night(night))


def _by_enterprise(submissions: Sequence[Submission]) -> dict[int | None, list[Submission]]:
    found: dict[int | None, list[Submission]] = defaultdict(list)
    for each in submissions:
        found[each.enterprise_id].append(each)
    return found


def _row(judged: EnterpriseJudgement, submissions: Sequence[Submission], review: ReviewTally) -> ReportRow:
    enterprise, filed = judged.enterprise, [each for each in submissions if each.state == "filed"]
    return ReportRow(
        code=enterprise.code,
        name=enterprise.name,
        risk=enterprise.risk,
        state=judged.state,
        due=len(enterprise.due_parts),
        done=len(enterprise.due_parts) - len(judged.missing_parts),
        first_at=min((film.sent_at for film in filed), default=None),
        last_at=max((film.sent_at for film in filed), default=None),
        missing=tuple(part.label for part in judged.missing_parts),
        remarks=_remarks(submissions, filed),
        review=review,
    )


def _films(submissions: Sequence[Submission], judgement: NightJudgement) -> tuple[ReportedFilm, ...]:
    enterprises = {each.enterprise.id: each.enterprise.name for each in judgement.enterprises}
    parts = {part.id: part.label for each in judgement.enterprises for part in each.enterprise.parts}
    return tuple(
        ReportedFilm(
            film.receipt,
            film.kind,
            film.state,
            film.sent_at,
            enterprises.get(film.enterprise_id or 0),
            parts.get(film.part_id or 0),
            film.duration_s,
            film.bytes,
            film.sha256,
        )
        for film in submissions
    )


def _remarks(submissions: Sequence[Submission], filed: Sequence[Submission]) -> tuple[str, ...]:
    """The marks of the films; where only photos came, that: a photo does not replace a film."""
    if not filed:
        return ("photo_only",) if any(each.state == "supporting" for each in submissions) else ()
    return tuple(dict.fromkeys(mark for film in filed for mark in film.marks))


def _names(people: list[Person]) -> tuple[str, ...]:
    return tuple(person.name for person in people)
