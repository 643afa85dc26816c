"""Documents that the office issues and cases that it files. None is ever deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import CaseHazard, DocumentHazard, EnforcementCase, EnforcementDocument, Hazard
from storage.db.upsert import in_list
from storage.enterprise_search import is_of_enterprise_named
from storage.hazards import Author

_Row = TypeVar("_Row", EnforcementDocument, EnforcementCase)


@dataclass(frozen=True)
class EnforcementFilter:
    """Which documents or cases; None and empty values do not restrict. `kinds` and `case_id` are of documents only.

    `since` and `until` are included: of the day on which a document was issued or a case filed. `text` is searched in
    number and enterprise.
    """

    enterprise_ids: frozenset[int] | None = None
    kinds: tuple[str, ...] = ()
    inspection_number: str | None = None
    case_id: int | None = None
    hazard_number: str | None = None
    since: date | None = None
    until: date | None = None
    text: str = ""
    with_void: bool = False


class EnforcementStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    # Documents

    def add_document(
        self, author: Author, at: datetime, hazard_numbers: Iterable[str], **values: Any
    ) -> EnforcementDocument:
        document = self._add(EnforcementDocument(**values), author, at)
        self.session.add_all(DocumentHazard(document_id=document.id, hazard_number=each) for each in hazard_numbers)
        self.session.flush()
        return document

    def document(self, document_id: int) -> EnforcementDocument | None:
        return self.session.get(EnforcementDocument, document_id)

    def lock_document(self, document_id: int) -> EnforcementDocument | None:
        """The document as it is now, locked until the end of the transaction."""
        return self._lock(EnforcementDocument, document_id)

    def has_document(self, kind: str, number: str) -> bool:
        """Whether a document that is not void has this number."""
        query = select(EnforcementDocument.id).where(
            EnforcementDocument.kind == kind,
            EnforcementDocument.number == number,
            EnforcementDocument.voided_at.is_(None),
        )
        return self.session.scalar(query.limit(1)) is not None

    def documents(
        self, wanted: EnforcementFilter, limit: int | None = None, before: int | None = None
    ) -> Sequence[EnforcementDocument]:
        """The last registered first; `before`: the id of the last one of the page before."""
        query = self._filtered(EnforcementDocument, EnforcementDocument.issued_on, wanted)
        if wanted.kinds:
            query = query.where(EnforcementDocument.kind.in_(wanted.kinds))
        if wanted.case_id is not None:
            query = query.where(EnforcementDocument.case_id == wanted.case_id)
        if wanted.hazard_number is not None:
            of_hazard = select(DocumentHazard.document_id).where(DocumentHazard.hazard_number == wanted.hazard_number)
            query = query.where(EnforcementDocument.id.in_(of_hazard))
        if before is not None:
            query = query.where(EnforcementDocument.id < before)
        return self.session.scalars(query.order_by(EnforcementDocument.id.desc()).limit(limit)).all()

    def documents_with_file(self) -> Sequence[EnforcementDocument]:
        """Every document that has its file, void ones included, in the order of registration."""
        query = select(EnforcementDocument).where(EnforcementDocument.sha256.is_not(None))
        return self.session.scalars(query.order_by(EnforcementDocument.id)).all()

    def hazards_of_document(self, document_id: int) -> Sequence[Hazard]:
        query = select(Hazard).join(DocumentHazard, DocumentHazard.hazard_number == Hazard.number)
        query = query.where(DocumentHazard.document_id == document_id)
        return self.session.scalars(query.order_by(Hazard.year, Hazard.ordinal)).all()

    # Cases

    def add_case(self, author: Author, at: datetime, hazard_numbers: Iterable[str], **values: Any) -> EnforcementCase:
        case = self._add(EnforcementCase(**values), author, at)
        self.session.add_all(CaseHazard(case_id=case.id, hazard_number=each) for each in hazard_numbers)
        self.session.flush()
        return case

    def case(self, case_id: int) -> EnforcementCase | None:
        return self.session.get(EnforcementCase, case_id)

    def lock_case(self, case_id: int) -> EnforcementCase | None:
        """The case as it is now, locked until the end of the transaction."""
        return self._lock(EnforcementCase, case_id)

    def has_case(self, number: str) -> bool:
        """Whether a case that is not void has this number."""
        query = select(EnforcementCase.id).where(EnforcementCase.number == number, EnforcementCase.voided_at.is_(None))
        return self.session.scalar(query.limit(1)) is not None

    def cases(
        self, wanted: EnforcementFilter, limit: int | None = None, before: int | None = None
    ) -> Sequence[EnforcementCase]:
        """The last registered first; `before`: the id of the last one of the page before."""
        query = self._filtered(EnforcementCase, EnforcementCase.filed_on, wanted)
        if wanted.hazard_number is not None:
            of_hazard = select(CaseHazard.case_id).where(CaseHazard.hazard_number == wanted.hazard_number)
            query = query.where(EnforcementCase.id.in_(of_hazard))
        if before is not None:
            query = query.where(EnforcementCase.id < before)
        return self.session.scalars(query.order_by(EnforcementCase.id.desc()).limit(limit)).all()

    def cases_between(self, first: date, last: date) -> Sequence[EnforcementCase]:
        """The cases in force that were filed or fined from the first day to the last."""
        query = select(EnforcementCase).where(
            EnforcementCase.voided_at.is_(None),
            or_(EnforcementCase.filed_on.between(first, last), EnforcementCase.fined_on.between(first, last)),
        )
        return self.session.scalars(query).all()

    def hazards_of_case(self, case_id: int) -> Sequence[Hazard]:
        query = select(Hazard).join(CaseHazard, CaseHazard.hazard_number == Hazard.number)
        query = query.where(CaseHazard.case_id == case_id)
        return self.session.scalars(query.order_by(Hazard.year, Hazard.ordinal)).all()

    # Both

    def counts_of_inspections(self, numbers: Sequence[str]) -> tuple[Counter[str], Counter[str]]:
        """How many documents and how many cases in force hang on each inspection."""

        def count(model: type[EnforcementDocument] | type[EnforcementCase]) -> Counter[str]:
            query = select(model.inspection_number, func.count()).where(
                in_list(self.session, model.inspection_number, numbers), model.voided_at.is_(None)
            )
            rows = self.session.execute(query.group_by(model.inspection_number))
            return Counter({number or "": found for number, found in rows})

        return count(EnforcementDocument), count(EnforcementCase)

    def _add(self, row: _Row, author: Author, at: datetime) -> _Row:
        row.registered_at, row.registered_by, row.registered_by_id = at, author.name, author.id
        self.session.add(row)
        self.session.flush()
        return row

    def _lock(self, model: type[_Row], row_id: int) -> _Row | None:
        query = select(model).where(model.id == row_id).with_for_update()
        return self.session.scalar(query.execution_options(populate_existing=True))

    def _filtered(self, model: Any, day: Any, wanted: EnforcementFilter) -> Any:
        query = select(model)
        if wanted.enterprise_ids is not None:
            query = query.where(in_list(self.session, model.enterprise_id, sorted(wanted.enterprise_ids)))
        if wanted.inspection_number is not None:
            query = query.where(model.inspection_number == wanted.inspection_number)
        if wanted.since is not None:
            query = query.where(day >= wanted.since)
        if wanted.until is not None:
            query = query.where(day <= wanted.until)
        if not wanted.with_void:
            query = query.where(model.voided_at.is_(None))
        if text := wanted.text.strip():
            of_enterprise = is_of_enterprise_named(model.enterprise_id, text)
            query = query.where(or_(model.number.contains(text, autoescape=True), of_enterprise))
        return query
