"""Finding an enterprise, a person, a part or a film by a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Employment, Enterprise, KeyPart, Person, Submission
from storage.submissions import SubmissionStore

_MOST = 30


@dataclass(frozen=True)
class SearchResult:
    """What a word led to, each kind by itself."""

    enterprises: Sequence[Enterprise]
    people: Sequence[Any]
    parts: Sequence[Any]
    films: Sequence[Submission]


def search_records(session: Session, query: str, today: date, enterprises: frozenset[int] | None) -> SearchResult:
    """What has these words in its name, number or code, of these enterprises (None = of all).

    A receipt (MMDD-NNNN) finds its latest film.
    """
    film = SubmissionStore(session).by_receipt(query, today + timedelta(days=1))
    films = [film] if film and (enterprises is None or film.enterprise_id in enterprises) else []
    return SearchResult(
        session.scalars(
            _own(select(Enterprise), enterprises)
            .where(_has(query, *_ENTERPRISE))
            .order_by(Enterprise.code)
            .limit(_MOST)
        ).all(),
        session.execute(_people(query, enterprises)).all(),
        session.execute(_parts(query, enterprises)).all(),
        films,
    )


_ENTERPRISE = (Enterprise.code, Enterprise.name, Enterprise.short_name)


def _has(words: str, *columns: Any) -> Any:
    return or_(*(func.lower(column).contains(words.lower(), autoescape=True) for column in columns))


def _own(query: Any, enterprises: frozenset[int] | None) -> Any:
    return query if enterprises is None else query.where(Enterprise.id.in_(enterprises))


def _people(words: str, enterprises: frozenset[int] | None) -> Any:
    query = (
        select(Person, Enterprise)
        .outerjoin(Employment, Employment.person_id == Person.id)
        .outerjoin(Enterprise, Enterprise.id == Employment.enterprise_id)
        .where(_has(words, Person.name, func.coalesce(Person.mobile, "")))
    )
    return _own(query, enterprises).order_by(Person.name, Person.id).limit(_MOST)


def _parts(words: str, enterprises: frozenset[int] | None) -> Any:
    query = select(KeyPart, Enterprise).join(Enterprise, Enterprise.id == KeyPart.enterprise_id)
    return _own(query.where(_has(words, KeyPart.name)), enterprises).order_by(Enterprise.code).limit(_MOST)
