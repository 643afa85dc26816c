"""An exported register is read back unchanged."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from bot.devtools.sample_register import write_sample_register
from bot.workbooks.register.result import ImportResult
from schedules.rules import RULE_DEFAULTS
from storage.db.models import ContentItem, Enterprise, KeyPart, Person
from storage.store import Store
from tests.workbooks.conftest import Office
from tests.workbooks.sample import HEADINGS, Sheets, read_cells, sample_sheets

DAY = date(2026, 11, 23)


def assert_unchanged(outcome: ImportResult) -> None:
    assert [str(refusal) for refusal in outcome.refusals] == []
    assert {title: (sheet.added, sheet.changed) for title, sheet in outcome.sheets.items()} == dict.fromkeys(
        outcome.sheets, (0, 0)
    )


def assert_round_trip(office: Office, neighbour: Office) -> None:
    """Export, import changes nothing; import into another database and export gives the same cells."""
    written = office.give("out.xlsx")
    assert_unchanged(office.take(written))
    outcome = neighbour.take(written)
    assert [str(refusal) for refusal in outcome.refusals] == []
    assert read_cells(neighbour.give("out.xlsx")) == read_cells(written)


def full_sheets() -> Sheets:
    sheets = sample_sheets(4, 3)
    sheets["企业"][1][6], sheets["企业"][2][6], sheets["企业"][3][5] = "停产", "注销", None
    sheets["人员"].append(["王伟", "13811110001", "值班领导", None, "WangWei", "oWangWei"])
    sheets["人员"].append(["王伟", "13811110002", "值班领导", None, "wangwei2", None])
    sheets["人员"].append(["李强", None, "巡检员、安全员", "E001、E002", None, None])
    sheets["值班表"].append([date(2026, 11, 30), "王伟（13811110002）、刘局", "小赵", "王伟（WangWei）"])
    sheets["规则"] = [["截止时间", "05:30", None], ["截止时间", "06:30", DAY], ["催报时间", "01:00、02:00", None]]
    sheets["内容"] = [
        ["课一", "链接", "https://example.com/?a=1&b=2", None, "安委办", "夜巡、罐区", DAY],
        ["课二", "视频", None, "甲/film.mp4", None, None, None],
        ["课三", "视频", None, "乙/film.mp4", None, None, None],
        ["课四", "视频", "https://example.com/v", "甲/film.mp4", None, None, None, "停用"],
    ]
    return sheets


@pytest.mark.slow
def test_a_full_register_goes_round(office: Office, neighbour: Office) -> None:
    for name in ("甲", "乙"):
        (office.folder / name).mkdir()
        (office.folder / name / "film.mp4").write_bytes(name.encode())
    assert office.take_sheets(full_sheets()).applied
    assert_round_trip(office, neighbour)
    films = [item for item in neighbour.all(ContentItem) if item.object_key]
    assert [item.file_name for item in films] == ["film.mp4"] * 3
    assert (office.folder / "out-文件" / "film.mp4").read_bytes() == "甲".encode()


def test_people_who_left_and_old_shifts_of_theirs_go_round(office: Office, neighbour: Office) -> None:
    sheets = sample_sheets(1)
    sheets["值班表"] = [[date(2026, 11, 1), "陈科", "小赵", None]]
    office.take_sheets(sheets)
    leaving = [["陈科", "13900000002", "值班领导", None, "chenke", None, "离职"]]
    office.take_sheets({"人员": leaving}, HEADINGS | {"人员": [*HEADINGS["人员"], "状态"]})
    assert_round_trip(office, neighbour)


def test_people_known_by_invitation_only_go_round(office: Office) -> None:
    office.take_sheets(sample_sheets(1))
    with office.database.transaction() as session:
        session.add_all([Person(name="张三", roles=["安全员", "巡检员"]), Person(name="张三", roles=["管理员"])])
    assert_unchanged(office.take(office.give()))


def test_an_empty_register_is_a_form_to_fill_in(office: Office) -> None:
    written = office.give()
    assert read_cells(written)["企业"] == [tuple(HEADINGS["企业"])]
    assert_unchanged(office.take(written))


@pytest.mark.slow
def test_what_looks_like_a_formula_stays_text(office: Office, neighbour: Office) -> None:
    names = ["=1+1", "+8613800000000", "-5", "@SUM(A1)", '=HYPERLINK("http://x","y")']
    office.take_sheets({"企业": [[f"E{index}", "'"] for index in range(len(names))]})
    with office.database.transaction() as session:
        for enterprise, name in zip(session.query(Enterprise).order_by(Enterprise.code), names, strict=True):
            enterprise.name = enterprise.short_name = name
    cells = load_workbook(office.give())["企业"]
    assert [(cells.cell(row, 2).value, cells.cell(row, 2).data_type) for row in range(2, 7)] == [
        (name, "s") for name in names
    ]
    assert all(cells.cell(row, 2).quotePrefix for row in range(2, 7))
    with zipfile.ZipFile(office.folder / "out.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    assert_round_trip(office, neighbour)


def test_the_sheet_is_made_for_office_people(office: Office) -> None:
    office.take_sheets(sample_sheets(1))
    book = load_workbook(office.give())
    assert book.sheetnames == ["企业", "重点部位", "人员", "重大危险源", "群", "值班表", "规则", "内容"]
    assert all(sheet.freeze_panes == "A2" for sheet in book.worksheets)
    lists = {validation.formula1 for validation in book["企业"].data_validations.dataValidation}
    assert lists == {'"红,橙,黄,蓝"', '"生产,停产,注销"'}
    assert book["值班表"]["A2"].is_date
    assert book["企业"]["A3"].number_format == "@"


def test_a_film_the_store_lost_is_told(office: Office) -> None:
    from bot.workbooks.register.export import export_register

    (office.folder / "film.mp4").write_bytes(b"film")
    office.take_sheets({"内容": [["课", "视频", None, "film.mp4"]]})
    office.objects.remove(office.all(ContentItem)[0].object_key)
    with office.database.read() as session:
        complaints = export_register(Store(session), office.objects, office.folder / "out.xlsx")
    assert complaints == ["内容“课”的文件 out-文件/film.mp4 无法从对象存储读取，未写出"]


def test_the_example_is_a_whole_county_and_goes_round(office: Office, neighbour: Office) -> None:
    (office.folder / "film.mp4").write_bytes(b"film")
    write_sample_register(office.folder / "county.xlsx", DAY, film_path="film.mp4")
    outcome = office.take(office.folder / "county.xlsx")
    assert outcome.applied
    assert {title: sheet.added for title, sheet in outcome.sheets.items()} == {
        "企业": 75,
        "重点部位": 300,
        "人员": 160,
        "重大危险源": 16,
        "群": 3,
        "值班表": 14,
        "规则": len(RULE_DEFAULTS),
        "内容": 4,
    }
    enterprises = office.all(Enterprise)
    assert sum(enterprise.major_hazard_sources for enterprise in enterprises) == 16
    assert sum(enterprise.major_hazard_sources > 0 for enterprise in enterprises) == 5
    assert sum(enterprise.status == "停产" for enterprise in enterprises) == 4
    assert len(outcome.warnings) == 4
    assert_round_trip(office, neighbour)


@pytest.mark.slow
def test_a_register_of_a_whole_province_is_taken(office: Office) -> None:
    assert office.take_sheets(sample_sheets(2000, 2)).applied
    assert len(office.all(KeyPart)) == 4000
    assert_unchanged(office.take_sheets(sample_sheets(2000, 2)))


# Whatever can stand in a cell; XML has no room for control characters.
NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=12
)
CODES = st.text("ABCxyz0123456789-_.=+@（ Ａ１", min_size=1, max_size=6)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(CODES, NAMES, NAMES, st.sampled_from(["红", "蓝", None]), CODES, NAMES), min_size=1, max_size=5),
    st.lists(st.tuples(NAMES, st.sampled_from([None, "13800000000", "010-1"]), CODES), max_size=5),
)
def test_odd_names_and_codes_go_round(plants: list[tuple[Any, ...]], people: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        office, neighbour = Office(Path(folder) / "a"), Office(Path(folder) / "b")
        try:
            sheets: Sheets = {
                "企业": [[code, name, short, risk] for code, name, short, risk, _, _ in plants],
                "重点部位": [[code, number, part] for code, _, _, _, number, part in plants],
                "人员": [[name, mobile, "巡检员", None, account] for name, mobile, account in people],
            }
            if office.take_sheets(text_cells(sheets)).applied:
                assert_round_trip(office, neighbour)
        finally:
            office.close()
            neighbour.close()


PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["王伟", "李强", "张 三"]),
        st.sampled_from([None, None, "13800000001", "13800000002"]),
        st.sampled_from(["巡检员", "值班领导", "工作人员", "巡检员、负责人"]),
        st.sampled_from([None, "E1", "E2", "E1、E2"]),
        st.sampled_from([None, None, "a1", "A2", "a3"]),
        st.sampled_from([None, None, None, "o1", "o2"]),
        st.sampled_from([None, None, "离职"]),
    ),
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.lists(PEOPLE, min_size=1, max_size=3))
def test_people_who_are_hard_to_tell_apart_go_round(sheets: list[list[tuple[Any, ...]]]) -> None:
    headings = HEADINGS | {"人员": [*HEADINGS["人员"], "状态"]}
    with TemporaryDirectory() as folder:
        office, neighbour = Office(Path(folder) / "a"), Office(Path(folder) / "b")
        try:
            for people in sheets:
                rows = {"企业": [["E1", "甲"], ["E2", "乙"]], "人员": [list(person) for person in people]}
                if office.take_sheets(rows, headings).applied:
                    assert_unchanged(office.take_sheets(rows, headings))
            assert_round_trip(office, neighbour)
        finally:
            office.close()
            neighbour.close()


def text_cells(sheets: Sheets) -> Sheets:
    """openpyxl would take a leading = for a formula; a space before it is dropped again."""
    return {
        title: [[f" {value}" if isinstance(value, str) else value for value in row] for row in rows]
        for title, rows in sheets.items()
    }


@pytest.mark.parametrize("mark", ["红", "橙"])
def test_colours_may_be_written_with_their_word(office: Office, mark: str) -> None:
    office.take_sheets({"企业": [["E1", "甲", None, f"{mark}色"]]})
    assert read_cells(office.give())["企业"][1][3] == mark
