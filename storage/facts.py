"""Named facts about the database, decisions that are made once, and counters without gaps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from storage.db.models import Counter, Decision, Fact, InboxRow, Notice
from storage.db.upsert import insert_if_absent

# One statement, because several processes store the same fact at once when they start together.
_SET_FACT = text(
    "insert into fact (name, value) values (:name, :value) on conflict (name) do update set value = excluded.value"
).bindparams(bindparam("value", type_=Fact.__table__.c.value.type))
_ADVANCE_COUNTER = text(
    "insert into counter (name, value) values (:name, :count)"
    " on conflict (name) do update set value = counter.value + excluded.value returning value"
)


class FactStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def next_number(self, series: str, count: int = 1) -> int:
        """The last of the next `count` numbers of a series that starts at 1; a rollback gives them back.

        Until the end of the transaction no other can take numbers of this series.
        """
        return int(self.session.execute(_ADVANCE_COUNTER, {"name": series, "count": count}).scalar_one())

    def last_number(self, series: str) -> int:
        """The last number taken from a series, 0 for none."""
        return self.session.scalar(select(Counter.value).where(Counter.name == series)) or 0

    def decide(self, key: str, now: datetime, outcome: str = "done") -> bool:
        """Record a decision; False when it was recorded before. It is never deleted."""
        return insert_if_absent(self.session, Decision, {"key": key, "decided_at": now, "outcome": outcome}) is not None

    def decided(self, keys: list[str]) -> set[str]:
        """The keys among these that are already decided."""
        return set(self.session.scalars(select(Decision.key).where(Decision.key.in_(keys))))

    def read_fact(self, name: str) -> dict[str, Any] | None:
        return self.session.scalar(select(Fact.value).where(Fact.name == name))

    def store_fact(self, name: str, value: dict[str, Any]) -> None:
        """Store a fact, replacing one of the same name."""
        self.session.execute(_SET_FACT, {"name": name, "value": value})

    def heartbeats_since(self, prefix: str, since: datetime) -> set[str]:
        """The facts under `prefix` whose value `at` is not before `since`; their names without the prefix."""
        rows = self.session.execute(select(Fact.name, Fact.value).where(Fact.name.startswith(prefix)))
        return {name.removeprefix(prefix) for name, value in rows if datetime.fromisoformat(value["at"]) >= since}

    def has_history(self) -> bool:
        """Whether anything was ever received or sent with this database."""
        return any(self.session.scalar(select(model.id).limit(1)) is not None for model in (InboxRow, Notice))
