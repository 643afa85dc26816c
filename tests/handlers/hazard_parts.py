"""A county of two enterprises for the tests of hazards: its people, films, and a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from handlers.hazards.access import actor_named
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.permissions import Viewer
from schedules.context import Context, load_rule_book
from storage.db.database import Database
from storage.db.models import Employment, Enterprise, InboxRow, KeyPart, Person, Submission
from storage.errors import OperationRefused
from storage.store import Store
from tests.places import Place

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=ZONE)
TODAY = NOW.date()
COMPLETE: dict[str, Any] = {
    "part_id": 1,
    "matter": "液氯管道法兰渗漏",
    "responsible": "甲负责人",
    "measure": "更换垫片",
    "deadline": TODAY + timedelta(days=7),
    "kind": "process",
}
PEOPLE = {
    "王科": (["工作人员"], None),
    "李局": (["值班领导"], None),
    "审计": (["审计员"], None),
    "甲负责人": (["负责人"], 1),
    "甲安全员": (["安全员"], 1),
    "甲巡检员": (["巡检员"], 1),
    "乙负责人": (["负责人"], 2),
}


def day(days: int) -> date:
    """So many days from the first day of the test."""
    return TODAY + timedelta(days=days)


@dataclass
class Ledger:
    """The database, and the instant that counts as now."""

    database: Database
    now: datetime = NOW
    films: int = field(default=0)

    @contextmanager
    def acting(self) -> Iterator[Context]:
        """A context within one writing transaction."""
        with self.database.transaction() as session:
            store = Store(session)
            yield Context(store, load_rule_book(store, ZONE), self.now)

    @contextmanager
    def reading(self) -> Iterator[Context]:
        with self.database.read() as session:
            store = Store(session)
            yield Context(store, load_rule_book(store, ZONE), self.now)

    def does(self, act: Any, number: str, *arguments: Any, by: str, **options: Any) -> Any:
        """One act of a person on a hazard, in a transaction of its own. A receipt stands for its film."""
        with self.acting() as ctx:
            found = [ctx.store.submissions.get(each.id) if isinstance(each, Submission) else each for each in arguments]
            return act(number, *found, actor_named(by, ctx.store), ctx, **options)

    def add(self, by: str = "王科", enterprise_id: int = 1, draft: HazardDraft | None = None, **fields: Any) -> str:
        """The number of a new hazard; `fields` replace those of a complete one."""
        base = draft or HazardDraft(enterprise_id)
        with self.acting() as ctx:
            made = add_hazard(replace(base, fields={**COMPLETE, **fields}), actor_named(by, ctx.store), ctx)
            return made.number

    def film(self, part_id: int | None = 1, enterprise_id: int = 1, sent_at: datetime | None = None, **how: Any) -> Any:
        """A stored film (or photo), sent now."""
        self.films += 1
        row: dict[str, Any] = {
            "night": TODAY,
            "number": self.films,
            "channel": "wecom_app",
            "message_key": f"film-{self.films}",
            "inbox_id": 1,
            "realm": "wecom",
            "sender": "p1",
            "canonical_sender": "p1",
            "kind": "film",
            "sent_at": sent_at or self.now,
            "received_at": self.now,
            "attribution": "attributed",
            "state": "filed",
            "sha256": f"{self.films:064d}",
            "marks": [],
            "part_id": part_id,
            "enterprise_id": enterprise_id,
            **how,
        }
        with self.database.transaction() as session:
            film = Submission(**row)
            session.add(film)
        return film

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def state(self, number: str) -> str:
        return str(self.field(number, "state"))

    def field(self, number: str, name: str) -> Any:
        with self.reading() as ctx:
            return getattr(ctx.store.hazards.get(number), name)

    def actor(self, name: str) -> Viewer:
        with self.reading() as ctx:
            return actor_named(name, ctx.store)


@contextmanager
def a_ledger(place: Place, folder: Path) -> Iterator[Ledger]:
    """Enterprises 1 (parts 1 and 2) and 2 (part 3), and their people."""
    database = Database(place.migrated(folder))
    with database.transaction() as session:
        for number, name in ((1, "甲化工"), (2, "乙化工")):
            session.add(Enterprise(id=number, code=f"E00{number}", name=f"{name}有限公司", short_name=name))
        session.add(InboxRow(id=1, channel="wecom_app", message_key="a", raw="<xml/>", received_at=NOW))
        session.flush()
        for part, enterprise, name in ((1, 1, "罐区"), (2, 1, "泵房"), (3, 2, "罐区")):
            session.add(KeyPart(id=part, enterprise_id=enterprise, number=str(part), name=name))
        for person_id, (name, (roles, employer)) in enumerate(PEOPLE.items(), 1):
            session.add(Person(id=person_id, name=name, roles=roles))
            session.flush()
            if employer is not None:
                session.add(Employment(person_id=person_id, enterprise_id=employer))
    yield Ledger(database)
    database.close()


@contextmanager
def refused(text_key: str) -> Iterator[None]:
    """The act inside is refused with this text."""
    with pytest.raises(OperationRefused) as found:
        yield
    assert found.value.text_key == f"hazards.{text_key}"
