"""Judging a night and deciding a wave, for a county, a prefecture, a big one, and all the country's plants.

A synthetic province: work groups of 75 enterprises, 4 parts each; nine enterprises of ten have filmed all of them,
the others half. That is what a wave at 03:07 finds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import event, insert, select, text

from bot.clock import RealClock
from bot.engine import InlineEngine
from bot.unit_of_work import UnitOfWork
from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.reminders import check_reminder, decide_reminder_waves
from storage.db.database import Database
from storage.db.models import Binding, Employment, Enterprise, GroupChat, InboxRow, KeyPart, Notice, Person, Submission
from tests.bench.rig import Row, database
from tests.harness import SHANGHAI

NIGHT = date(2026, 11, 24)
PARTS, IN_A_GROUP = 4, 75
_SIZES = (75, 2_000, 20_000, 210_000)
_AT_ONCE = 5_000
_WAVE = datetime(2026, 11, 24, 3, 7, 1, tzinfo=SHANGHAI)
_SENT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def settle(kept: Database, enterprises: int, without_group: int = 0) -> None:
    """The register of so many enterprises with a patroller each, in groups but for the first ones."""
    numbers = range(1, -(-enterprises // IN_A_GROUP) + 1)
    groups = [{"id": number, "name": f"群{number}", "robot_key": f"K{number}"} for number in numbers]
    with kept.write() as connection:
        connection.execute(insert(GroupChat), groups)
        for first in range(1, enterprises + 1, _AT_ONCE):
            ids = range(first, min(first + _AT_ONCE, enterprises + 1))
            connection.execute(insert(Enterprise), [_enterprise(number, number <= without_group) for number in ids])
            connection.execute(insert(Person), [_person(number) for number in ids])
            connection.execute(insert(Employment), [{"person_id": number, "enterprise_id": number} for number in ids])
            connection.execute(insert(Binding), [_binding(number) for number in ids])
            connection.execute(insert(KeyPart), [_part(number, part) for number in ids for part in range(PARTS)])


def _enterprise(number: int, alone: bool) -> dict[str, object]:
    name = f"企业{number}化工"
    return {
        "id": number,
        "code": f"E{number:06d}",
        "name": name,
        "short_name": name,
        "status": "生产",
        "group_id": None if alone else (number - 1) // IN_A_GROUP + 1,
    }


def _person(number: int) -> dict[str, object]:
    return {"id": number, "name": f"巡检员{number}", "roles": ["巡检员"], "active": True}


def _binding(number: int) -> dict[str, object]:
    return {"person_id": number, "realm": "wecom", "account": f"p{number}", "canonical_account": f"p{number}"}


def _part(number: int, part: int) -> dict[str, object]:
    return {
        "id": (number - 1) * PARTS + part + 1,
        "enterprise_id": number,
        "number": str(part + 1),
        "name": f"部位{part + 1}",
        "required_in_shutdown": False,
        "in_use": True,
    }


def film_a_night(kept: Database, night: date, enterprises: int, all_filmed: bool = False) -> None:
    """The films of a night; every tenth enterprise sends half of its own."""
    sent = datetime.combine(night, datetime.min.time(), SHANGHAI) + timedelta(minutes=50)
    raw = {"channel": "wecom_app", "raw": "<xml/>", "received_at": sent, "state": "done", "dispatched": True}
    with kept.write() as connection:
        inbox_id = connection.execute(
            insert(InboxRow).values(**raw, message_key=f"night/{night}", attempts=0).returning(InboxRow.id)
        ).scalar_one()
        number = 0
        for first in range(1, enterprises + 1, _AT_ONCE):
            films = []
            for enterprise in range(first, min(first + _AT_ONCE, enterprises + 1)):
                for part in range(PARTS if all_filmed or enterprise % 10 else PARTS // 2):
                    number += 1
                    films.append(_film(night, number, enterprise, part, inbox_id, sent))
            connection.execute(insert(Submission), films)


def _film(night: date, number: int, enterprise: int, part: int, inbox_id: int, sent: datetime) -> dict[str, object]:
    key = f"{night}/{number}"
    return {
        "night": night,
        "number": number,
        "channel": "wecom_app",
        "message_key": key,
        "inbox_id": inbox_id,
        "realm": "wecom",
        "sender": f"p{enterprise}",
        "canonical_sender": f"p{enterprise}",
        "person_id": enterprise,
        "enterprise_id": enterprise,
        "part_id": (enterprise - 1) * PARTS + part + 1,
        "kind": "film",
        "sent_at": sent,
        "received_at": sent,
        "state": "filed",
        "attribution": "attributed",
        "marks": [],
        "sha256": f"{number:064x}",
        "bytes": 8_000_000,
        "duration_s": 30.0,
        "container": "mov,mp4",
        "codec": "h264",
        "width": 1280,
        "height": 720,
        "object_key": f"films/{night}/{number}.mp4",
    }


@dataclass
class Cost:
    """Of one size: seconds and queries of judging, of deciding a wave, and of checking one of its messages."""

    enterprises: int
    judging: tuple[float, int]
    deciding: tuple[float, int]
    checking: tuple[float, int]
    messages: int


@contextmanager
def _counted(kept: Database) -> Iterator[list[float]]:
    """Seconds and queries of a block."""
    found = [0.0, 0]

    def count(*_: object) -> None:
        found[1] += 1

    event.listen(kept.engine, "before_cursor_execute", count)
    began = time.perf_counter()
    try:
        yield found
    finally:
        found[0] = time.perf_counter() - began
        event.remove(kept.engine, "before_cursor_execute", count)


def cost(kind: str, enterprises: int) -> Cost:
    """Play the wave over a province of so many enterprises."""
    with database(kind) as kept:
        settle(kept, enterprises)
        film_a_night(kept, NIGHT, enterprises)
        with kept.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("analyze"))
        memory = UnitOfWork(kept, InlineEngine(), RealClock(), SHANGHAI)
        with memory.transaction() as store:
            store.facts.store_fact("service_started", {"at": (_WAVE - timedelta(days=1)).isoformat()})
        with memory.read() as store, _counted(kept) as judging:
            whole = judge_night(Context(store, memory.rules(store), _WAVE), NIGHT)
        assert len(whole.confirmed_missing) == enterprises // 10
        del whole
        with memory.transaction() as store, _counted(kept) as deciding:
            decide_reminder_waves(Context(store, memory.rules(store), _WAVE))
        with memory.read() as store:
            notices = store.session.scalars(select(Notice.id).where(Notice.kind == "reminder")).all()
            one = store.notices.get(notices[0])
            assert one is not None
            with _counted(kept) as checking:
                assert check_reminder(one, Context(store, memory.rules(store), _WAVE)) is not None
    return Cost(enterprises, _pair(judging), _pair(deciding), _pair(checking), len(notices))


def _pair(found: list[float]) -> tuple[float, int]:
    return found[0], int(found[1])


def waves(quick: bool) -> Iterator[Row]:
    """Each size on PostgreSQL, the county on SQLite too."""
    for kind, sizes in (("SQLite", _SIZES[:2]), ("PostgreSQL", _SIZES[:3] if quick else _SIZES)):
        for enterprises in sizes:
            found = cost(kind, enterprises)
            wanted = "≤ 30 s" if enterprises == _SIZES[-1] else ""
            each = 1000 / enterprises
            yield Row(
                f"{enterprises:,} enterprises, {kind}: a night judged / a wave judged and decided",
                f"{found.judging[0]:.2f} s ({found.judging[0] * each:.3f} ms each, {found.judging[1]} queries) / "
                f"**{found.deciding[0]:.2f} s** ({found.deciding[0] * each:.3f} ms each, {found.deciding[1]} queries, "
                f"{found.messages} messages)",
                wanted,
            )
            yield Row(
                f"{enterprises:,} enterprises, {kind}: one message of it checked before it leaves",
                f"{found.checking[0] * 1000:.0f} ms, {found.checking[1]} queries",
            )
