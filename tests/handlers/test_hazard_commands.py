"""The hazard commands: the acts of one hazard from the finding to the acceptance, as a script performs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook

from bot.cli import cli
from bot.cli.errors import error_text
from bot.workbooks.hazards.columns import PRINTED
from storage.errors import OperationRefused
from tests.handlers.hazard_parts import ZONE, Ledger, a_ledger
from tests.places import Place, current_place

TODAY = datetime.now(ZONE).date()


@pytest.fixture
def ledger(tmp_path: Path, place: Place) -> Iterator[Ledger]:
    with a_ledger(place, tmp_path) as made:
        yield made


def run(folder: Path, *words: str) -> Result:
    settings = {"SECRET_KEY": "a secret key used by the tests only", **current_place().settings(folder)}
    return CliRunner().invoke(cli, words, env=settings)


def told(folder: Path, *words: str) -> Any:
    done = run(folder, *words, "--json")
    assert done.exit_code == 0, done.output or done.exception
    return json.loads(done.stdout)


def refusal(folder: Path, *words: str) -> str:
    """The line that the operator reads; the program exits with 1."""
    done = run(folder, *words)
    assert isinstance(done.exception, OperationRefused)
    line = error_text(done.exception) or ""
    assert "\n" not in line
    return line


ADD = ("hazard", "add", "--by", "王科", "--enterprise", "E001", "--part", "1", "--matter", "液氯管道法兰渗漏")
LISTS = ("--responsible", "甲负责人", "--measure", "更换垫片", "--deadline", (TODAY + timedelta(days=7)).isoformat())


def film_now(ledger: Ledger) -> str:
    ledger.now = datetime.now(ZONE)
    return str(ledger.film(night=TODAY).receipt)


def test_a_hazard_from_the_finding_to_the_acceptance(ledger: Ledger, tmp_path: Path) -> None:
    added = told(tmp_path, *ADD, *LISTS)
    number, until = added["number"], (TODAY + timedelta(days=20)).isoformat()
    assert number == f"YH-{TODAY.year}-0001"
    assert {name: added[name] for name in ("enterprise", "part", "state", "lacks", "overdue", "found_by")} == {
        "enterprise": "E001",
        "part": "1",
        "state": "rectifying",
        "lacks": [],
        "overdue": False,
        "found_by": "王科",
    }
    assert "risk_measure_id" in added["exchange_lacks"]
    assert refusal(tmp_path, "hazard", "move", number, "accept", "--by", "李局") == (
        f"隐患 {number} 目前“整改中”，不能办理这项操作"
    )
    ask = ("hazard", "extend", number, "ask", "--by", "甲负责人", "--until", until, "--reason", "备件未到")
    assert refusal(tmp_path, *ask) == "请填写延期期间的防护措施"
    told(tmp_path, *ask, "--interim", "每夜测漏")
    granted = told(tmp_path, "hazard", "extend", number, "grant", "--by", "王科")
    assert (granted["deadline"], granted["first_deadline"]) == (until, added["deadline"])
    [extension] = granted["extensions"]
    assert (extension["state"], extension["by"], extension["decided_by"]) == ("granted", "甲负责人", "王科")
    submit = ("hazard", "move", number, "submit", "--by", "甲负责人")
    assert "须附同一部位整改后的视频或照片" in refusal(tmp_path, *submit)
    told(tmp_path, *submit, "--receipt", film_now(ledger))
    assert "须由其他人复查验收" in refusal(tmp_path, "hazard", "move", number, "accept", "--by", "甲负责人")
    returned = told(tmp_path, "hazard", "move", number, "return", "--by", "王科", "--reason", "仍有渗漏")
    assert (returned["state"], returned["attempts"][0]["verdict"]) == ("rectifying", "returned")
    told(tmp_path, *submit, "--receipt", film_now(ledger))
    accepted = told(tmp_path, "hazard", "move", number, "accept", "--by", "李局")
    assert [attempt["verdict_by"] for attempt in accepted["attempts"]] == ["王科", "李局"]
    assert [move["to"] for move in accepted["moves"]] == [
        "rectifying",
        "awaiting_acceptance",
        "rectifying",
        "awaiting_acceptance",
        "accepted",
    ]
    assert told(tmp_path, "hazard", "show", number) == accepted


def test_the_ledger_counts_what_it_lists(ledger: Ledger, tmp_path: Path) -> None:
    told(tmp_path, *ADD)
    second = told(tmp_path, *ADD, *LISTS)
    assert second["repeat_of"] == f"YH-{TODAY.year}-0001"
    told(tmp_path, "hazard", "move", second["number"], "void", "--by", "王科", "--reason", "误报")
    listed = told(tmp_path, "hazard", "list")
    states = {"incomplete": 1, "rectifying": 0, "awaiting_acceptance": 0, "accepted": 0, "void": 1}
    assert listed["counts"] == {**states, "total": 2, "overdue": 0}
    assert [each["number"] for each in listed["hazards"]] == [second["number"], f"YH-{TODAY.year}-0001"]
    [incomplete] = told(tmp_path, "hazard", "list", "--state", "incomplete")["hazards"]
    assert incomplete["lacks"] == ["responsible", "measure", "deadline"]
    assert told(tmp_path, "hazard", "list", "--enterprise", "E002")["hazards"] == []
    shown = run(tmp_path, "hazard", "list").stdout + run(tmp_path, "hazard", "show", second["number"]).stdout
    assert all(words in shown for words in ("待补全 1", "合计 2", "液氯管道法兰渗漏", "已撤销", "误报"))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("hazard", "show", "YH-2026-9999"), "没有编号为 YH-2026-9999 的隐患"),
        ((*ADD[:3], "无名氏", *ADD[4:]), "登记册里没有在职的“无名氏”"),
        ((*ADD, "--deadline", "2026-01-01"), "整改时限 2026-01-01 已经过去"),
        ((*ADD, "--receipt", "0101-0009"), "没有回执号为 0101-0009 的视频"),
        ((*ADD, "--level", "major", "--criterion", "GB 1 2"), "不是发现之日"),
    ],
)
def test_a_refusal_is_one_line(ledger: Ledger, tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    assert line in refusal(tmp_path, *words)
    assert told(tmp_path, "hazard", "list")["counts"]["total"] == 0


def test_wrong_usage_is_told_from_a_refusal(ledger: Ledger, tmp_path: Path) -> None:
    assert run(tmp_path, *ADD, "--deadline", "tomorrow").exit_code == 2
    assert run(tmp_path, "hazard", "move", "YH-2026-0001", "jump", "--by", "王科").exit_code == 2


def test_the_ledger_comes_back_from_a_backup(ledger: Ledger, tmp_path: Path) -> None:
    number = told(tmp_path, *ADD, *LISTS)["number"]
    told(tmp_path, *ADD, *LISTS)
    told(tmp_path, "hazard", "move", number, "submit", "--by", "甲负责人", "--receipt", film_now(ledger))
    told(tmp_path, "hazard", "move", number, "accept", "--by", "李局")
    before = told(tmp_path, "hazard", "list")
    assert run(tmp_path, "backup", str(tmp_path / "all.zip")).exit_code == 0
    fresh = {
        "SECRET_KEY": "a secret key used by the tests only",
        "DATABASE_URL": f"sqlite:///{tmp_path}/fresh/patrol.db",
        "OBJECT_STORE_URL": f"file:{tmp_path}/fresh/objects",
    }
    restored = CliRunner().invoke(cli, ("restore", str(tmp_path / "all.zip")), env=fresh)
    assert restored.exit_code == 0, restored.output
    assert json.loads(CliRunner().invoke(cli, ("hazard", "list", "--json"), env=fresh).stdout) == before
    added = CliRunner().invoke(cli, (*ADD, "--json"), env=fresh)
    assert json.loads(added.stdout)["number"] == f"YH-{TODAY.year}-0003"


def test_an_export_is_imported_without_a_change_and_a_wrong_sheet_not_at_all(ledger: Ledger, tmp_path: Path) -> None:
    told(tmp_path, *ADD, *LISTS)
    before, path = told(tmp_path, "hazard", "list"), str(tmp_path / "hazards.xlsx")
    assert run(tmp_path, "hazard", "export", path).exit_code == 0
    read = run(tmp_path, "hazard", "import", path)
    assert (read.exit_code, "已导入" in read.stdout) == (0, True)
    workbook = load_workbook(path)
    workbook.active.cell(2, list(PRINTED).index("state") + 1).value = "已验收"
    workbook.active.cell(3, list(PRINTED).index("matter") + 1).value = "新的隐患"
    workbook.active.cell(3, list(PRINTED).index("enterprise") + 1).value = "甲化工"
    workbook.save(path)
    refused = run(tmp_path, "hazard", "import", path)
    assert (refused.exit_code, "第 2 行“完成情况”" in refused.stderr, "未导入" in refused.stderr) == (1, True, True)
    workbook.active.cell(2, list(PRINTED).index("state") + 1).value = "整改中"
    workbook.active.cell(2, list(PRINTED).index("measure") + 1).value = "更换法兰"
    workbook.save(path)
    preview = run(tmp_path, "hazard", "import", path, "--dry-run")
    assert "隐患表第 2 行 YH-2026-0001的“措施”：原为“更换垫片”，改为“更换法兰”" in preview.stdout
    assert "隐患表第 3 行 新增：甲化工 新的隐患" in preview.stdout
    assert "试读完成，未作修改" in preview.stdout
    assert told(tmp_path, "hazard", "list") == before
    assert run(tmp_path, "hazard", "import", path).exit_code == 0
    assert told(tmp_path, "hazard", "list")["counts"]["total"] == 2


def test_the_exchange_gets_what_is_ready_and_the_office_learns_what_the_others_lack(
    ledger: Ledger, tmp_path: Path
) -> None:
    number = told(tmp_path, *ADD, *LISTS)["number"]
    told(tmp_path, *ADD)
    path = str(tmp_path / "exchange.json")
    shown = run(tmp_path, "hazard", "exchange", path)
    assert (shown.exit_code, json.loads(Path(path).read_text("utf-8"))) == (0, [])
    assert f"{number} 不能报送：缺企业编号（9位编码或18位统一社会信用代码）、缺危险源编码" in shown.stdout
    with ledger.acting() as ctx:
        hazard = ctx.store.hazards.get(number)
        assert hazard is not None
        hazard.hazard_code, hazard.risk_measure_id, hazard.check_record_id = "h1", "m1", "c1"
        enterprise = ctx.store.register.enterprise(hazard.enterprise_id)
        assert enterprise is not None
        enterprise.code = "410900123"
    assert "已写出 1 条；0 条还不能报送" in run(tmp_path, "hazard", "exchange", path).stdout
    [record] = json.loads(Path(path).read_text("utf-8"))
    assert (record["companyCode"], record["dangerName"], record["dangerState"]) == (
        "410900123",
        "液氯管道法兰渗漏",
        "0",
    )
    assert run(tmp_path, "hazard", "exchange", path, "--profile", "compact").exit_code == 0
    [record] = json.loads(Path(path).read_text("utf-8"))
    assert ("dangersSrc" in record, "dangerSrc" in record) == (True, False)
    assert "没有名为“x”的交换格式，可选：default、compact" in refusal(
        tmp_path, "hazard", "exchange", path, "--profile", "x"
    )
