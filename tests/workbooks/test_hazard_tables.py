"""The tables of hazards in the reports: the last period beside, levels with their rate, sums that are proven."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from bot.pdf import report_pdf
from bot.reports.kinds import REPORTS
from bot.workbooks.reports.report_workbook import report_workbook
from handlers.hazards.extensions import ask_extension, grant_extension
from handlers.hazards.moving import accept_hazard, submit_hazard
from tests.handlers.hazard_parts import TODAY, Ledger, a_ledger, day
from tests.places import Place

MAJOR = {"level": "major", "criterion": "AQ 3067-2026 5.2.3", "kind": "equipment", "cost_yuan": 35_000}


@pytest.fixture
def ledger(tmp_path: Path, place: Place) -> Iterator[Ledger]:
    """Last week one hazard; this week three, of which one is major and one overdue; the first is accepted this week."""
    with a_ledger(place, tmp_path) as made:
        made.now -= timedelta(days=7)
        first = made.add(deadline=day(20), kind="fire")
        made.later(days=6)
        extended = made.add(deadline=day(1))
        made.add(enterprise_id=2, part_id=3, responsible="乙负责人", deadline=day(-1), kind="fire")
        made.later(days=1)
        made.add(deadline=day(9), supervised_by="市安委办", **MAJOR)
        made.does(ask_extension, extended, day(12), "缺备件", "加强巡查", by="甲负责人")
        made.does(grant_extension, extended, by="李局")
        made.does(submit_hazard, first, made.film(), by="甲负责人")
        made.does(accept_hazard, first, by="李局")
        yield made


def sheets(ledger: Ledger, which: str) -> dict[str, list[tuple[Any, ...]]]:
    """Title of each sheet -> its rows, as Excel shows them."""
    with ledger.reading() as ctx:
        kind = REPORTS[which]
        tables = kind.tables(kind.make(ctx, TODAY), ctx.rules)
    assert report_pdf(tables).startswith(b"%PDF-")
    book = load_workbook(BytesIO(report_workbook(tables)))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def told(ledger: Ledger, which: str) -> dict[str, Any]:
    with ledger.reading() as ctx:
        kind = REPORTS[which]
        return kind.to_json(kind.make(ctx, TODAY), ctx.rules)


def below(rows: list[tuple[Any, ...]], heading: str) -> list[tuple[Any, ...]]:
    """The rows of the table below its headings."""
    top = next(number for number, row in enumerate(rows) if heading in row)
    return [row for row in rows[top + 1 :] if row[1] is not None or "合计" in row]


def test_the_week_lists_each_enterprise_with_last_week_beside_the_worst_first(ledger: Ledger) -> None:
    rows = sheets(ledger, "weekly")["隐患"]
    assert below(rows, "企业编号") == [
        (1, "E002", "乙化工有限公司", 1, 0, 1, 0, 1, 0, 0, 0, 0),
        (2, "E001", "甲化工有限公司", 2, 1, 0, 1, 2, 1, 0, 0, 0),
        (None, None, "合计", 3, 1, 1, 1, 3, 1, 0, 0, 0),
    ]
    assert rows[3][0] == (
        "隐患：新发现 3 项（重大 1 项），整改率 0.0%；已验收 1 项，逾期 1 项，批准延期 1 次"
        "（上周：新发现 1，已验收 0，逾期 0，批准延期 0）。"
    )


def test_the_week_has_the_blocks_of_general_and_major_hazards_and_the_top_kinds(ledger: Ledger) -> None:
    general, major, total, *kinds = below(sheets(ledger, "weekly")["隐患统计"], "整改率")
    assert general == ("一般隐患", 2, 0, 0, 1, 0, 0, 2, 1, 0, 0, 0)
    assert major == ("重大隐患", 1, 0, 0, 0, 0, "—", 1, 0, 0, 1, 3.5)
    assert [a + b for a, b in zip(general[1:3], major[1:3], strict=True)] == list(total[1:3])
    assert [row[:2] for row in kinds] == [("设备类", 1), ("消防类", 1), ("工艺类", 1)]


@pytest.mark.parametrize("which", ["weekly", "monthly", "year"])
def test_every_figure_is_the_sum_of_its_rows(ledger: Ledger, which: str) -> None:
    found = sheets(ledger, which)
    *rows, total = below(found["隐患明细"], "隐患编号")
    sums = [sum(row[column] or 0 for row in rows) for column in range(13, 19)]
    assert (sums, total[0]) == (list(total[13:19]), "合计")
    *enterprises, of_all = below(found["隐患"], "企业编号")
    assert [sum(row[column] for row in enterprises) for column in range(3, 8)] == list(of_all[3:8])
    assert (of_all[3], of_all[4], of_all[5], of_all[6], of_all[7]) == (sums[0], sums[2], sums[3], sums[4], sums[5])
    *_, statistics = [row for row in below(found["隐患统计"], "整改率") if row[0] == "合计"]
    assert statistics[1:3] == (sums[0], sums[1])


def test_the_figures_of_the_year_lead_to_the_sheet_with_their_rows(ledger: Ledger) -> None:
    found = sheets(ledger, "year")
    figures = {row[0]: row[1:3] for row in found["年度数字"]}
    assert figures["发现隐患（项）"] == (4, "隐患明细")
    assert figures["其中重大隐患（项）"] == (1, "隐患明细")
    rows = [row for row in below(found["隐患明细"], "隐患编号") if row[0] != "合计"]
    assert sum(row[13] or 0 for row in rows) == 4
    assert sum(row[5] == "重大" for row in rows) == 1
    report = told(ledger, "year")
    assert report["figures"]["hazards_found"] == sum(row["found"] for row in report["hazards"]["rows"]) == 4
    assert report["figures"]["hazards_extended"] == sum(row["extended"] for row in report["hazards"]["rows"]) == 1


def test_the_daily_workbook_has_the_hazards_of_the_day_on_its_second_sheet(ledger: Ledger) -> None:
    found = sheets(ledger, "daily")
    assert list(found)[:2] == ["夜巡日报", "隐患"]
    rows = below(found["隐患"], "存在问题及隐患")
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("新发现", "YH-2026-0002", "甲化工有限公司"),
        ("新发现", "YH-2026-0003", "乙化工有限公司"),
    ]
    headings = next(row for row in found["隐患"] if "存在问题及隐患" in row)
    cells = dict(zip(headings, rows[0], strict=True))
    assert (cells["等级"], cells["整改责任人"], cells["完成情况"]) == ("一般", "甲负责人", "整改中")
    daily = told(ledger, "daily")["hazards"]
    assert (daily["day"], daily["found"], daily["before"]["found"]) == ("2026-11-23", 2, 0)
    assert [row["number"] for row in daily["rows"]] == ["YH-2026-0002", "YH-2026-0003"]


def test_the_week_as_json(ledger: Ledger) -> None:
    hazards = told(ledger, "weekly")["hazards"]
    assert {name: hazards["total"][name] for name in ("found", "closed", "overdue", "extended")} == {
        "found": 3,
        "closed": 1,
        "overdue": 1,
        "extended": 1,
    }
    assert (hazards["before"]["found"], hazards["levels"]["major"]["found"], hazards["kinds"]["fire"]["found"]) == (
        1,
        1,
        1,
    )
    assert hazards["enterprises"]["E002"]["overdue"] == 1
