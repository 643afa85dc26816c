"""The hazard ledger with 50,000 hazards: its page by filter and search, the tick, and Excel in both directions."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from datetime import time as dt_time
from pathlib import Path

from openpyxl import Workbook
from sqlalchemy import event, func, insert, select, text

from bot.workbooks.hazards.apply import SheetImport
from bot.workbooks.hazards.export import export_hazards
from bot.workbooks.hazards.read import read_hazards
from handlers.hazards.access import command_actor
from schedules.context import Context, load_rule_book
from schedules.hazards.reminders import remind_of_deadlines, remind_of_interim_measures
from storage.db.database import Database
from storage.db.models import Base, Counter, Hazard, HazardMove, Notice
from storage.hazard_terms import KINDS
from storage.hazards import HazardFilter
from storage.store import Store
from tests.bench.province import NIGHT, PARTS, settle
from tests.bench.rig import Row, Service, database, folder, service
from tests.bench.web import add_leader, cpu_s, sign_in
from tests.harness import SHANGHAI, at

_ENTERPRISES, _AT_ONCE = 750, 5_000
_NOW = at("09:00")
_RUNS = 40
# Open states with their share of the ledger; void hazards keep the bulk insert simple, as they need no attempt.
_STATES = ("rectifying", "rectifying", "incomplete", "void", "void")


def ledger(quick: bool) -> Iterator[Row]:
    """On both databases."""
    count = 5_000 if quick else 50_000
    for kind in ("SQLite", "PostgreSQL"):
        with service(kind, ("web",), _ENTERPRISES, PARTS) as found:
            add_leader(found)
            _fill(found.database, count, _hazard)
            yield from _pages(found, kind, count)
            yield from _excel(found.database, kind, count)
        yield from _ticks(kind, count)


def _fill(kept: Database, count: int, hazard: Callable[[int], dict[str, object]]) -> None:
    with kept.write() as connection:
        for first in range(1, count + 1, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, count + 1))
            hazards = [hazard(number) for number in numbers]
            connection.execute(insert(HazardMove), [move for each in hazards for move in _moves(each)])
            connection.execute(insert(Hazard), hazards)
        connection.execute(insert(Counter), {"name": "hazards/2026", "value": count})
    if not kept.is_sqlite:
        with kept.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # As the server does by itself after a while.
            connection.execute(text("vacuum analyze"))


def _moves(hazard: dict[str, object]) -> list[dict[str, object]]:
    state = hazard["state"]
    first = "incomplete" if state == "incomplete" else "rectifying"
    move = {"hazard_number": hazard["number"], "at": _NOW, "by_name": "王科", "by_id": None}
    moves = [{**move, "seq": 1, "previous_seq": None, "from_state": None, "to_state": first, "reason": None}]
    if state == "void":
        moves.append({**move, "seq": 2, "previous_seq": 1, "from_state": first, "to_state": "void", "reason": "误报"})
    return moves


def _hazard(number: int) -> dict[str, object]:
    state, enterprise = _STATES[number % len(_STATES)], number % _ENTERPRISES + 1
    found_on = NIGHT - timedelta(days=number % 300)
    deadline = None if state == "incomplete" else found_on + timedelta(days=number % 400)
    return {
        "number": f"YH-2026-{number:04d}",
        "year": 2026,
        "ordinal": number,
        "version": 1,
        "state": state,
        "last_move": 2 if state == "void" else 1,
        "closed_at": _NOW if state == "void" else None,
        "enterprise_id": enterprise,
        "part_id": (enterprise - 1) * PARTS + number % PARTS + 1,
        "level": "general",
        "source": "night_patrol",
        "kind": KINDS[number % len(KINDS)],
        "treatment": "deadline",
        "matter": f"第{number}处法兰渗漏，附近有可燃气体报警",
        "responsible": f"巡检员{enterprise}",
        "responsible_id": enterprise,
        "measure": "停用并更换垫片，更换前每夜测漏",
        "deadline": deadline,
        "first_deadline": deadline,
        "found_at": _NOW - timedelta(days=number % 300),
        "found_on": found_on,
        "found_by": f"检查员{number % 20}",
        "registered_at": _NOW,
        "registered_by": "王科",
    }


def _open_hazard(number: int) -> dict[str, object]:
    """One in rectification, every tenth of each enterprise overdue."""
    found_on = NIGHT - timedelta(days=number % 300)
    is_overdue = number // _ENTERPRISES % 10 == 0
    deadline = found_on if is_overdue else NIGHT + timedelta(days=20 + number % 200)
    in_rectification = {"state": "rectifying", "last_move": 1, "closed_at": None}
    return {**_hazard(number), **in_rectification, "deadline": deadline, "first_deadline": deadline}


def _context(store: Store, now: datetime = _NOW) -> Context:
    return Context(store, load_rule_book(store, SHANGHAI), now)


def _pages(found: Service, kind: str, count: int) -> Iterator[Row]:
    """The page as a leader's phone asks for it, one after the other."""
    filters: dict[str, Callable[[int], dict[str, str]]] = {
        "the whole ledger": lambda run: {},
        "one enterprise": lambda run: {"enterprise": f"E{run + 1:06d}"},
        "one state and kind": lambda run: {"state": "rectifying", "kind": KINDS[run % len(KINDS)]},
        "overdue": lambda run: {"overdue": "1"},
        "search for a number": lambda run: {"text": f"-{1000 + run}"},
        "search for words": lambda run: {"text": f"第{run * 100 + 7}处"},
    }
    browser, address = sign_in(found), f"http://127.0.0.1:{found.port}/hazards"
    browser.get(address).raise_for_status()  # the first one also warms up
    for name, wanted in filters.items():
        took, busy = [], cpu_s(found)
        for run in range(_RUNS):
            began = time.perf_counter()
            answer = browser.get(address, params=wanted(run))
            took.append(time.perf_counter() - began)
            assert "YH-2026-" in answer.text
        p95, median = statistics.quantiles(took, n=20)[-1] * 1000, statistics.median(took) * 1000
        what = f"page of a ledger of {count:,}, {kind}: {name}, p95"
        share = (cpu_s(found) - busy) / _RUNS * 1000
        yield Row(what, f"**{p95:.0f} ms** (median {median:.0f}, processor time {share:.0f})", "≤ 200 ms")


