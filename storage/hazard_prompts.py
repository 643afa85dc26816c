"""What a person was last asked to send about a hazard, and the films and photos that may be meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Hazard, HazardAttempt, Submission
from storage.facts import FactStore

# A film or photo of the finding, or of what was put right.
FINDING, AFTER = "finding", "after"
# A text.
MEASURE, EXTENSION, OBJECTION = "measure", "extension", "objection"
RETURN_REASON, REFUSAL_REASON = "return_reason", "refusal_reason"
TEXTS = (MEASURE, EXTENSION, OBJECTION, RETURN_REASON, REFUSAL_REASON)


@dataclass(frozen=True)
class HazardPrompt:
    """A person was asked at that instant to send something about a hazard."""

    number: str
    expects: str
    asked_at: datetime


class HazardPromptStore:
    def __init__(self, session: Session) -> None:
        self.session, self._facts = session, FactStore(session)

    def ask(self, person_id: int, prompt: HazardPrompt) -> None:
        """A later prompt to the same person replaces it."""
        value = {"number": prompt.number, "expects": prompt.expects, "asked_at": prompt.asked_at.isoformat()}
        self._facts.store_fact(_name(person_id), value)

    def close(self, person_id: int) -> None:
        self._facts.store_fact(_name(person_id), {})

    def open_prompt(self, person_id: int) -> HazardPrompt | None:
        """What the person was last asked for and has not sent."""
        value = self._facts.read_fact(_name(person_id))
        if not value:
            return None
        return HazardPrompt(value["number"], value["expects"], datetime.fromisoformat(value["asked_at"]))

    def unused_material(self, realm: str, sender: str, since: datetime, until: datetime) -> Sequence[Submission]:
        """A sender's stored films and photos that show no hazard yet, both instants included, the latest first."""
        attempts = exists().where(HazardAttempt.submission_id == Submission.id)
        findings = exists().where(Hazard.submission_id == Submission.id)
        query = select(Submission).where(
            Submission.realm == realm,
            Submission.sender == sender,
            Submission.person_id.is_not(None),
            Submission.sent_at.between(since, until),
            Submission.kind.in_(("film", "photo")),
            Submission.state.in_(("filed", "supporting")),
            Submission.sha256.is_not(None),
            ~or_(attempts, findings),
        )
        return self.session.scalars(query.order_by(Submission.sent_at.desc(), Submission.id.desc())).all()


def _name(person_id: int) -> str:
    return f"hazard-prompt/{person_id}"
