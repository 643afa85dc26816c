"""Inspections, documents and cases: who may do what, what is refused, and what the database itself refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from handlers.hazards.access import actor_named
from handlers.hazards.adding import HazardDraft
from handlers.hazards.editing import edit_hazard
from handlers.inspections.access import find_document, find_inspection
from handlers.inspections.cases import CaseCourse, CaseDraft, add_case, edit_case, void_case
from handlers.inspections.documents import DocumentDraft, StoredFile, add_document, add_file, void_document
from handlers.inspections.inspecting import InspectionDraft, add_inspection, edit_inspection, void_inspection
from storage.enforcement import EnforcementFilter
from storage.errors import OperationRefused
from storage.inspections import InspectionFilter
from tests.handlers.hazard_parts import TODAY, Ledger, a_ledger, day
from tests.places import Place

NUMBER = "JC-2026-0001"
VISIT = InspectionDraft("annual", day(-3), "王科、外聘专家", "2026年度执法计划", "重点查储罐")
ORDER = DocumentDraft("rectification_order", "舞应急责改〔2026〕1号", day(-1))
FILE = StoredFile("指令书.pdf", "documents/1.pdf", "1" * 64)
COURSE = CaseCourse("未按规定检测")
CASE = CaseDraft("舞应急立〔2026〕1号", day(-2), COURSE)


@dataclass
class Office:
    """The ledger of hazards, and one act of a person after the other."""

    ledger: Ledger

    def does(self, act: Any, *arguments: Any, by: str = "王科", **options: Any) -> Any:
        """The number or id of what was made or changed."""
        with self.ledger.acting() as ctx:
            made = act(*arguments, actor_named(by, ctx.store), ctx, **options)
            return getattr(made, "id", None) or made.number

    def visit(self, enterprise_id: int = 1, draft: InspectionDraft = VISIT, by: str = "王科") -> str:
        return str(self.does(add_inspection, enterprise_id, draft, by=by))

    def issue(self, enterprise_id: int = 1, by: str = "王科", **changed: Any) -> int:
        return int(self.does(add_document, enterprise_id, DocumentDraft(**{**vars(ORDER), **changed}), by=by))

    def file_case(self, enterprise_id: int = 1, by: str = "王科", **changed: Any) -> int:
        return int(self.does(add_case, enterprise_id, CaseDraft(**{**vars(CASE), **changed}), by=by))

    def is_seen(self, find: Any, what: Any, by: str) -> bool:
        with self.ledger.reading() as ctx:
            try:
                find(what, actor_named(by, ctx.store), ctx.store)
            except OperationRefused:
                return False
            return True


@pytest.fixture
def office(tmp_path: Path, place: Place) -> Iterator[Office]:
    with a_ledger(place, tmp_path) as ledger:
        yield Office(ledger)


@contextmanager
def refused(text_key: str) -> Iterator[None]:
    with pytest.raises(OperationRefused) as found:
        yield
    assert found.value.text_key == text_key


def in_force(office: Office) -> tuple[int, int, int]:
    """How many inspections, documents and cases there are that are not void."""
    with office.ledger.reading() as ctx:
        enforcement, everything = ctx.store.enforcement, EnforcementFilter()
        inspections = ctx.store.inspections.find(InspectionFilter())
        return len(inspections), len(enforcement.documents(everything)), len(enforcement.cases(everything))


def test_inspections_are_numbered_by_year_and_name_the_registered_people(office: Office) -> None:
    assert [office.visit(), office.visit(2)] == [NUMBER, "JC-2026-0002"]
    with office.ledger.reading() as ctx:
        inspection = ctx.store.inspections.get(NUMBER)
        assert inspection is not None
        assert inspection.inspectors == [{"name": "王科", "id": 1}, {"name": "外聘专家", "id": None}]


@pytest.mark.parametrize("by", ["李局", "审计", "甲负责人", "甲巡检员"])
def test_only_the_office_writes(office: Office, by: str) -> None:
    office.visit()
    document, case = office.issue(), office.file_case()
    for act in (
        lambda: office.visit(by=by),
        lambda: office.does(edit_inspection, NUMBER, VISIT, by=by),
        lambda: office.does(void_inspection, NUMBER, "错", by=by),
        lambda: office.issue(by=by, number="2"),
        lambda: office.does(add_file, document, FILE, by=by),
        lambda: office.does(void_document, document, "错", by=by),
        lambda: office.file_case(by=by, number="2"),
        lambda: office.does(edit_case, case, COURSE, by=by),
        lambda: office.does(void_case, case, "错", by=by),
    ):
        with refused("hazards.not_permitted"):
            act()
    assert in_force(office) == (1, 1, 1)


@pytest.mark.parametrize(
    ("changed", "text_key"),
    [
        ({"kind": "weekly"}, "hazards.field_required"),
        ({"held_on": None}, "hazards.field_required"),
        ({"held_on": day(1)}, "inspections.day_to_come"),
        ({"inspectors": " 、 "}, "hazards.field_required"),
        ({"inspectors": "、".join(f"人{number}" for number in range(31))}, "inspections.too_many_inspectors"),
        ({"plan": "长" * 101}, "hazards.too_long"),
    ],
)
def test_an_inspection_that_lacks_something_is_refused(office: Office, changed: Any, text_key: str) -> None:
    with refused(text_key):
        office.visit(draft=InspectionDraft(**{**vars(VISIT), **changed}))
    assert in_force(office) == (0, 0, 0)


def test_an_edit_from_an_outdated_version_is_refused(office: Office) -> None:
    office.visit()
    office.does(edit_inspection, NUMBER, InspectionDraft("expert", TODAY, "外聘专家"), version=1)
    with refused("inspections.changed_meanwhile"):
        office.does(edit_inspection, NUMBER, VISIT, version=1)
    case = office.file_case()
    office.does(edit_case, case, CaseCourse("未按规定检测", 20000, TODAY), version=1)
    with refused("inspections.changed_meanwhile"):
        office.does(edit_case, case, COURSE, version=1)
    with office.ledger.reading() as ctx:
        inspection, edited = ctx.store.inspections.get(NUMBER), ctx.store.enforcement.case(case)
        assert inspection is not None
        assert edited is not None
        assert (inspection.kind, edited.fine_yuan) == ("expert", 20000)


@pytest.mark.parametrize(("kind", "source"), [("annual", "inspection"), ("expert", "expert")])
def test_a_hazard_of_an_inspection_takes_source_finder_and_day_from_it(office: Office, kind: str, source: str) -> None:
    office.visit(draft=InspectionDraft(kind, day(-3), "王科"))
    ledger = office.ledger
    number = ledger.add(inspection_number=NUMBER.lower())
    values = [ledger.field(number, name) for name in ("inspection_number", "source", "found_by", "found_by_id")]
    assert (values, ledger.field(number, "found_on")) == ([NUMBER, source, "王科", 1], day(-3))
    with ledger.reading() as ctx:
        assert ctx.store.inspections.hazard_counts([NUMBER]) == {NUMBER: {"rectifying": 1}}


def test_a_hazard_hangs_on_no_unknown_void_or_foreign_inspection(office: Office) -> None:
    office.visit()
    ledger, hazard = office.ledger, office.ledger.add()
    with refused("inspections.unknown"):
        ledger.add(inspection_number="JC-2026-0009")
    with refused("inspections.of_another_enterprise"):
        ledger.add(enterprise_id=2, part_id=3, inspection_number=NUMBER)
    with refused("hazards.field_of_office"):
        ledger.add(by="甲负责人", inspection_number=NUMBER)
    own = ledger.add(by="甲负责人", draft=HazardDraft(1))
    with refused("hazards.field_of_office"):
        ledger.does(edit_hazard, own, {"inspection_number": NUMBER}, by="甲负责人")
    ledger.does(edit_hazard, hazard, {"inspection_number": NUMBER}, by="王科")
    with refused("inspections.still_used"):
        office.does(void_inspection, NUMBER, "重复登记")
    ledger.does(edit_hazard, hazard, {"inspection_number": None}, by="王科")
    office.does(void_inspection, NUMBER, "重复登记")
    with refused("inspections.is_void"):
        ledger.add(inspection_number=NUMBER)
    with refused("inspections.is_void"):
        office.issue(inspection_number=NUMBER)
    assert in_force(office) == (0, 0, 0)
    with ledger.reading() as ctx:
        assert ctx.store.inspections.hazard_counts([NUMBER]) == {}


def test_the_number_of_a_document_is_used_once_unless_it_is_void(office: Office) -> None:
    first = office.issue()
    with refused("inspections.document_exists"):
        office.issue()
    office.issue(kind="recheck_opinion")
    office.does(void_document, first, "编号写错")
    office.issue()
    case = office.file_case()
    with refused("inspections.case_exists"):
        office.file_case()
    office.does(void_case, case, "编号写错")
    office.file_case()


def test_a_document_gets_its_file_once(office: Office) -> None:
    document = office.issue()
    office.does(add_file, document, FILE)
    with refused("inspections.file_exists"):
        office.does(add_file, document, replace(FILE, sha256="1" * 64))
    with office.ledger.reading() as ctx:
        [stored] = ctx.store.enforcement.documents_with_file()
        assert stored.sha256 == FILE.sha256


def test_what_a_document_or_case_refers_to_is_of_the_same_enterprise(office: Office) -> None:
    office.visit()
    hazard, foreign = office.ledger.add(), office.ledger.add(enterprise_id=2, part_id=3)
    with refused("inspections.of_another_enterprise"):
        office.issue(2, inspection_number=NUMBER)
    with refused("inspections.hazard_of_another_enterprise"):
        office.issue(hazard_numbers=[hazard, foreign])
    with refused("inspections.hazard_of_another_enterprise"):
        office.file_case(hazard_numbers=[foreign])
    document, foreign_document = office.issue(), office.issue(2, number="2")
    with refused("inspections.unknown_document"):
        office.file_case(document_ids=[foreign_document])
    case = office.file_case(document_ids=[document], hazard_numbers=[hazard, hazard])
    with refused("inspections.unknown_case"):
        office.issue(2, number="3", case_id=case)
    with refused("inspections.document_of_another_case"):
        office.file_case(number="2", document_ids=[document])
    assert in_force(office) == (1, 2, 1)
    office.does(void_case, case, "并案")
    office.file_case(number="2", document_ids=[document])
    assert in_force(office) == (1, 2, 1)


@pytest.mark.parametrize(
    ("course", "text_key"),
    [
        (CaseCourse(" "), "hazards.field_required"),
        (CaseCourse("未检测", 20000), "inspections.fine_and_day"),
        (CaseCourse("未检测", None, TODAY), "inspections.fine_and_day"),
        (CaseCourse("未检测", 0, TODAY), "hazards.unknown_choice"),
        (CaseCourse("未检测", 20000, day(1)), "inspections.day_to_come"),
        (CaseCourse("未检测", 20000, day(-3)), "inspections.day_too_early"),
        (CaseCourse("未检测", 20000, TODAY, day(-1)), "inspections.day_too_early"),
    ],
)
def test_a_case_with_an_impossible_course_is_refused(office: Office, course: CaseCourse, text_key: str) -> None:
    with refused(text_key):
        office.file_case(course=course)
    assert in_force(office) == (0, 0, 0)


def test_an_enterprise_sees_its_own_inspections_and_the_documents_served_on_it(office: Office) -> None:
    office.visit()
    served, internal = office.issue(), office.issue(kind="case_filing", number="2")
    seen = {
        by: [
            office.is_seen(find_inspection, NUMBER, by),
            office.is_seen(find_document, served, by),
            office.is_seen(find_document, internal, by),
        ]
        for by in ("李局", "审计", "甲负责人", "乙负责人", "甲巡检员")
    }
    assert seen == {
        "李局": [True, True, True],
        "审计": [True, True, True],
        "甲负责人": [True, True, False],
        "乙负责人": [False, False, False],
        "甲巡检员": [False, False, False],
    }
    office.does(void_document, served, "错")
    assert [office.is_seen(find_document, served, by) for by in ("李局", "甲负责人")] == [True, False]


def test_the_database_hangs_no_hazard_on_an_inspection_of_another_enterprise(office: Office) -> None:
    number = office.visit(2)
    office.ledger.add()
    with pytest.raises(IntegrityError), office.ledger.database.transaction() as session:
        session.execute(text(f"update hazard set inspection_number = '{number}', version = version + 1"))


@pytest.mark.parametrize(
    ("statement", "trigger"),
    [
        ("delete from document_hazard", "document_hazard_never_deleted"),
        ("delete from case_hazard", "case_hazard_never_deleted"),
        ("delete from enforcement_document", "enforcement_document_never_deleted"),
        ("delete from enforcement_case", "enforcement_case_never_deleted"),
        ("delete from inspection", "inspection_never_deleted"),
        ("update inspection set enterprise_id = 2", "inspection_origin"),
        ("update inspection set plan = 'x' where voided_at is not null", "inspection_void_kept"),
        ("update enforcement_case set filed_on = '2026-01-01'", "enforcement_case_origin"),
        ("update enforcement_case set cause = 'x' where voided_at is not null", "enforcement_case_void_kept"),
        ("update enforcement_document set number = 'x' where voided_at is null", "enforcement_document_origin"),
        ("update enforcement_document set remarks = 'x' where voided_at is not null", "enforcement_document_void_kept"),
        ("update enforcement_document set sha256 = 'x' where sha256 is not null", "enforcement_document_file_kept"),
        ("update document_hazard set hazard_number = 'x'", "document_hazard_unalterable"),
        ("update case_hazard set hazard_number = 'x'", "case_hazard_unalterable"),
    ],
)
def test_the_database_itself_keeps_what_was_recorded(office: Office, statement: str, trigger: str) -> None:
    office.visit()
    office.visit(2)
    office.does(void_inspection, "JC-2026-0002", "重复登记")
    hazard = office.ledger.add()
    office.issue(hazard_numbers=[hazard], file=FILE)
    office.file_case(hazard_numbers=[hazard])
    office.does(void_document, office.issue(number="2"), "错")
    office.does(void_case, office.file_case(number="2"), "错")
    with pytest.raises(DBAPIError, match=trigger), office.ledger.database.transaction() as session:
        session.execute(text(statement))
