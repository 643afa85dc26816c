"""Statements that SQLAlchemy has no portable or cheap form of: insert-if-absent, and IN over long lists.

Rows and lists go to the database as one JSON text. So there is no limit on their number, and the text of each
statement stays the same and can be cached.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Dialect,
    TextClause,
    bindparam,
    func,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import Session

from storage.db.models import Base


def insert_if_absent(session: Session, model: type[Base], values: dict[str, Any]) -> int | None:
    """Insert a row unless a unique constraint already holds one; the new key, or None."""
    row = session.connection().execute(_insert_one(model, tuple(values)), values).first()
    return None if row is None else row[0]


def insert_all_if_absent(
    session: Session, model: type[Base], rows: Sequence[dict[str, Any]], returning: str
) -> Sequence[Any]:
    """Insert the rows that violate no unique constraint, in one statement; the columns `returning` of the new ones."""
    if not rows:
        return []
    return session.execute(*insert_if_absent_statement(session.get_bind().dialect, model, rows, returning)).all()


def insert_if_absent_statement(
    dialect: Dialect, model: type[Base], rows: Sequence[dict[str, Any]], returning: str
) -> tuple[TextClause, dict[str, Any]]:
    """The statement behind `insert_all_if_absent` and its parameters; every row has the keys of the first."""
    columns, sqlite = tuple(rows[0]), dialect.name == "sqlite"
    processors = _bind_processors(model, columns, dialect) if sqlite else {}
    bound = [
        {name: processors[name](row[name]) if name in processors else row[name] for name in columns} for row in rows
    ]
    return _insert_all(model, columns, returning, sqlite), {"rows": json.dumps(bound, default=str)}


@cache
def _bind_processors(model: type[Base], columns: tuple[str, ...], dialect: Dialect) -> dict[str, Callable[[Any], Any]]:
    """PostgreSQL converts JSON values by the column types; for SQLite we convert them ourselves."""
    processors = {name: model.__table__.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns}
    return {name: processor for name, processor in processors.items() if processor is not None}


@cache
def _insert_all(model: type[Base], columns: tuple[str, ...], returning: str, sqlite: bool) -> TextClause:
    name = model.__table__.fullname  # type: ignore[attr-defined]
    if sqlite:
        source, values = "json_each(:rows) as given", [f"json_extract(given.value, '$.{each}')" for each in columns]
    else:
        source, values = f"json_populate_recordset(null::{name}, cast(:rows as json)) as given", list(columns)
    return text(
        f"insert into {name} ({', '.join(columns)}) select {', '.join(values)} from {source} where true"
        f" on conflict do nothing returning {returning}"
    )


@cache
def _insert_one(model: type[Base], columns: tuple[str, ...]) -> TextClause:
    """Text that both databases understand: SQLAlchemy does not cache its own compiled on-conflict insert, and
    callbacks insert hundreds of rows a second."""
    table = model.__table__
    names, parameters = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    key = next(iter(table.primary_key)).name
    statement = f"insert into {table.fullname} ({names}) values ({parameters}) on conflict do nothing returning {key}"  # type: ignore[attr-defined]
    return text(statement).bindparams(*(bindparam(name, type_=table.c[name].type) for name in columns))


def in_list(session: Session, column: Any, values: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """`column in (values)` without the database's limit on the number of parameters."""
    encoded, dialect = json.dumps(list(values)), session.get_bind().dialect
    condition: ColumnElement[bool]
    if dialect.name == "sqlite":
        condition = column.in_(select(func.json_each(encoded).table_valued("value").c.value))
    else:
        sql_type = column.type.compile(dialect=dialect)
        rows = text(f"select cast(each as {sql_type}) from json_array_elements_text(cast(:encoded as json)) each")
        condition = column.in_(rows.bindparams(_unique(encoded)).columns(literal_column("each", column.type)))
    return condition


def in_rows(session: Session, columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> ColumnElement[bool]:
    """`(columns) in (rows)`, likewise."""
    encoded, dialect = json.dumps(list(rows), default=str), session.get_bind().dialect
    if dialect.name == "sqlite":
        each = func.json_each(encoded).table_valued("value").c.value
        return tuple_(*columns).in_(select(*(func.json_extract(each, f"$[{place}]") for place in range(len(columns)))))
    types = [column.type.compile(dialect=dialect) for column in columns]
    fields = ", ".join(f"cast(each->>{place} as {sql_type})" for place, sql_type in enumerate(types))
    given = text(f"select {fields} from json_array_elements(cast(:encoded as json)) each")
    named = given.bindparams(_unique(encoded)).columns(*(literal_column(each.name, each.type) for each in columns))
    return tuple_(*columns).in_(named)


def _unique(encoded: str) -> BindParameter[str]:
    """A parameter of its own, also where a statement has several lists."""
    return bindparam("encoded", encoded, unique=True)
