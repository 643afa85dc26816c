"""Submitted films: announced, filed, and attributed to a key part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Binding, Enterprise, NightEnterpriseChoice, ReceivedText, Submission
from storage.db.upsert import in_list, insert_if_absent
from storage.facts import FactStore
from storage.personal_channels import canonical_account

_MAX_LISTED = 200
# The mark of a film that shows no patrol: it awaits nothing.
DISMISSED = "dismissed"


@dataclass(frozen=True)
class FilingResult:
    """The end state of a film, with its digest and the result of the probe."""

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
    """Films, and texts that may name the part a film shows."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get_or_create(self, night: date, **values: Any) -> Submission:
        """The row of a film, added before its bytes are fetched; the same message gives the same row."""
        existing = self.by_message(values["channel"], values["message_key"])
        if existing:
            return existing
        number = FactStore(self.session).next_number(f"receipts/{night}")
        key = canonical_account(values["realm"], values["sender"])
        submission = Submission(night=night, number=number, marks=[], canonical_sender=key, **values)
        self.session.add(submission)
        self.session.flush()
        return submission

    def get(self, submission_id: int) -> Submission | None:
        return self.session.get(Submission, submission_id)

    def by_message(self, channel: str, message_key: str) -> Submission | None:
        return self.session.scalar(
            select(Submission).where(Submission.channel == channel, Submission.message_key == message_key)
        )

    def by_receipt(self, receipt: str, before: date) -> Submission | None:
        """The film with this receipt (MMDD-NNNN) in the latest night not after `before`."""
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

    def receipts(self, submission_ids: Iterable[int]) -> dict[int, str]:
        """Film id -> receipt number."""
        query = select(Submission).where(in_list(self.session, Submission.id, sorted(submission_ids)))
        return {film.id: film.receipt for film in self.session.scalars(query)}

    def file(self, submission_id: int, filing: FilingResult, marks: Iterable[str]) -> bool:
        """Move a film from `receiving` to its end state; False when it was moved before."""
        result = self.session.execute(
            update(Submission)
            .where(Submission.id == submission_id, Submission.state == "receiving")
            .values(marks=sorted(set(marks)), **vars(filing))
            .returning(Submission.id)
        ).first()
        self.session.expire_all()
        return result is not None

    def of_night(self, night: date) -> Sequence[Submission]:
        """Every film of a night, by receipt number."""
        return self.session.scalars(
            select(Submission).where(Submission.night == night).order_by(Submission.number)
        ).all()

    def of_enterprise(self, enterprise_id: int, night: date) -> Sequence[Submission]:
        """The films of an enterprise for a night, in the order of sending."""
        own = select(Submission).where(Submission.enterprise_id == enterprise_id, Submission.night == night)
        return self.session.scalars(own.order_by(Submission.sent_at, Submission.number)).all()

    def of_enterprise_between(self, enterprise_id: int, first: date, last: date) -> Sequence[Submission]:
        """The latest films of an enterprise for these nights, the latest first."""
        own = select(Submission).where(
            Submission.enterprise_id == enterprise_id, Submission.night >= first, Submission.night <= last
        )
        latest = own.order_by(Submission.sent_at.desc(), Submission.id.desc()).limit(_MAX_LISTED)
        return self.session.scalars(latest).all()

    def films_between(self, first: date, last: date) -> Sequence[Submission]:
        """The films filed for these nights, both included."""
        return self.session.scalars(
            select(Submission).where(
                Submission.night >= first,
                Submission.night <= last,
                Submission.state == "filed",
                Submission.kind == "film",
            )
        ).all()

    def awaiting_attribution(self) -> Sequence[Submission]:
        """The latest filed films without an attribution that were not dismissed, the oldest first."""
        waiting = select(Submission).where(
            Submission.attribution.in_(("quarantined", "unattributed")), Submission.state == "filed"
        )
        films = self.session.scalars(waiting.order_by(Submission.id.desc()).limit(_MAX_LISTED)).all()
        return [film for film in reversed(films) if DISMISSED not in film.marks]

    def filmed_parts(self, enterprise_id: int, nights: Iterable[date]) -> set[tuple[date, int]]:
        """The parts of an enterprise that have a film of these nights: night and part id."""
        query = select(Submission.night, Submission.part_id).where(
            Submission.enterprise_id == enterprise_id, Submission.night.in_(set(nights)), Submission.state == "filed"
        )
        return {(night, part_id) for night, part_id in self.session.execute(query) if part_id is not None}

    def latest_enterprise_of(self, realm: str, sender: str) -> int | None:
        """The id of the enterprise to which the latest attributed film of an account belongs."""
        attributed = select(Submission.enterprise_id).where(
            Submission.realm == realm, Submission.sender == sender, Submission.attribution == "attributed"
        )
        return self.session.scalar(attributed.order_by(Submission.sent_at.desc()).limit(1))

    def stored(self, night: date | None, limit: int | None = None) -> Iterable[Submission]:
        """Films with a stored object, of one night or (None) of all, by night and receipt.

        Fetched in batches while the session is open; the caller must read to the end.
        """
        query = select(Submission).where(Submission.object_key.is_not(None))
        query = query if night is None else query.where(Submission.night == night)
        query = query.order_by(Submission.night, Submission.number).limit(limit)
        return self.session.scalars(query.execution_options(yield_per=200))

    def film_object_keys(self, night: date) -> Sequence[str]:
        """The object keys of the films filed for a night, by receipt."""
        filed = select(Submission.object_key).where(Submission.night == night, Submission.kind == "film")
        filed = filed.where(Submission.state == "filed", Submission.object_key.is_not(None))
        return [key for key in self.session.scalars(filed.order_by(Submission.number)) if key]

    def previous_films_of_part(self, part_id: int, night: date, nights: int) -> Sequence[Submission]:
        """The last film of a part in each of the latest `nights` nights before `night`, the latest first."""
        last = (
            select(func.max(Submission.id))
            .where(Submission.part_id == part_id, Submission.night < night, Submission.state == "filed")
            .where(Submission.kind == "film")
            .group_by(Submission.night)
            .order_by(Submission.night.desc())
            .limit(nights)
        )
        query = select(Submission).where(Submission.id.in_(last)).order_by(Submission.night.desc())
        return self.session.scalars(query).all()

    def stored_ids_before(self, night: date) -> list[int]:
        """The ids of films of earlier nights with a stored object."""
        older = select(Submission.id).where(Submission.object_key.is_not(None), Submission.night < night)
        return list(self.session.scalars(older.order_by(Submission.id)))

    def by_ids(self, ids: Iterable[int]) -> Sequence[Submission]:
        return self.session.scalars(
            select(Submission).where(Submission.id.in_(list(ids))).order_by(Submission.id)
        ).all()

    def judgement_rows_of_night(
        self, night: date, enterprise_id: int | None = None, group_id: int | None = None
    ) -> Sequence[Any]:
        """The columns that judging needs, of the films of a night, of one enterprise or of a group.

        Includes films whose enterprise is not known yet: they may belong to any.
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
            in_group = Submission.enterprise_id.in_(select(Enterprise.id).where(Enterprise.group_id == group_id))
            query = query.where(or_(in_group, Submission.enterprise_id.is_(None)))
        return self.session.execute(query).all()

    def of_sender(self, realm: str, sender: str, night: date) -> Sequence[Submission]:
        """The films one sender sent for a night, oldest first."""
        return self.session.scalars(
            select(Submission)
            .where(Submission.realm == realm, Submission.sender == sender, Submission.night == night)
            .order_by(Submission.sent_at, Submission.inbox_id)
        ).all()

    def choose_enterprise(self, person_id: int, night: date, enterprise_id: int) -> None:
        """Store for which enterprise a person who works for several films in a night."""
        self.session.merge(NightEnterpriseChoice(person_id=person_id, night=night, enterprise_id=enterprise_id))

    def chosen_enterprise(self, person_id: int, night: date) -> int | None:
        """The enterprise id stored by `choose_enterprise`, None if there is none."""
        choice = self.session.get(NightEnterpriseChoice, (person_id, night))
        return choice.enterprise_id if choice else None

    def filed_copies(self, sha256: str, submission_id: int) -> Sequence[Any]:
        """Other filed films with the same bytes: id, night and enterprise id."""
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
        """Add a mark to films, which reviewers see."""
        for submission in self.session.scalars(select(Submission).where(Submission.id.in_(list(submission_ids)))):
            submission.marks = sorted({*submission.marks, mark})
        self.session.flush()

    def excuse_late_films(self, night: date, graces: Mapping[int, datetime]) -> None:
        """Replace the mark `late` of films sent within the grace of their enterprise (by its id)."""
        films = self.session.scalars(select(Submission).where(Submission.night == night))
        for film in films:
            until = graces.get(film.enterprise_id or 0)
            if "late" in film.marks and until is not None and film.sent_at <= until:
                film.marks = sorted({*film.marks, "reminder_late"} - {"late"})
        self.session.flush()

    def quarantined_now_bound(self) -> Sequence[Submission]:
        """Quarantined films whose sender has since been bound to a person for the instant of sending."""
        bound = exists().where(
            Binding.realm == Submission.realm,
            Binding.canonical_account == Submission.canonical_sender,
            or_(Binding.since.is_(None), Binding.since <= Submission.sent_at),
            or_(Binding.until.is_(None), Binding.until > Submission.sent_at),
        )
        return self.session.scalars(
            select(Submission).where(
                and_(Submission.attribution == "quarantined", Submission.state != "receiving"), bound
            )
        ).all()

    def nights_since(self, day: date) -> list[date]:
        """The nights from `day` on for which anything was sent."""
        return list(self.session.scalars(select(Submission.night).where(Submission.night >= day).distinct()))

    def add_text(self, **values: Any) -> int | None:
        """Store a text; its id, or None when it was stored before."""
        return insert_if_absent(self.session, ReceivedText, values)

    def texts_of(self, realm: str, sender: str, since: datetime, until: datetime) -> Sequence[ReceivedText]:
        """The texts of a sender between two instants, both included, oldest first."""
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
