"""Search for enterprises, people, key parts and films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Employment, Enterprise, KeyPart, Person, Submission
from storage.submissions import SubmissionStore

_MAX_RESULTS = 30


@dataclass(frozen=True)
class SearchResult:
    """`people` and `parts` are rows of (Person, Enterprise or None) and (KeyPart, Enterprise)."""

    enterprises: Sequence[Enterprise]
    people: Sequence[Any]
    parts: Sequence[Any]
    films: Sequence[Submission]


def search_records(session: Session, query: str, today: date, enterprises: frozenset[int] | None) -> SearchResult:
    """Records whose name, number or code contains `query`, of these enterprises (None = of all).

    A receipt (MMDD-NNNN) finds the latest film with it.
    """
    film = SubmissionStore(session).by_receipt(query, today + timedelta(days=1))
    films = [film] if film and (enterprises is None or film.enterprise_id in enterprises) else []
    return SearchResult(
        session.scalars(
            _restrict(select(Enterprise), enterprises)
            .where(_contains(query, *_ENTERPRISE_COLUMNS))
            .order_by(Enterprise.code)
            .limit(_MAX_RESULTS)
        ).all(),
        session.execute(_people(query, enterprises)).all(),
        session.execute(_parts(query, enterprises)).all(),
        films,
    )


_ENTERPRISE_COLUMNS = (Enterprise.code, Enterprise.name, Enterprise.short_name)


def _contains(text: str, *columns: Any) -> Any:
    return or_(*(func.lower(column).contains(text.lower(), autoescape=True) for column in columns))


def _restrict(query: Any, enterprises: frozenset[int] | None) -> Any:
    return query if enterprises is None else query.where(Enterprise.id.in_(enterprises))


def _people(text: str, enterprises: frozenset[int] | None) -> Any:
    query = (
        select(Person, Enterprise)
        .outerjoin(Employment, Employment.person_id == Person.id)
        .outerjoin(Enterprise, Enterprise.id == Employment.enterprise_id)
        .where(_contains(text, Person.name, func.coalesce(Person.mobile, "")))
    )
    return _restrict(query, enterprises).order_by(Person.name, Person.id).limit(_MAX_RESULTS)


def _parts(text: str, enterprises: frozenset[int] | None) -> Any:
    query = select(KeyPart, Enterprise).join(Enterprise, Enterprise.id == KeyPart.enterprise_id)
    query = _restrict(query.where(_contains(text, KeyPart.name)), enterprises)
    return query.order_by(Enterprise.code).limit(_MAX_RESULTS)
