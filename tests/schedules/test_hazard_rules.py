"""The pure rules of hazards: criteria by their dates, the exchange and its traps."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schedules.hazards.criteria import criteria_on, find_criterion, standards
from schedules.hazards.exchange import exchange_lacks, exchange_profile, exchange_record, exchange_values
from schedules.hazards.rules import lacks, needs_cause, plan_lacks, proposed_deadline
from storage import hazard_terms as terms
from storage.db.models import Hazard, HazardMove

DAY = date(2026, 11, 24)
ZONE = ZoneInfo("Asia/Shanghai")
VALUES: dict[str, Any] = {
    "id": "a",
    "enterprise_code": "410922001",
    "hazard_code": "H1",
    "risk_measure_id": "M1",
    "check_record_id": "R1",
    "matter": "法兰渗漏",
    "level": "general",
    "registered_at": datetime(2026, 11, 23, 18, 10, tzinfo=UTC),
    "registered_by": "王科",
    "registered_as": "other",
    "source": "expert",
    "treatment": "deadline",
    "kind": "process",
    "responsible": "李四",
    "measure": "更换垫片",
    "cost_yuan": 3500,
    "deadline": DAY,
    "state": "rectifying",
    "deleted": "no",
    "changed_by": "王科",
    "changed_at": datetime(2026, 11, 24, 1, 0, tzinfo=UTC),
}


def test_the_53_criteria_of_2026_and_the_20_of_2017_hold_in_their_time() -> None:
    assert (len(criteria_on(date(2026, 9, 30))), len(criteria_on(date(2026, 9, 29)))) == (53, 20)
    assert criteria_on(date(2017, 11, 12)) == ()
    assert [standard.name for standard in standards()] == ["AQ 3067-2026", "安监总管三〔2017〕121号"]


@pytest.mark.parametrize(
    ("text", "day", "criterion"),
    [
        ("AQ 3067-2026 5.2.10", DAY, "AQ 3067-2026 5.2.10"),
        ("aq3067—2026第5.2.10条", DAY, "AQ 3067-2026 5.2.10"),
        ("AQ 3067-2026 5.2.11", DAY, None),
        ("5.2.10", DAY, None),
        ("AQ 3067-2026 5.2.10", date(2026, 9, 29), None),
        ("安监总管三[2017]121号第11项", date(2026, 9, 29), "安监总管三〔2017〕121号 第11项"),
        ("安监总管三〔2017〕121号 第11项", DAY, None),
    ],
)
def test_a_criterion_is_found_however_it_is_written(text: str, day: date, criterion: str | None) -> None:
    assert find_criterion(text, day) == criterion


def test_a_proposed_deadline_goes_by_kind_level_and_treatment() -> None:
    assert proposed_deadline("fire", "general", "on_the_spot", DAY) == DAY
    assert proposed_deadline("fire", "general", "deadline", DAY) == date(2026, 11, 27)
    assert proposed_deadline("fire", "major", "deadline", DAY) == date(2026, 12, 24)
    for kind in terms.KINDS:
        assert proposed_deadline(kind, "general", "deadline", DAY) > DAY


def test_a_major_hazard_lacks_its_criterion_and_each_heading_of_its_plan() -> None:
    hazard = Hazard(level="major", plan={"aims": "消除渗漏"}, state="incomplete", repeat_of="YH-2026-0001")
    assert lacks(hazard) == ["part", "matter", "responsible", "measure", "deadline", "criterion"]
    assert plan_lacks(hazard) == ["methods", "funds", "people", "schedule", "safety"]
    assert needs_cause(hazard)


# --- the exchange


def test_every_word_of_ours_has_a_code_in_every_profile() -> None:
    for name in ("default", "compact", "levels_from_one"):
        codes = exchange_profile(name).codes
        assert set(codes["source"]) == set(terms.SOURCES)
        assert set(codes["kind"]) == set(terms.KINDS)
        assert set(codes["level"]) == set(terms.LEVELS)
        assert set(codes["treatment"]) == set(terms.TREATMENTS)
        assert set(codes["classification"]) == set(terms.CLASSIFICATIONS)
        assert set(codes["stage"]) == set(terms.STAGES)
        assert set(codes["state"]) == set(terms.STATES) - {"incomplete"}


def test_a_complete_hazard_lacks_nothing_and_is_written_in_the_receivers_words() -> None:
    assert exchange_lacks(VALUES, exchange_profile()) == []
    record = exchange_record(VALUES, exchange_profile(), ZONE)
    assert (record["dangerLevel"], record["dangerSrc"], record["dangerState"]) == ("0", "8", "0")
    assert (record["registTime"], record["dangerManageDeadline"]) == ("2026-11-24 02:10:00", "2026-11-24")
    assert (record["cost"], record["checkAcceptTime"]) == ("3500", None)


def test_the_profiles_differ_where_the_receivers_do() -> None:
    compact = exchange_record(VALUES, exchange_profile("compact"), ZONE)
    assert (compact["dangersSrc"], compact["registTime"], "dangerSrc" in compact) == ("8", "20261124021000", False)
    counted = exchange_record({**VALUES, "level": "major"}, exchange_profile("levels_from_one"), ZONE)
    assert (counted["dangerLevel"], counted["dangerManageDeadline"]) == ("2", "2026-11-24 00:00:00")


def test_the_category_says_which_person_of_the_major_hazard_source_registered_it() -> None:
    move = HazardMove(by_name="王科")
    guarantors = {"head": 4, "technical": 5, "operation": 6}
    for registered_by_id, code in ((4, "1"), (5, "2"), (6, "3"), (7, "0"), (None, "0")):
        hazard = Hazard(number="YH-2026-0001", state="rectifying", registered_by_id=registered_by_id)
        values = exchange_values(hazard, "E001", [], [move], guarantors)
        assert exchange_record(values, exchange_profile(), ZONE)["hazardCategory"] == code


@pytest.mark.parametrize(
    ("values", "lacking"),
    [
        ({"risk_measure_id": None, "check_record_id": None}, ["risk_measure_id", "check_record_id"]),
        ({"enterprise_code": "E001"}, ["enterprise_code"]),
        ({"state": "incomplete"}, ["state"]),
        ({"state": "accepted"}, ["accepted_by", "accepted_at"]),
        ({"matter": "长" * 150}, []),
        ({"matter": "长" * 150 + "a"}, ["matter_too_long"]),
        ({"matter": "a" * 300}, []),
        ({"responsible": None, "deadline": None}, ["responsible", "deadline"]),
    ],
)
def test_what_the_exchange_would_refuse_is_named(values: dict[str, Any], lacking: list[str]) -> None:
    assert exchange_lacks({**VALUES, **values}, exchange_profile()) == lacking


def test_an_acceptance_without_a_comment_is_given_the_usual_one() -> None:
    accepted = {**VALUES, "state": "accepted", "accepted_by": "李局", "accepted_at": VALUES["changed_at"]}
    assert exchange_lacks(accepted, exchange_profile()) == []
    assert exchange_record(accepted, exchange_profile(), ZONE)["checkAcceptComment"] == "整改到位，同意验收"
