"""The hazard ledger with 50,000 hazards: a page of it by each filter and search, and Excel in both directions."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from openpyxl import Workbook
from sqlalchemy import insert, text

from bot.workbooks.hazards.apply import SheetImport
from bot.workbooks.hazards.export import export_hazards
from bot.workbooks.hazards.read import read_hazards
from handlers.hazards.access import command_actor
from schedules.context import Context, load_rule_book
from storage.db.database import Database
from storage.db.models import Counter, Hazard, HazardMove
from storage.hazard_terms import KINDS
from storage.hazards import HazardFilter
from storage.store import Store
from tests.bench.province import NIGHT, PARTS, settle
from tests.bench.rig import Row, database, folder
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
        with database(kind) as kept:
            settle(kept, _ENTERPRISES)
            _fill(kept, count)
            yield from _pages(kept, kind, count)
            yield from _excel(kept, kind, count)


def _fill(kept: Database, count: int) -> None:
    with kept.write() as connection:
        for first in range(1, count + 1, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, count + 1))
            connection.execute(insert(HazardMove), [move for number in numbers for move in _moves(number)])
            connection.execute(insert(Hazard), [_hazard(number) for number in numbers])
        connection.execute(insert(Counter), {"name": "hazards/2026", "value": count})
    if not kept.is_sqlite:
        with kept.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("analyze"))


def _number(number: int) -> str:
    return f"YH-2026-{number:04d}"


def _moves(number: int) -> list[dict[str, object]]:
    state = _STATES[number % len(_STATES)]
    first = "incomplete" if state == "incomplete" else "rectifying"
    move = {"hazard_number": _number(number), "at": _NOW, "by_name": "王科", "by_id": None}
    moves = [{**move, "seq": 1, "previous_seq": None, "from_state": None, "to_state": first, "reason": None}]
    if state == "void":
        moves.append({**move, "seq": 2, "previous_seq": 1, "from_state": first, "to_state": "void", "reason": "误报"})
    return moves


def _hazard(number: int) -> dict[str, object]:
    state, enterprise = _STATES[number % len(_STATES)], number % _ENTERPRISES + 1
    found_on = NIGHT - timedelta(days=number % 300)
    deadline = None if state == "incomplete" else found_on + timedelta(days=number % 400)
    return {
        "number": _number(number),
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


def _context(store: Store) -> Context:
    return Context(store, load_rule_book(store, SHANGHAI), _NOW)


def _pages(kept: Database, kind: str, count: int) -> Iterator[Row]:
    """A page of 50 with the counts above it, as the ledger's page reads them."""
    filters: dict[str, Callable[[int], HazardFilter]] = {
        "the whole ledger": lambda run: HazardFilter(),
        "one enterprise": lambda run: HazardFilter(enterprise_ids=frozenset({run + 1})),
        "one state and kind": lambda run: HazardFilter(states=("rectifying",), kind=KINDS[run % len(KINDS)]),
        "overdue": lambda run: HazardFilter(overdue=True),
        "search for a number": lambda run: HazardFilter(text=f"-{1000 + run}"),
        "search for words": lambda run: HazardFilter(text=f"第{run * 100 + 7}处"),
    }
    for name, wanted in filters.items():
        took = []
        for run in range(_RUNS):
            began = time.perf_counter()
            with kept.read() as session:
                hazards = Store(session).hazards
                hazards.find(wanted(run), NIGHT, limit=50)
                hazards.counts(wanted(run), NIGHT)
            took.append(time.perf_counter() - began)
        p95 = statistics.quantiles(took, n=20)[-1]
        yield Row(f"ledger of {count:,}, {kind}: {name}, 95 of 100 pages", f"{p95 * 1000:.0f} ms", "≤ 200 ms")


def _excel(kept: Database, kind: str, count: int) -> Iterator[Row]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with folder() as place:
        began = time.perf_counter()
        with kept.read() as session:
            content = export_hazards(_context(Store(session)), HazardFilter())
        took = time.perf_counter() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        measured = f"{took:.1f} s, {len(content) / 1e6:.1f} MB, {grown} MB more memory"
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
        enterprise = row % _ENTERPRISES + 1
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
