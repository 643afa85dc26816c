"""An inspection of 40 hazards by Excel, with a document and a case with a fine, and the figures of the year."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from openpyxl import Workbook, load_workbook

from bot.cli import cli
from tests.places import current_place
from tests.web.parts import Browser, Dashboard, open_dashboard
from tests.web.test_inspections import PDF, today

HEADINGS = ("检查编号", "企业编号", "部位", "事项", "责任人", "措施", "时限", "类型")
NUMBER = "JC-2026-0001"
COURSE = {"cause": "未按规定检测", "fine_yuan": "350000", "closed_on": ""}


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    with open_dashboard(tmp_path) as made:
        yield made


def command(folder: Path, *arguments: str) -> Result:
    environment = {**current_place().settings(folder), "SECRET_KEY": "a secret key used by the tests only"}
    return CliRunner().invoke(cli, arguments, env=environment)


def sheet(folder: Path, rows: list[tuple[Any, ...]]) -> str:
    workbook, path = Workbook(), folder / "hazards.xlsx"
    written = workbook.active
    assert written is not None
    written.title = "隐患"
    for row in (HEADINGS, *rows):
        written.append(row)
    workbook.save(path)
    return str(path)


def finding(number: int, deadline: str, inspection: str = NUMBER) -> tuple[Any, ...]:
    responsible = "甲化工负责人" if number % 4 else None
    return (inspection, "E001", "罐区", f"第{number}项：法兰跨接线缺失", responsible, "补装并检测", deadline, "设备")


def visit(staff: Browser, kind: str, enterprise: str, day: str) -> None:
    form = {"enterprise": enterprise, "kind": kind, "held_on": day, "inspectors": "王科、李专家", "plan": "年度计划"}
    assert staff.act("/inspections/new", form).status_code == 302


def year_of(folder: Path, day: str) -> dict[str, Any]:
    return json.loads(command(folder, "report", "year", day, "--json").stdout)  # type: ignore[no-any-return]


def test_an_inspection_of_40_hazards_stands_in_the_years_figures(dashboard: Dashboard, tmp_path: Path) -> None:
    staff, deadline = dashboard.signed_in("staff"), today(dashboard, 30)
    visit(staff, "annual", "甲化工", today(dashboard, -2))
    visit(staff, "special", "乙化工", today(dashboard, -1))
    wrong = sheet(tmp_path, [finding(1, deadline), finding(2, deadline, "JC-2026-0002")])
    refused = command(tmp_path, "hazard", "import", wrong)
    assert (refused.exit_code, "检查 JC-2026-0002 查的不是这家企业" in refused.output) == (1, True)
    right = sheet(tmp_path, [finding(number, deadline) for number in range(40)])
    assert command(tmp_path, "hazard", "import", right).exit_code == 0
    page = staff.get(f"/inspections/{NUMBER}").text
    assert all(words in page for words in ("隐患 40", "待补全 10", "整改中 30"))
    shown = json.loads(command(tmp_path, "hazard", "show", "YH-2026-0001", "--json").stdout)
    assert (shown["inspection_number"], shown["found_by"], shown["source"]) == (NUMBER, "王科、李专家", "inspection")

    order = {"kind": "rectification_order", "number": "责改1号", "issued_on": today(dashboard), "inspection": NUMBER}
    numbers = [f"YH-2026-{number:04d}" for number in range(1, 41)]
    staff.act("/documents/new", {**order, "hazards": numbers, "file": (BytesIO(PDF), "责改1号.pdf")})
    case = {"number": "立1号", "filed_on": today(dashboard), "fined_on": today(dashboard), "inspection": NUMBER}
    assert staff.act("/cases/new", {**COURSE, **case, "documents": "1", "hazards": numbers[:3]}).status_code == 302
    # What is void counts nowhere.
    staff.act("/documents/new", {**order, "number": "责改2号"})
    staff.act("/documents/2/void", {"reason": "重复"})
    dashboard.story.settle()
    dashboard.story.hears("h1")

    year = year_of(tmp_path, today(dashboard))
    figures = year["figures"]
    names = ("inspections", "inspected_enterprises", "annual_enterprises", "documents", "cases", "case_enterprises")
    assert [figures[name] for name in names] == [2, 2, 1, 1, 1, 1]
    assert (figures["fines_yuan"], figures["hazards_found"]) == (350_000, 40)
    assert [(each["number"], each["hazards"], each["documents"], each["cases"]) for each in year["inspections"]] == [
        (NUMBER, 40, 1, 1),
        ("JC-2026-0002", 0, 0, 0),
    ]
    [document] = year["documents"]
    assert (document["number"], document["enterprise"], document["has_file"]) == ("责改1号", "甲化工有限公司", True)
    assert [(each["number"], each["filed"], each["fine_yuan"]) for each in year["cases"]] == [("立1号", True, 350_000)]
    report = staff.get(f"/reports/year/{today(dashboard)}").text
    assert "下发文书 1 份，立案处罚企业 1 家（1 起），处罚金额 35 万元" in report
    check_totals(tmp_path, today(dashboard), figures)


def check_totals(folder: Path, day: str, figures: dict[str, Any]) -> None:
    """Every figure of the workbook names its sheet, and is the total of the rows there."""
    file = folder / "year.xlsx"
    assert command(folder, "report", "year", day, "--xlsx", str(file)).exit_code == 0
    book = load_workbook(file)
    rows = {name: list(book[name].iter_rows(values_only=True)) for name in ("年度数字", "检查", "文书", "立案处罚")}
    listed = {row[0]: (row[1], row[2]) for row in rows["年度数字"] if row[2]}
    assert listed["处罚金额（元）"] == (figures["fines_yuan"], "立案处罚")
    assert (listed["下发文书（份）"], listed["检查（次）"]) == (
        (figures["documents"], "文书"),
        (figures["inspections"], "检查"),
    )
    found = [row for row in rows["检查"] if str(row[0]).startswith("JC-")]
    total = next(row for row in rows["检查"] if row[0] == "合计")
    assert (total[1], total[7]) == (len(found), sum(row[7] for row in found))
    fines = [row for row in rows["立案处罚"] if str(row[0]).startswith("立") and isinstance(row[7], int)]
    total = next(row for row in rows["立案处罚"] if row[0] == "合计")
    assert (total[6], total[7]) == (figures["cases"], sum(row[7] for row in fines))
    assert next(row for row in rows["文书"] if row[0] == "合计")[1] == figures["documents"]


def test_a_fine_counts_in_the_year_of_its_decision_and_the_case_in_that_of_its_filing(
    dashboard: Dashboard, tmp_path: Path
) -> None:
    staff, night = dashboard.signed_in("staff"), dashboard.story
    case = {"enterprise": "甲化工", "number": "立1号", "filed_on": today(dashboard), "cause": "未按规定检测"}
    staff.act("/cases/new", {**case, "fine_yuan": "", "fined_on": ""})
    night.clock.instant += timedelta(days=60)
    staff = dashboard.signed_in("staff")
    course = {**COURSE, "fine_yuan": "20000", "fined_on": today(dashboard), "version": "1"}
    assert staff.act("/cases/1/edit", course).status_code == 302
    first, second = (year_of(tmp_path, f"{year}-01-01")["figures"] for year in (2026, 2027))
    assert [(year["cases"], year["case_enterprises"], year["fines_yuan"]) for year in (first, second)] == [
        (1, 1, 0),
        (0, 0, 20_000),
    ]
