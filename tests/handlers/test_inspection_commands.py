"""The inspection commands: registered by a person of the office, listed and shown with what hangs on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.inspections.documents import DocumentDraft, add_document
from tests.handlers.hazard_parts import Ledger, a_ledger, day
from tests.handlers.test_hazard_commands import TODAY, refusal, run, told
from tests.places import Place

NUMBER = f"JC-{TODAY.year}-0001"
ADD = ("inspection", "add", "--by", "王科", "--enterprise", "甲化工", "--kind", "expert", "--date", day(-3).isoformat())
PEOPLE = ("--inspectors", "王科、外聘专家", "--plan", "百名专家助千企")


@pytest.fixture
def ledger(tmp_path: Path, place: Place) -> Iterator[Ledger]:
    with a_ledger(place, tmp_path) as made:
        yield made


def test_an_inspection_is_registered_listed_and_shown_with_what_hangs_on_it(ledger: Ledger, tmp_path: Path) -> None:
    added = told(tmp_path, *ADD, *PEOPLE)
    assert {name: added[name] for name in ("number", "enterprise", "kind", "inspectors", "plan", "hazards")} == {
        "number": NUMBER,
        "enterprise": "E001",
        "kind": "expert",
        "inspectors": ["王科", "外聘专家"],
        "plan": "百名专家助千企",
        "hazards": [],
    }
    hazard = ledger.add(inspection_number=NUMBER)
    draft = DocumentDraft("site_record", "检1号", day(-2), inspection_number=NUMBER)
    with ledger.acting() as ctx:
        add_document(1, draft, ledger.actor("王科"), ctx)
    shown = told(tmp_path, "inspection", "show", NUMBER)
    assert (shown["hazards"], shown["counts"]["rectifying"]) == ([hazard], 1)
    assert [each["number"] for each in shown["documents"]] == ["检1号"]
    [listed] = told(tmp_path, "inspection", "list", "--enterprise", "E001")["inspections"]
    assert listed == {name: shown[name] for name in listed}
    assert told(tmp_path, "inspection", "list", "--enterprise", "E002") == {"inspections": []}
    printed = run(tmp_path, "inspection", "show", NUMBER).stdout
    assert all(words in printed for words in ("专家指导", "王科、外聘专家", hazard, "检1号"))
    assert NUMBER in run(tmp_path, "inspection", "list").stdout


def test_what_is_refused_is_one_clear_line(ledger: Ledger, tmp_path: Path) -> None:
    assert "没有办理这项操作的权限" in refusal(tmp_path, *ADD[:3], "甲负责人", *ADD[4:], *PEOPLE)
    assert refusal(tmp_path, "inspection", "show", "JC-2026-0009") == "没有编号为 JC-2026-0009 的检查"
    later = (*ADD[:-1], "2199-01-01", *PEOPLE)
    assert refusal(tmp_path, *later) == "检查日期不能是 2199-01-01：须在今天以前或当天"
    assert run(tmp_path, *ADD).exit_code == 2
