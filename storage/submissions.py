"""The films of the nights: announced, filed, and placed where they belong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Binding, Enterprise, NightEnterpriseChoice, ReceivedText, Submission
from storage.db.upsert import insert_if_absent
from storage.facts import FactStore
from storage.personal_channels import canonical_account


@dataclass(frozen=True)
class FilingResult:
    """What became of the bytes: their digest and what the film probe saw."""

    state: str
    object_key: str | None
    sha256: str | None = None
    bytes: int | None = None
    duration_s: float | None = None
    container: str | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None


class SubmissionStore:
    """Films and the words that tell what they show."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get_or_create(self, night: date, **values: Any) -> Submission:
        """Put a film on record before its bytes are fetched; the same message gives the same row."""
        found = self.by_message(values["channel"], values["message_key"])
        if found:
            return found
        number = FactStore(self.session).next_number(f"receipts/{night}")
        key = canonical_account(values["realm"], values["sender"])
        submission = Submission(night=night, number=number, marks=[], canonical_sender=key, **values)
        self.session.add(submission)
        self.session.flush()
        return submission

    def get(self, submission_id: int) -> Submission | None:
        """The film of that id."""
        return self.session.get(Submission, submission_id)

    def by_message(self, channel: str, message_key: str) -> Submission | None:
        """The film that came with a message."""
        return self.session.scalar(
            select(Submission).where(Submission.channel == channel, Submission.message_key == message_key)
        )

    def by_receipt(self, receipt: str, before: date) -> Submission | None:
        """The film with that receipt number (MMDD-NNNN) in the latest night not after `before`."""
        if not re.fullmatch(r"\d{4}-\d{1,9}", receipt, re.ASCII):
            return None
        day, _, number = receipt.partition("-")
        nights = select(Submission).where(
            Submission.number == int(number),
            func.extract("month", Submission.night) == int(day[:2]),
            func.extract("day", Submission.night) == int(day[2:]),
            Submission.night <= before,
        )
        return self.session.scalars(nights.order_by(Submission.night.desc()).limit(1)).first()

    def file(self, submission_id: int, filing: FilingResult, marks: Iterable[str]) -> bool:
        """Move a film from `receiving` to its end state; False when that was done before."""
        result = self.session.execute(
            update(Submission)
            .where(Submission.id == submission_id, Submission.state == "receiving")
            .values(marks=sorted(set(marks)), **vars(filing))
            .returning(Submission.id)
        ).first()
        self.session.expire_all()
        return result is not None

    def of_night(self, night: date) -> Sequence[Submission]:
        """Every film of a night in the order of its receipt numbers."""
        return self.session.scalars(
            select(Submission).where(Submission.night == night).order_by(Submission.number)
        ).all()

    def of_enterprise(self, enterprise_id: int, night: date) -> Sequence[Submission]:
        """What an enterprise sent for a night, in the order of sending."""
        own = select(Submission).where(Submission.enterprise_id == enterprise_id, Submission.night == night)
        return self.session.scalars(own.order_by(Submission.sent_at, Submission.number)).all()

    def of_enterprise_between(
        self, enterprise_id: int, first: date, last: date, limit: int = 200
    ) -> Sequence[Submission]:
        """What an enterprise sent for some nights, the latest first."""
        own = select(Submission).where(
            Submission.enterprise_id == enterprise_id, Submission.night >= first, Submission.night <= last
        )
        return self.session.scalars(own.order_by(Submission.sent_at.desc(), Submission.id.desc()).limit(limit)).all()

    def films_between(self, first: date, last: date) -> Sequence[Submission]:
        """The films filed for some nights."""
        return self.session.scalars(
            select(Submission).where(
                Submission.night >= first,
                Submission.night <= last,
                Submission.state == "filed",
                Submission.kind == "film",
            )
        ).all()

    def awaiting_attribution(self, limit: int = 200) -> Sequence[Submission]:
        """The films that wait for somebody to say where they belong, the oldest first."""
        waiting = select(Submission).where(
            Submission.attribution.in_(("quarantined", "unattributed")), Submission.state == "filed"
        )
        films = self.session.scalars(waiting.order_by(Submission.id.desc()).limit(limit)).all()
        return [film for film in reversed(films) if "dismissed" not in film.marks]

    def stored(self, night: date | None, limit: int | None = None) -> Iterable[Submission]:
        """What has an object in the store, of one night or (None) of all, in the order of nights and receipts.

        A few at a time, for as long as the session is open; to be read to its end.
        """
        kept = select(Submission).where(Submission.object_key.is_not(None))
        kept = kept if night is None else kept.where(Submission.night == night)
        kept = kept.order_by(Submission.night, Submission.number).limit(limit)
        return self.session.scalars(kept.execution_options(yield_per=200))

    def film_object_keys(self, night: date) -> Sequence[str]:
        """The keys of the films filed for a night, in the order of receipts."""
        filed = select(Submission.object_key).where(Submission.night == night, Submission.kind == "film")
        filed = filed.where(Submission.state == "filed", Submission.object_key.is_not(None))
        return [key for key in self.session.scalars(filed.order_by(Submission.number)) if key]

    def previous_films_of_part(self, part_id: int, night: date, nights: int) -> Sequence[Submission]:
        """The last film of a part from each of the latest nights before one, the latest first."""
        last = (
            select(func.max(Submission.id))
            .where(Submission.part_id == part_id, Submission.night < night, Submission.state == "filed")
            .where(Submission.kind == "film")
            .group_by(Submission.night)
            .order_by(Submission.night.desc())
            .limit(nights)
        )
        found = select(Submission).where(Submission.id.in_(last)).order_by(Submission.night.desc())
        return self.session.scalars(found).all()

    def stored_ids_before(self, night: date) -> list[int]:
        """The ids of what has an object in the store, of earlier nights."""
        older = select(Submission.id).where(Submission.object_key.is_not(None), Submission.night < night)
        return list(self.session.scalars(older.order_by(Submission.id)))

    def by_ids(self, ids: Iterable[int]) -> Sequence[Submission]:
        """The films of these ids."""
        return self.session.scalars(
            select(Submission).where(Submission.id.in_(list(ids))).order_by(Submission.id)
        ).all()

    def judgement_rows_of_night(
        self, night: date, enterprise_id: int | None = None, group_id: int | None = None
    ) -> Sequence[Any]:
        """The columns judging needs, of all films of a night, of one enterprise's or of a group's.

        A film whose enterprise is still in question may be anybody's.
        """
        query = select(
            Submission.id,
            Submission.enterprise_id,
            Submission.part_id,
            Submission.sent_at,
            Submission.state,
            Submission.attribution,
            Submission.person_id,
            Submission.kind,
        ).where(Submission.night == night)
        if enterprise_id is not None:
            query = query.where(or_(Submission.enterprise_id == enterprise_id, Submission.enterprise_id.is_(None)))
        if group_id is not None:
            theirs = Submission.enterprise_id.in_(select(Enterprise.id).where(Enterprise.group_id == group_id))
            query = query.where(or_(theirs, Submission.enterprise_id.is_(None)))
        return self.session.execute(query).all()

    def of_sender(self, realm: str, sender: str, night: date) -> Sequence[Submission]:
        """The films one sender sent for a night, oldest first."""
        return self.session.scalars(
            select(Submission)
            .where(Submission.realm == realm, Submission.sender == sender, Submission.night == night)
            .order_by(Submission.sent_at, Submission.inbox_id)
        ).all()

    def choose_enterprise(self, person_id: int, night: date, enterprise_id: int) -> None:
        """Remember for which enterprise a person of several films tonight."""
        self.session.merge(NightEnterpriseChoice(person_id=person_id, night=night, enterprise_id=enterprise_id))

    def chosen_enterprise(self, person_id: int, night: date) -> int | None:
        """For which enterprise a person of several films tonight, once that is known."""
        choice = self.session.get(NightEnterpriseChoice, (person_id, night))
        return choice.enterprise_id if choice else None

    def filed_copies(self, sha256: str, submission_id: int) -> Sequence[Any]:
        """Where the same bytes were filed already: id, night and enterprise of each."""
        return self.session.execute(
            select(Submission.id, Submission.night, Submission.enterprise_id).where(
                Submission.sha256 == sha256, Submission.id != submission_id, Submission.state == "filed"
            )
        ).all()

    def filed_copies_same_person_night(self, film: Submission, sha256: str) -> Sequence[Submission]:
        """The other filed films of the same person and night with the same bytes, oldest first."""
        same = select(Submission).where(
            Submission.night == film.night,
            Submission.person_id == film.person_id,
            Submission.sha256 == sha256,
            Submission.state == "filed",
            Submission.id != film.id,
        )
        return self.session.scalars(same.order_by(Submission.id)).all()

    def add_mark(self, submission_ids: Iterable[int], mark: str) -> None:
        """Note something about films that a reviewer should know."""
        for submission in self.session.scalars(select(Submission).where(Submission.id.in_(list(submission_ids)))):
            submission.marks = sorted({*submission.marks, mark})
        self.session.flush()

    def quarantined_now_bound(self) -> Sequence[Submission]:
        """Quarantined films whose sender's account has since been bound for the instant of sending."""
        bound = exists().where(
            Binding.realm == Submission.realm,
            Binding.canonical_account == Submission.canonical_sender,
            or_(Binding.since.is_(None), Binding.since <= Submission.sent_at),
            or_(Binding.until.is_(None), Binding.until > Submission.sent_at),
        )
        return self.session.scalars(
            select(Submission).where(
                and_(Submission.attribution == "quarantined", Submission.state != "receiving"),
                bound,
            )
        ).all()

    def nights_since(self, day: date) -> list[date]:
        """The nights from that day on for which anything was sent."""
        return list(self.session.scalars(select(Submission.night).where(Submission.night >= day).distinct()))

    def add_text(self, **values: Any) -> int | None:
        """Keep something said that may name a part; its id, or None when it was kept before."""
        return insert_if_absent(self.session, ReceivedText, values)

    def texts_of(self, realm: str, sender: str, since: datetime, until: datetime) -> Sequence[ReceivedText]:
        """What a sender said between two instants, oldest first."""
        return self.session.scalars(
            select(ReceivedText)
            .where(
                ReceivedText.realm == realm,
                ReceivedText.sender == sender,
                ReceivedText.sent_at >= since,
                ReceivedText.sent_at <= until,
            )
            .order_by(ReceivedText.sent_at, ReceivedText.inbox_id)
        ).all()
