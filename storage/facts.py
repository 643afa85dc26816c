"""Small means shared by the tables: insert once, count on, decide once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Dialect, TextClause, bindparam, func, literal_column, select, text
from sqlalchemy.orm import Session

from storage.db.models import Base, Counter, Decision, Fact, InboxRow, Notice


def insert_if_absent(session: Session, model: type[Base], values: dict[str, Any]) -> int | None:
    """Insert a row unless a unique constraint already holds one; the new key, or None."""
    row = session.connection().execute(_insert(model, tuple(values)), values).first()
    return None if row is None else row[0]


def insert_all_if_absent(
    session: Session, model: type[Base], rows: Sequence[dict[str, Any]], returning: str
) -> Sequence[Any]:
    """Insert every row that no unique constraint already holds, all with one query; these columns of the new ones."""
    if not rows:
        return []
    return session.execute(*insert_if_absent_statement(session.get_bind().dialect, model, rows, returning)).all()


def insert_if_absent_statement(
    dialect: Dialect, model: type[Base], rows: Sequence[dict[str, Any]], returning: str
) -> tuple[TextClause, dict[str, Any]]:
    """A query that inserts every row which no unique constraint already holds, and gives these columns of the new ones.

    The rows go as one JSON text, which both databases take apart themselves: no number of rows is too many, and
    the words are always the same.
    """
    columns, sqlite = tuple(rows[0]), dialect.name == "sqlite"
    as_kept = _as_kept(model, columns, dialect) if sqlite else {}
    given = [{name: as_kept[name](row[name]) if name in as_kept else row[name] for name in columns} for row in rows]
    return _insert_all(model, columns, returning, sqlite), {"rows": json.dumps(given, default=str)}


@cache
def _as_kept(model: type[Base], columns: tuple[str, ...], dialect: Dialect) -> dict[str, Callable[[Any], Any]]:
    """A server reads values by the types of its table; for SQLite they are written as it keeps them."""
    found = {name: model.__table__.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns}
    return {name: each for name, each in found.items() if each is not None}


@cache
def _insert_all(model: type[Base], columns: tuple[str, ...], returning: str, sqlite: bool) -> TextClause:
    name = model.__table__.fullname  # type: ignore[attr-defined]
    if sqlite:
        found, values = "json_each(:rows) as given", [f"json_extract(given.value, '$.{each}')" for each in columns]
    else:
        found, values = f"json_populate_recordset(null::{name}, cast(:rows as json)) as given", list(columns)
    return text(
        f"insert into {name} ({', '.join(columns)}) select {', '.join(values)} from {found} where true"
        f" on conflict do nothing returning {returning}"
    )


@cache
def _insert(model: type[Base], columns: tuple[str, ...]) -> TextClause:
    """The words both databases understand. As text, because SQLAlchemy keeps no compiled form of its own
    insert-or-nothing, and callbacks insert hundreds of rows a second."""
    table = model.__table__
    names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    key = next(iter(table.primary_key)).name
    words = f"insert into {table.fullname} ({names}) values ({places}) on conflict do nothing returning {key}"  # type: ignore[attr-defined]
    return text(words).bindparams(*(bindparam(name, type_=table.c[name].type) for name in columns))


def in_list(session: Session, column: Any, values: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """Whether a column holds one of these numbers or texts, however many: they go as one JSON text."""
    told, dialect = json.dumps(list(values)), session.get_bind().dialect
    found: ColumnElement[bool]
    if dialect.name == "sqlite":
        found = column.in_(select(func.json_each(told).table_valued("value").c.value))
    else:
        kind = column.type.compile(dialect=dialect)
        words = text(f"select cast(each as {kind}) from json_array_elements_text(cast(:told as json)) each")
        found = column.in_(words.bindparams(told=told).columns(literal_column("each", column.type)))
    return found


# One statement, for several processes note the same fact at the same moment when they start together.
_SET_FACT = text(
    "insert into fact (name, value) values (:name, :value) on conflict (name) do update set value = excluded.value"
).bindparams(bindparam("value", type_=Fact.__table__.c.value.type))


class FactStore:
    """Counters, decisions and facts."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def next_number(self, series: str) -> int:
        """The next number of a series, starting at 1; gone again if the transaction is."""
        insert_if_absent(self.session, Counter, {"name": series, "value": 0})
        counter = self.session.execute(select(Counter).where(Counter.name == series).with_for_update()).scalar_one()
        counter.value += 1
        self.session.flush()
        return counter.value

    def decide(self, key: str, now: datetime, outcome: str = "done") -> bool:
        """True for the one caller that gets to make this decision."""
        return insert_if_absent(self.session, Decision, {"key": key, "decided_at": now, "outcome": outcome}) is not None

    def decided(self, keys: list[str]) -> set[str]:
        """Those of the keys that are already decided."""
        return set(self.session.scalars(select(Decision.key).where(Decision.key.in_(keys))))

    def read_fact(self, name: str) -> dict[str, Any] | None:
        """A fact about this database, or None."""
        return self.session.scalar(select(Fact.value).where(Fact.name == name))

    def store_fact(self, name: str, value: dict[str, Any]) -> None:
        """Keep a fact about this database, in place of an earlier one of that name."""
        self.session.execute(_SET_FACT, {"name": name, "value": value})

    def heartbeats_since(self, prefix: str, since: datetime) -> set[str]:
        """What of a kind of fact was kept alive since an instant: the names behind the prefix."""
        rows = self.session.execute(select(Fact.name, Fact.value).where(Fact.name.startswith(prefix)))
        return {name.removeprefix(prefix) for name, value in rows if datetime.fromisoformat(value["at"]) >= since}

    def has_history(self) -> bool:
        """Whether anything was ever received or said with this database."""
        return any(self.session.scalar(select(model.id).limit(1)) is not None for model in (InboxRow, Notice))
