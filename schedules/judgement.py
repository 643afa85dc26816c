"""The judgement of a night: from the expected parts and the films received to a state for each enterprise. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from schedules.patrol_night import SubmissionWindow

STATES = ("on_time", "late", "partial", "missing", "exempt", "unjudged")
_COUNTING = ("on_time", "late")
_NO_GRACES: Mapping[int, datetime] = MappingProxyType({})


@dataclass(frozen=True)
class ExpectedPart:
    """One key part of an enterprise; `exempt` while the enterprise is shut down and the part need not be filmed."""

    id: int
    number: str
    name: str
    exempt: bool = False
    risk: str | None = None

    @property
    def label(self) -> str:
        """Number and name, as people see the part."""
        return f"{self.number} {self.name}"


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

    @cached_property
    def due_parts(self) -> tuple[ExpectedPart, ...]:
        """The parts that must be filmed tonight."""
        return tuple(part for part in self.parts if not part.exempt)


@dataclass(frozen=True)
class JudgeableFilm:
    """A fit film as the judgement sees it; `candidate_ids` are the enterprises an unattributed one may belong to.

    A `rejected` film was found not to show its part: it only says that a new one has been requested.
    """

    enterprise_id: int | None
    part_id: int | None
    sent_at: datetime
    candidate_ids: frozenset[int] = frozenset()
    rejected: bool = False


@dataclass(frozen=True)
class EnterpriseJudgement:
    """The state of an enterprise for a night, and the state of each part by part id."""

    enterprise: ExpectedEnterprise
    state: str
    part_states: Mapping[int, str]
    unattributed_count: int = 0

    @cached_property
    def missing_parts(self) -> tuple[ExpectedPart, ...]:
        """The due parts without a film sent on time or late."""
        return tuple(part for part in self.enterprise.due_parts if self.part_states[part.id] not in _COUNTING)

    @property
    def confirmed_missing_parts(self) -> tuple[ExpectedPart, ...]:
        """The missing parts; none while the unattributed films could cover all of them."""
        return () if self.unattributed_count >= len(self.missing_parts) else self.missing_parts

    @property
    def nothing_received(self) -> bool:
        """Whether an enterprise with due parts has sent nothing at all."""
        due = self.enterprise.due_parts
        return bool(due) and not self.unattributed_count and len(self.missing_parts) == len(due)


@dataclass(frozen=True)
class NightJudgement:
    """The judgements of all enterprises for a night."""

    enterprises: Sequence[EnterpriseJudgement]

    @property
    def counts(self) -> dict[str, int]:
        """The number of enterprises in each state, and their sum as `expected`."""
        counts = Counter(judged.state for judged in self.enterprises)
        return {"expected": len(self.enterprises), **{state: counts[state] for state in STATES}}

    @property
    def confirmed_missing(self) -> list[EnterpriseJudgement]:
        """The enterprises that certainly miss a film, and may be reminded."""
        return [judged for judged in self.enterprises if judged.confirmed_missing_parts]

    @property
    def due_count(self) -> int:
        """How many enterprises must film at least one part."""
        return sum(bool(judged.enterprise.due_parts) for judged in self.enterprises)

    @property
    def is_undecided(self) -> bool:
        """Whether no film is certainly missing and yet not all have come: some are still unattributed."""
        return not self.confirmed_missing and any(judged.missing_parts for judged in self.enterprises)

    def suggests_outage(self, threshold: float) -> bool:
        """Whether so large a share of the due enterprises is silent that an outage on our side is more likely."""
        silent = sum(judged.nothing_received for judged in self.enterprises)
        return self.due_count > 0 and silent / self.due_count > threshold


def judge(
    expected: Iterable[ExpectedEnterprise],
    films: Iterable[JudgeableFilm],
    window: SubmissionWindow,
    now: datetime,
    graces: Mapping[int, datetime] = _NO_GRACES,
) -> NightJudgement:
    """Judge a night as of `now`, by the instants at which the platform says the films were sent.

    `graces`: enterprise id -> until when a late film counts as on time.
    """
    received: dict[int, str] = {}
    unattributed: Counter[int] = Counter()
    requested_again: set[int] = set()
    for film in films:
        lateness = window.lateness(film.sent_at)
        if lateness == "late" and film.sent_at <= graces.get(film.enterprise_id or 0, window.closes):
            lateness = "on_time"
        if lateness not in _COUNTING:
            continue
        if film.part_id is None:
            unattributed.update({film.enterprise_id} if film.enterprise_id else film.candidate_ids)
        elif film.rejected:
            requested_again.add(film.part_id)
        elif received.get(film.part_id) != "on_time":
            received[film.part_id] = lateness
    open_parts = None if now <= window.closes else requested_again if now <= window.late_until else set[int]()
    return NightJudgement([_judge_enterprise(each, received, unattributed[each.id], open_parts) for each in expected])


def _judge_enterprise(
    enterprise: ExpectedEnterprise, received: Mapping[int, str], unattributed: int, open_parts: Set[int] | None
) -> EnterpriseJudgement:
    """`open_parts` are the parts whose film was rejected and may be sent again; None while the window is open.

    An unattributed film may show any of the missing parts, so none of them is judged missing.
    """
    states = {}
    for part in enterprise.parts:
        is_open = unattributed or open_parts is None or part.id in open_parts
        states[part.id] = "exempt" if part.exempt else received.get(part.id, "unjudged" if is_open else "missing")
    due_states = [states[part.id] for part in enterprise.due_parts]
    return EnterpriseJudgement(enterprise, _enterprise_state(due_states), states, unattributed)


def _enterprise_state(due_states: Sequence[str]) -> str:
    if not due_states:
        return "exempt"
    if "unjudged" in due_states:
        return "unjudged"
    if "missing" in due_states:
        return "missing" if set(due_states) == {"missing"} else "partial"
    return "late" if "late" in due_states else "on_time"