def _ticks(kind: str, count: int) -> Iterator[Row]:
    """The jobs about hazards, with nothing but open ones, a tenth of which is due; one notice for each person."""
    with database(kind) as kept:
        settle(kept, _ENTERPRISES)
        _fill(kept, count, _open_hazard)
        with kept.transaction() as session:
            Store(session).facts.store_fact("service_started", {"at": (_NOW - timedelta(days=9)).isoformat()})
        asked: list[str] = []
        event.listen(kept.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
        _tick_ms(kept, NIGHT)  # the first one also warms up
        busy = time.process_time()
        deciding = [_tick_ms(kept, NIGHT + timedelta(days=run)) for run in range(1, 6)]
        share = (time.process_time() - busy) / 5 * 1000
        notices, queries = _count(kept, Notice) // 6, len(asked) // 6
        usual = [_tick_ms(kept, NIGHT + timedelta(days=5)) for _ in range(_RUNS)]
    what = f"tick over {count:,} open hazards, {kind}"
    times = f"**{statistics.median(deciding):.0f} ms** (longest {max(deciding):.0f}, processor time {share:.0f})"
    yield Row(f"{what}: deciding, {notices} people to remind", f"{times}, {queries} queries", "≤ 100 ms")
    yield Row("… decided already", f"**{statistics.median(usual):.1f} ms** (longest {max(usual):.1f})", "≤ 100 ms")


def _tick_ms(kept: Database, today: date) -> float:
    with kept.transaction() as session:
        ctx = _context(Store(session), datetime.combine(today, dt_time(9, 30), SHANGHAI))
        began = time.perf_counter()
        remind_of_deadlines(ctx)
        remind_of_interim_measures(ctx)
        session.flush()
        return (time.perf_counter() - began) * 1000


def _count(kept: Database, model: type[Base]) -> int:
    with kept.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def _excel(kept: Database, kind: str, count: int) -> Iterator[Row]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with folder() as place:
        began, busy = time.perf_counter(), time.process_time()
        with kept.read() as session:
            export_hazards(_context(Store(session)), HazardFilter())
        took, share = time.perf_counter() - began, time.process_time() - busy
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        measured = f"**{took:.1f} s** (processor time {share:.1f}), {grown} MB more memory"
        yield Row(f"{count:,} rows × 21 columns to Excel, {kind}", measured, "≤ 20 s, ≤ 150 MB")
        path = _sheet(place, 5_000)
        began = time.perf_counter()
        parsed = read_hazards(path)
        with kept.transaction() as session:
            result = SheetImport(parsed, command_actor("bench"), _context(Store(session))).run()
        assert (result.added, result.refusals) == (5_000, [])
        yield Row(f"5,000 rows from Excel, {kind}", f"{time.perf_counter() - began:.1f} s", "≤ 10 s")


def _sheet(place: Path, rows: int) -> Path:
    workbook, path = Workbook(write_only=True), place / "hazards.xlsx"
    sheet = workbook.create_sheet("隐患")
    sheet.append(("企业编号", "部位", "事项", "责任人", "措施", "时限", "等级", "类型", "发现人", "发现时间"))
    for row in range(rows):
        enterprise = row % (_ENTERPRISES - 1) + 1
        sheet.append(
            (
                f"E{enterprise:06d}",
                "1",
                f"检查发现第{row}处渗漏",
                f"巡检员{enterprise}",
                "更换垫片",
                NIGHT + timedelta(days=9),
                "一般",
                "工艺",
                "专家甲",
                "2026-11-20 10:30",
            )
        )
    workbook.save(path)
    return path
