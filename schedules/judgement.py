"""What a night's films amount to. Pure: what was expected and what came in, judgement out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from schedules.patrol_night import SubmissionWindow

STATES = ("on_time", "late", "partial", "missing", "exempt", "unjudged")


@dataclass(frozen=True)
class ExpectedPart:
    """One key part of an enterprise; `exempt` while production has stopped and the part may rest."""

    id: int
    number: str
    name: str
    exempt: bool = False
    risk: str | None = None


@dataclass(frozen=True)
class ExpectedEnterprise:
    """One enterprise and all its parts, as the register has them for the night."""

    id: int
    code: str
    name: str
    short_name: str
    risk: str | None
    group_id: int | None
    parts: tuple[ExpectedPart, ...]

    @property
    def due_parts(self) -> tuple[ExpectedPart, ...]:
        """The parts that must be filmed tonight."""
        return tuple(part for part in self.parts if not part.exempt)


@dataclass(frozen=True)
class JudgeableFilm:
    """A fit film as judging sees it; `candidates` are the enterprises an unattributed one may belong to.

    A `rejected` one was found not to show its part: it only tells that a fresh one has been asked for.
    """

    enterprise_id: int | None
    part_id: int | None
    sent_at: datetime
    candidate_ids: frozenset[int] = frozenset()
    rejected: bool = False


@dataclass(frozen=True)
class EnterpriseJudgement:
    """An enterprise's night: its own state and the state of each part (by part id)."""

    enterprise: ExpectedEnterprise
    state: str
    part_states: Mapping[int, str]
    unattributed_count: int = 0

    @property
    def missing_parts(self) -> tuple[ExpectedPart, ...]:
        """The due parts for which no film has come in time or late."""
        return tuple(part for part in self.enterprise.due_parts if self.part_states[part.id] not in ("on_time", "late"))

    @property
    def confirmed_missing_parts(self) -> tuple[ExpectedPart, ...]:
        """The missing parts that not even the films still waiting for a name could be."""
        return () if self.unattributed_count >= len(self.missing_parts) else self.missing_parts

    @property
    def nothing_received(self) -> bool:
        """Nothing at all has come from an enterprise of which something is due."""
        return (
            bool(self.enterprise.due_parts)
            and not self.unattributed_count
            and len(self.missing_parts) == len(self.enterprise.due_parts)
        )


@dataclass(frozen=True)
class NightJudgement:
    """The whole night, enterprise by enterprise; the counts always add up to `expected`."""

    enterprises: Sequence[EnterpriseJudgement]

    @property
    def counts(self) -> dict[str, int]:
        """How many enterprises are in each state, and how many there are."""
        found = Counter(judged.state for judged in self.enterprises)
        return {"expected": len(self.enterprises), **{state: found[state] for state in STATES}}

    @property
    def confirmed_missing(self) -> list[EnterpriseJudgement]:
        """The enterprises that owe films and can be told so."""
        return [judged for judged in self.enterprises if judged.confirmed_missing_parts]

    @property
    def is_undecided(self) -> bool:
        """Nobody can be told that he owes a film, and yet not all have come: some still wait to be judged."""
        return not self.confirmed_missing and any(judged.missing_parts for judged in self.enterprises)

    def suggests_outage(self, threshold: float) -> bool:
        """More than the threshold's share of those who owe films are wholly silent: rather us than them."""
        due = sum(bool(judged.enterprise.due_parts) for judged in self.enterprises)
        silent = sum(judged.nothing_received for judged in self.enterprises)
        return due > 0 and silent / due > threshold


def judge(
    expected: Iterable[ExpectedEnterprise], films: Iterable[JudgeableFilm], window: SubmissionWindow, now: datetime
) -> NightJudgement:
    """Judge a night as it stands at `now`, by the instants at which the platform says films were sent."""
    best: dict[int, str] = {}
    waiting: Counter[int] = Counter()
    asked_again: set[int] = set()
    for clip in films:
        lateness = window.lateness(clip.sent_at)
        if clip.rejected and clip.part_id is not None:
            asked_again |= {clip.part_id} if lateness in ("on_time", "late") else set()
        elif clip.part_id is not None:
            best[clip.part_id] = min(best.get(clip.part_id, "missing"), lateness, key=_RANK.__getitem__)
        elif lateness in ("on_time", "late"):
            waiting.update({clip.enterprise_id} if clip.enterprise_id else clip.candidate_ids)
    still_open = None if now <= window.closes else asked_again if now <= window.late_until else set[int]()
    return NightJudgement([_judge_one(each, best, waiting[each.id], still_open) for each in expected])


_RANK: Mapping[str, int] = defaultdict(lambda: 9, {"on_time": 0, "late": 1, "missing": 2})


def _judge_one(
    enterprise: ExpectedEnterprise, best: Mapping[int, str], waiting: int, still_open: Set[int] | None
) -> EnterpriseJudgement:
    """A film nobody has named yet may be any of the missing parts: none of them is called missing.

    `still_open` are the parts whose film was rejected and may be sent anew; None while all are open.
    """
    parts = {}
    for part in enterprise.parts:
        is_open = waiting or still_open is None or part.id in still_open
        parts[part.id] = _part_state(part, best, "unjudged" if is_open else "missing")
    return EnterpriseJudgement(enterprise, _whole([parts[part.id] for part in enterprise.due_parts]), parts, waiting)


def _part_state(part: ExpectedPart, best: Mapping[int, str], open_state: str) -> str:
    if part.exempt:
        return "exempt"
    found = best.get(part.id, "missing")
    return found if found in ("on_time", "late") else open_state


def _whole(due: Sequence[str]) -> str:
    if not due:
        return "exempt"
    if "unjudged" in due:
        return "unjudged"
    if "missing" in due:
        return "missing" if set(due) == {"missing"} else "partial"
    return "late" if "late" in due else "on_time"
