"""Telling people things that nobody asked for: decided here, said by the bot."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from storage.models import Notice, Person
from storage.notices import Saying
from storage.store import Store


def tell(
    person: Person, store: Store, night: date, now: datetime, text_key: str, once_key: str, **params: Any
) -> Notice | None:  # fmt: skip
    """Tell one person something, once."""
    saying = Saying(kind="system", text_key=text_key, once_key=once_key, night=night, due_at=now, params=params)
    return store.notices.to_person(person, saying)


def tell_office(store: Store, night: date, now: datetime, text_key: str, once_key: str, **params: Any) -> None:
    """Tell everybody in the supervising office; when none of it can be reached, the fallback addresses."""
    office = store.register.office()
    told = [tell(person, store, night, now, text_key, f"{once_key}/{person.id}", **params) for person in office]
    if all(notice is not None and notice.state == "failed" for notice in told):
        saying = Saying(kind="system", text_key=text_key, once_key=once_key, night=night, due_at=now, params=params)
        store.notices.to_fallback(saying)


def awake_at(store: Store, due: datetime) -> bool:
    """Whether this service existed at that instant: it owes nobody what fell due before its first start."""
    born = store.records.fact("born")
    return born is not None and datetime.fromisoformat(born["at"]) <= due
