"""Whom a row of 人员 or a name on the roster means."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from storage.db.models import Binding, Person
from storage.store import Store
from tests.workbooks.conftest import NOW, Office
from tests.workbooks.sample import HEADINGS

WITH_STATE = HEADINGS | {"人员": [*HEADINGS["人员"], "状态"]}
PLANTS: list[list[Any]] = [["E1", "甲厂"], ["E2", "乙厂"]]


def take(office: Office, *people: list[Any], **more: Any) -> Any:
    headings = WITH_STATE if any(len(row) == 7 for row in people) else HEADINGS
    return office.take_sheets({"企业": PLANTS, "人员": list(people), **more}, headings)


def counts(outcome: Any) -> tuple[int, int, int]:
    assert [str(refusal) for refusal in outcome.refusals] == []
    sheet = outcome.sheets["人员"]
    return sheet.added, sheet.changed, sheet.unchanged


def reasons(outcome: Any) -> list[str]:
    assert not outcome.applied
    return [str(refusal) for refusal in outcome.refusals]


def test_the_account_says_who_it_is_whatever_else_changed(office: Office) -> None:
    take(office, ["张三", "13800000001", "巡检员", "E1", "ZhangSan"])
    outcome = take(office, ["张三丰", "13800000009", "负责人", "E2", "zhangsan"])
    assert counts(outcome) == (0, 1, 0)
    assert outcome.warnings[0] == "人员表第 2 行：账号或手机原来登记的是张三，现改为张三丰"
    assert [(person.name, person.mobile) for person in office.all(Person)] == [("张三丰", "13800000009")]


def test_without_account_the_open_id_then_the_mobile_then_the_name_says_it(office: Office) -> None:
    take(
        office,
        ["甲", None, "巡检员", "E1", None, "oA"],
        ["乙", "13800000002", "巡检员", "E1"],
        ["丙", None, "巡检员", "E1"],
    )
    outcome = take(
        office,
        ["甲甲", None, "巡检员", "E1", None, "oA"],
        ["乙乙", "13800000002", "巡检员", "E2"],
        ["丙", "13800000003", "安全员", "E1", "bing"],
    )
    assert counts(outcome) == (0, 3, 0)
    assert [person.name for person in office.all(Person)] == ["甲甲", "乙乙", "丙"]


def test_namesakes_of_different_plants_or_numbers_are_different_people(office: Office) -> None:
    take(office, ["李强", None, "巡检员", "E1"])
    outcome = take(
        office,
        ["李强", None, "巡检员", "E1"],
        ["李强", None, "巡检员", "E2"],
        ["李强", "13800000001", "巡检员", "E1"],
        ["李强", "13800000002", "巡检员", "E1"],
    )
    assert counts(outcome)[0] == 3
    assert len(office.all(Person)) == 4


def test_two_rows_of_one_person_become_one(office: Office) -> None:
    outcome = take(office, ["李强", None, "巡检员", "E1"], ["李强", None, "负责人", "E1"])
    assert counts(outcome) == (1, 0, 1)
    assert office.all(Person)[0].roles == ["巡检员", "负责人"]
    assert "人员表第 3 行与第 2 行是同一个人，已合并" in outcome.warnings


def test_a_shared_telephone_does_not_make_two_people_one(office: Office) -> None:
    rows: list[list[Any]] = [["李强", "0555-123", "巡检员", "E1"], ["王芳", "0555-123", "巡检员", "E1"]]
    assert counts(take(office, *rows)) == (2, 0, 0)
    assert counts(take(office, *rows)) == (0, 0, 2)


def test_the_same_account_twice_is_refused_without_regard_to_case(office: Office) -> None:
    outcome = take(office, ["甲", None, "巡检员", "E1", "wang"], ["乙", None, "巡检员", "E1", "WANG"])
    assert reasons(outcome) == ["人员表第 3 行“企业微信账号”：写的是“WANG”，与第 2 行是同一个账号"]


def test_an_open_id_of_another_person_is_refused(office: Office) -> None:
    take(office, ["甲", None, "巡检员", "E1", "jia"], ["乙", None, "巡检员", "E1", None, "oB"])
    outcome = take(office, ["甲", None, "巡检员", "E1", "jia", "oB"])
    assert reasons(outcome) == ["人员表第 2 行“微信openid”：写的是“oB”，这个账号已经是乙的"]


def test_a_corrected_account_ends_the_old_one_but_not_one_bound_by_code(office: Office) -> None:
    take(office, ["甲", "13800000001", "巡检员", "E1", "wrong"])
    with office.database.transaction() as session:
        Store(session).register.bind(1, "wecom", "own", NOW)
    take(office, ["甲", "13800000001", "巡检员", "E1", "right"])
    assert {(b.account, b.since, b.until) for b in office.all(Binding)} == {
        ("wrong", None, NOW),
        ("own", NOW, None),
        ("right", None, None),
    }


def test_an_account_bound_by_code_survives_the_offices_old_sheet(office: Office) -> None:
    rows: list[Any] = ["甲", "13800000001", "巡检员", "E1", "old"]
    take(office, rows)
    with office.database.transaction() as session:
        Store(session).register.bind(1, "wecom", "new", NOW)
    assert counts(take(office, rows)) == (0, 0, 1)
    with office.database.read() as session:
        assert Store(session).register.accounts([1], "wecom") == {1: "new"}


def test_a_person_who_leaves_loses_every_account_and_may_come_back(office: Office) -> None:
    take(office, ["甲", "13800000001", "巡检员", "E1", "jia", "oA"])
    left: list[Any] = ["甲", "13800000001", "巡检员", "E1", "jia", "oA", "离职"]
    assert counts(take(office, left)) == (0, 1, 0)
    assert [binding.until for binding in office.all(Binding)] == [NOW, NOW]
    assert counts(take(office, left)) == (0, 0, 1)
    assert not office.all(Person)[0].active
    assert counts(take(office, [*left[:6], "在职"])) == (0, 1, 0)
    with office.database.read() as session:
        assert Store(session).register.accounts([1], "wecom") == {1: "jia"}


def test_a_person_who_left_stays_so_without_the_column_and_the_office_is_told(office: Office) -> None:
    take(office, ["甲", "13800000001", "巡检员", "E1", None, None, "离职"])
    outcome = take(office, ["甲", "13800000001", "巡检员", "E1"])
    assert "人员表第 2 行：甲已离职；如已返岗，请在“状态”列填“在职”" in outcome.warnings


def test_the_namesake_whose_role_fits_and_who_is_of_the_office_is_meant(office: Office) -> None:
    roster = [[date(2026, 11, 23), "王伟", "王伟", None]]
    people: list[list[Any]] = [["王伟", None, "值班领导", None, "leader"], ["王伟", None, "巡检员", "E1", "patrol"]]
    outcome = take(office, *people, 值班表=roster)
    assert outcome.applied
    with office.database.read() as session:
        assert [person.id for person in Store(session).duty.people_on_shift(date(2026, 11, 23))["leader"]] == [1]


def test_namesakes_nothing_tells_apart_are_refused_until_the_number_is_written(office: Office) -> None:
    people: list[list[Any]] = [["王伟", f"1380000000{n}", "值班领导", None, f"leader{n}"] for n in (1, 2)]
    outcome = take(office, *people, 值班表=[[date(2026, 11, 23), "王伟", None, None]])
    assert reasons(outcome) == [
        "值班表第 2 行“值班领导”：写的是“王伟”，有 2 个王伟，分不清是谁；请写成“王伟（手机号）”"
    ]
    assert take(office, *people, 值班表=[[date(2026, 11, 23), "王伟(13800000002)", None, None]]).applied


def test_a_roster_refuses_strangers_and_those_who_left_but_not_for_the_past(office: Office) -> None:
    people: list[list[Any]] = [["甲", None, "值班领导", None, None, None, "离职"]]
    coming, past = NOW.date() + timedelta(days=1), NOW.date() - timedelta(days=9)
    outcome = take(office, *people, 值班表=[[coming, "甲", "没有", None]])
    assert reasons(outcome) == [
        "值班表第 2 行“值班领导”：写的是“甲”，甲已离职",
        "值班表第 2 行“值班人员”：写的是“没有”，人员里找不到“没有”",
    ]
    assert take(office, *people, 值班表=[[past, "甲", None, None]]).applied
