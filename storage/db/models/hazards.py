"""Hazards, their moves from state to state, attempts at putting them right, and extensions of their deadlines.

Triggers in the migration keep what no constraint can: nothing is deleted, moves and verdicts are never altered, a
closed hazard stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage import hazard_terms as terms
from storage.db.models.base import Base, Id, quoted


def _known(column: str, values: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} in ({quoted(values)})", name=f"hazard_{column}")


_MOVES = [f"{before or ''}>{after}" for before, targets in terms.ALLOWED_MOVES.items() for after in targets]
_WITH_REASON = ["awaiting_acceptance>rectifying", *(move for move in _MOVES if move.endswith(">void"))]
_MOVE = "(coalesce(from_state,'') || '>' || to_state)"


class Hazard(Base):
    """One hazard. Its state is that of its last move, and only another move can change it.

    `found_on` is the date of `found_at` in the county's zone. `submitted_on` is the date of the attempt that awaits
    acceptance. Names are as given at that time; the id beside a name is None for a person who is not in the register.
    """

    __tablename__ = "hazard"
    __table_args__ = (
        UniqueConstraint("year", "ordinal", name="hazard_number_once"),
        ForeignKeyConstraint(
            ["number", "last_move", "state"],
            ["hazard_move.hazard_number", "hazard_move.seq", "hazard_move.to_state"],
            name="hazard_state_is_of_last_move",
        ),
        ForeignKeyConstraint(
            ["inspection_number", "enterprise_id"],
            ["inspection.number", "inspection.enterprise_id"],
            name="hazard_of_inspection",
        ),
        _known("state", terms.STATES),
        _known("level", terms.LEVELS),
        _known("source", terms.SOURCES),
        _known("kind", terms.KINDS),
        _known("treatment", terms.TREATMENTS),
        _known("classification", terms.CLASSIFICATIONS),
        _known("stage", terms.STAGES),
        CheckConstraint(
            f"state in ({quoted((terms.INCOMPLETE, terms.VOID))}) or (part_id is not null and matter is not null"
            " and responsible is not null and measure is not null and deadline is not null"
            " and first_deadline is not null and (level <> 'major' or criterion is not null))",
            name="hazard_complete",
        ),
        CheckConstraint("deadline >= found_on", name="hazard_deadline_after_finding"),
        CheckConstraint("deadline >= first_deadline", name="hazard_first_deadline"),
        CheckConstraint("found_at <= registered_at", name="hazard_found_before_registered"),
        CheckConstraint("cost_yuan >= 0", name="hazard_cost"),
        CheckConstraint("repeat_of <> number", name="hazard_repeats_another"),
        CheckConstraint(
            f"(closed_at is not null) = (state in ({quoted(terms.CLOSED_STATES)}))", name="hazard_closed_at"
        ),
        CheckConstraint(
            "state <> 'accepted' or (accepted_by_id is not null and fixed_by_id is not null"
            " and accepted_by_id <> fixed_by_id and accepted_by_id <> coalesce(responsible_id, 0))",
            name="hazard_accepted_by_another",
        ),
        # The finding is there for the reminders at half of the time, the rest for the counts, which read this only.
        Index("hazard_state_deadline", "state", "deadline", "found_on", "submitted_on"),
        Index("hazard_enterprise", "enterprise_id", "state"),
        Index("hazard_repeats", "part_id", "kind", "found_on"),
    )
    number: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int]
    ordinal: Mapped[int]
    # What led to the hazard, such as a verdict or a message, so that it leads to one hazard only.
    once_key: Mapped[str | None] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str]
    last_move: Mapped[int] = mapped_column(default=1)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    part_id: Mapped[int | None] = mapped_column(ForeignKey("key_part.id"))
    inspection_number: Mapped[str | None] = mapped_column(index=True)
    level: Mapped[str] = mapped_column(default=terms.GENERAL)
    # Standard and clause, as in criteria.toml.
    criterion: Mapped[str | None]
    source: Mapped[str]
    kind: Mapped[str]
    treatment: Mapped[str]
    matter: Mapped[str | None]
    responsible: Mapped[str | None]
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    measure: Mapped[str | None]
    deadline: Mapped[date | None]
    first_deadline: Mapped[date | None]
    submitted_on: Mapped[date | None]
    cause: Mapped[str | None]
    classification: Mapped[str | None]
    stage: Mapped[str | None]
    cost_yuan: Mapped[int | None]
    # Of a major hazard: heading (see hazard_terms) -> text.
    plan: Mapped[dict[str, Any] | None]
    supervised_by: Mapped[str | None]
    supervisor: Mapped[str | None]
    remarks: Mapped[str | None]
    found_at: Mapped[datetime]
    found_on: Mapped[date] = mapped_column(index=True)
    found_by: Mapped[str]
    found_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    registered_at: Mapped[datetime]
    registered_by: Mapped[str]
    registered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    # When the enterprise may learn of it (None: at once): a verdict can still be undone for a moment.
    withheld_until: Mapped[datetime | None]
    # The film or photo that shows it, and the position in the film in seconds.
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"), index=True)
    at_s: Mapped[float | None]
    # Checked at the commit: in a backup it may stand before the hazard that it refers to.
    repeat_of: Mapped[str | None] = mapped_column(
        ForeignKey("hazard.number", name="hazard_repeats", deferrable=True, initially="DEFERRED")
    )
    fixed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    # Ids in the national exchange.
    hazard_code: Mapped[str | None]
    risk_measure_id: Mapped[str | None]
    check_record_id: Mapped[str | None]

    # Every update names the version that it was made from; SQLAlchemy raises StaleDataError if it is gone.
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def audit_subject(self) -> str:
        """The subject of its entries in the audit log."""
        return f"隐患/{self.number}"

    def is_known_to_enterprise(self, at: datetime) -> bool:
        """Whether the enterprise may know of it by then; of one that was closed before, it never does."""
        return self.withheld_until is None or self.withheld_until <= min(at, self.closed_at or at)


class HazardMove(Base):
    """One move of a hazard from a state to the next: the moves of a hazard are a chain without gaps.

    It refers to no hazard, because it is written before the state that refers to it.
    """

    __tablename__ = "hazard_move"
    __table_args__ = (
        UniqueConstraint("hazard_number", "seq", name="hazard_move_seq_once"),
        ForeignKeyConstraint(
            ["hazard_number", "previous_seq", "from_state"],
            ["hazard_move.hazard_number", "hazard_move.seq", "hazard_move.to_state"],
            name="hazard_move_continues",
        ),
        CheckConstraint(f"{_MOVE} in ({quoted(_MOVES)})", name="hazard_move_allowed"),
        CheckConstraint(f"reason is not null or {_MOVE} not in ({quoted(_WITH_REASON)})", name="hazard_move_reason"),
        CheckConstraint(
            "coalesce(previous_seq, 0) = seq - 1 and (previous_seq is null) = (from_state is null)",
            name="hazard_move_sequence",
        ),
    )
    hazard_number: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    to_state: Mapped[str] = mapped_column(primary_key=True)
    previous_seq: Mapped[int | None]
    from_state: Mapped[str | None]
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    by_name: Mapped[str]
    reason: Mapped[str | None]


class HazardAttempt(Base):
    """One attempt at putting a hazard right, with the film or photo that shows it, and the verdict on it."""

    __tablename__ = "hazard_attempt"
    __table_args__ = (
        UniqueConstraint("hazard_number", "submission_id", name="hazard_attempt_film_once"),
        CheckConstraint(f"verdict in ({quoted(terms.VERDICTS)})", name="hazard_attempt_verdict"),
        CheckConstraint(
            "(verdict is null) = (verdict_at is null) and (verdict is null) = (verdict_by_id is null)",
            name="hazard_attempt_judged",
        ),
        CheckConstraint("verdict_by_id <> by_id", name="hazard_attempt_judged_by_another"),
        CheckConstraint("verdict <> 'returned' or reason is not null", name="hazard_attempt_reason"),
    )
    hazard_number: Mapped[str] = mapped_column(ForeignKey("hazard.number"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    submitted_at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    by_name: Mapped[str]
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    note: Mapped[str | None]
    verdict: Mapped[str | None]
    verdict_at: Mapped[datetime | None]
    verdict_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    verdict_by: Mapped[str | None]
    reason: Mapped[str | None]


class HazardExtension(Base):
    """A request for a later deadline, and the decision on it. `asked_on`: in the county's zone."""

    __tablename__ = "hazard_extension"
    __table_args__ = (
        CheckConstraint(f"state in ({quoted(terms.EXTENSION_STATES)})", name="hazard_extension_state"),
        CheckConstraint("new_deadline > old_deadline", name="hazard_extension_later"),
        CheckConstraint("asked_on <= old_deadline", name="hazard_extension_in_time"),
        CheckConstraint(
            "(state = 'asked') = (decided_at is null) and (state = 'asked') = (decided_by_id is null)",
            name="hazard_extension_decided",
        ),
        CheckConstraint("decided_by_id <> asked_by_id", name="hazard_extension_decided_by_another"),
        CheckConstraint("state <> 'refused' or decision_reason is not null", name="hazard_extension_reason"),
        Index(
            "hazard_extension_asked",
            "hazard_number",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    hazard_number: Mapped[str] = mapped_column(ForeignKey("hazard.number"), index=True)
    asked_at: Mapped[datetime]
    asked_on: Mapped[date]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_by: Mapped[str]
    reason: Mapped[str]
    interim: Mapped[str]
    old_deadline: Mapped[date]
    new_deadline: Mapped[date]
    state: Mapped[str] = mapped_column(default=terms.ASKED)
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_by: Mapped[str | None]
    decision_reason: Mapped[str | None]
