"""Small means shared by the tables: insert once, count on, decide once, note who did what."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, select, text
from sqlalchemy.orm import Session

from storage.models import AuditEntry, Base, Counter, Decision, Inbox, Meta, Notice


def insert_once(session: Session, model: type[Base], values: dict[str, Any]) -> int | None:
    """Insert a row unless a unique constraint already holds one; the new key, or None."""
    return insert_row_once(session.connection(), model, values)


def insert_row_once(connection: Connection, model: type[Base], values: dict[str, Any]) -> int | None:
    """The same over a bare connection."""
    row = connection.execute(_insert(model, tuple(values)), values).first()
    return None if row is None else row[0]


@cache
def _insert(model: type[Base], columns: tuple[str, ...]) -> TextClause:
    """The words both databases understand. As text, because SQLAlchemy keeps no compiled form of its own
    insert-or-nothing, and callbacks insert hundreds of rows a second."""
    table = model.__table__
    names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    key = next(iter(table.primary_key)).name
    words = f"insert into {table.fullname} ({names}) values ({places}) on conflict do nothing returning {key}"  # type: ignore[attr-defined]
    return text(words).bindparams(*(bindparam(name, type_=table.c[name].type) for name in columns))


class Records:
    """Counters, decisions, facts and the trail of what people did by hand."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def next_number(self, series: str) -> int:
        """The next number of a series, starting at 1; gone again if the transaction is."""
        insert_once(self.session, Counter, {"name": series, "value": 0})
        counter = self.session.execute(select(Counter).where(Counter.name == series).with_for_update()).scalar_one()
        counter.value += 1
        self.session.flush()
        return counter.value

    def decide(self, key: str, now: datetime, outcome: str = "done") -> bool:
        """True for the one caller that gets to make this decision."""
        return insert_once(self.session, Decision, {"key": key, "decided_at": now, "outcome": outcome}) is not None

    def decided(self, keys: list[str]) -> set[str]:
        """Those of the keys that are already decided."""
        return set(self.session.scalars(select(Decision.key).where(Decision.key.in_(keys))))

    def fact(self, name: str) -> dict[str, Any] | None:
        """A fact about this database, or None."""
        return self.session.scalar(select(Meta.value).where(Meta.name == name))

    def set_fact(self, name: str, value: dict[str, Any]) -> None:
        """Keep a fact about this database, in place of an earlier one of that name."""
        self.session.merge(Meta(name=name, value=value))

    def beats(self, prefix: str, since: datetime) -> set[str]:
        """What of a kind of fact was kept alive since an instant: the names behind the prefix."""
        rows = self.session.execute(select(Meta.name, Meta.value).where(Meta.name.startswith(prefix)))
        return {name.removeprefix(prefix) for name, value in rows if datetime.fromisoformat(value["at"]) >= since}

    def has_history(self) -> bool:
        """Whether anything was ever received or said with this database."""
        return any(self.session.scalar(select(model.id).limit(1)) is not None for model in (Inbox, Notice))

    def note(self, at: datetime, actor: str, action: str, **detail: Any) -> None:
        """Put on record what a person did by hand."""
        self.session.add(AuditEntry(at=at, actor=actor, action=action, detail=detail))
