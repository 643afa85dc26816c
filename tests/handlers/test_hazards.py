"""What people do with hazards: each act with its permissions, its refusals, and what stays on record."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from bot.texts import say
from handlers.hazards.access import actor_named
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.hazards.editing import HazardConflict, edit_hazard
from handlers.hazards.extensions import ask_extension, grant_extension, refuse_extension
from handlers.hazards.moving import accept_hazard, return_hazard, submit_hazard, void_hazard
from schedules.hazards.rules import is_overdue, lacks
from storage.db.models import Enterprise, Hazard, Person
from storage.errors import OperationRefused
from storage.hazards import Author, HazardFilter, HazardStore
from tests.handlers.hazard_parts import NOW, TODAY, Ledger, a_ledger, day, refused
from tests.places import Place, embedded_only


@pytest.fixture
def ledger(tmp_path: Path, place: Place) -> Iterator[Ledger]:
    with a_ledger(place, tmp_path) as made:
        yield made


def submitted(ledger: Ledger, by: str = "甲负责人") -> str:
    """The number of a hazard that awaits acceptance."""
    number = ledger.add()
    ledger.later(hours=1)
    ledger.does(submit_hazard, number, ledger.film(), by=by)
    return number


# --- adding and completing


def test_a_complete_hazard_is_numbered_and_in_rectification(ledger: Ledger) -> None:
    assert [ledger.add(), ledger.add()] == ["YH-2026-0001", "YH-2026-0002"]
    with ledger.reading() as ctx:
        [second, first] = ctx.store.hazards.find(HazardFilter(), TODAY)
        assert (first.state, first.first_deadline, first.found_by, first.source) == (
            "rectifying",
            day(7),
            "王科",
            "inspection",
        )
        assert (second.responsible_id, second.repeat_of) == (4, "YH-2026-0001")
        [move] = ctx.store.hazards.histories([first.number])[first.number].moves
        assert (move.from_state, move.to_state, move.by_name, move.at) == (None, "rectifying", "王科", NOW)


@pytest.mark.parametrize("name", ["part_id", "matter", "responsible", "measure", "deadline"])
def test_a_hazard_that_lacks_one_of_the_lists_waits_for_it(ledger: Ledger, name: str) -> None:
    complete = {"part_id": 1, "matter": "a", "responsible": "甲负责人", "measure": "b", "deadline": day(3)}
    number = ledger.add(**{name: None})
    assert ledger.state(number) == "incomplete"
    with ledger.reading() as ctx:
        hazard = ctx.store.hazards.get(number)
        assert hazard is not None
        assert lacks(hazard) == ["part" if name == "part_id" else name]
    with refused("still_incomplete"):
        ledger.does(submit_hazard, number, ledger.film(), by="甲负责人")
    ledger.does(edit_hazard, number, {name: complete[name]}, by="王科")
    assert ledger.state(number) == "rectifying"
    assert ledger.field(number, "first_deadline") == ledger.field(number, "deadline")


def test_a_major_hazard_needs_a_criterion_that_was_in_force(ledger: Ledger) -> None:
    number = ledger.add(level="major")
    assert ledger.state(number) == "incomplete"
    with refused("unknown_criterion"):
        ledger.does(edit_hazard, number, {"criterion": "AQ 3067-2026 5.1.6"}, by="王科")
    with refused("unknown_criterion"):
        ledger.does(edit_hazard, number, {"criterion": "安监总管三〔2017〕121号 第3项"}, by="王科")
    ledger.does(edit_hazard, number, {"criterion": "aq3067-2026 5.1.5条"}, by="王科")
    assert (ledger.state(number), ledger.field(number, "criterion")) == ("rectifying", "AQ 3067-2026 5.1.5")


@pytest.mark.parametrize(
    ("fields", "text_key"),
    [
        ({"deadline": day(-1)}, "deadline_past"),
        ({"part_id": 3}, "part_of_another"),
        ({"kind": "9"}, "unknown_choice"),
        ({"matter": "长" * 301}, "too_long"),
        ({"cost_yuan": -1}, "unknown_choice"),
    ],
)
def test_a_hazard_with_a_wrong_value_is_refused_whole(ledger: Ledger, fields: dict[str, Any], text_key: str) -> None:
    with refused(text_key):
        ledger.add(**fields)
    with ledger.reading() as ctx:
        assert ctx.store.hazards.counts(HazardFilter(), TODAY)["total"] == 0
    assert ledger.add() == "YH-2026-0001"


def test_a_hazard_cannot_be_found_in_the_future_or_on_a_film_of_another_part(ledger: Ledger) -> None:
    with refused("found_in_future"):
        ledger.add(draft=HazardDraft(1, found_at=NOW + timedelta(hours=1)))
    film = ledger.film(part_id=2)
    with refused("film_of_another_part"):
        ledger.add(draft=HazardDraft(1, film=film))
    number = ledger.add(draft=HazardDraft(1, film=film, at_s=2.5), part_id=2)
    assert (ledger.field(number, "source"), ledger.field(number, "at_s")) == ("night_patrol", 2.5)


def test_the_same_cause_leads_to_one_hazard(ledger: Ledger) -> None:
    draft = HazardDraft(1, once_key="verdict/1")
    assert {ledger.add(draft=draft), ledger.add(draft=draft)} == {"YH-2026-0001"}


def test_a_hazard_of_a_deregistered_enterprise_is_refused_but_can_be_made_void(ledger: Ledger) -> None:
    number = ledger.add()
    with ledger.database.transaction() as session:
        session.execute(update(Enterprise).values(status="注销"))
    for act in (lambda: ledger.add(), lambda: ledger.does(edit_hazard, number, {"measure": "c"}, by="王科")):
        with pytest.raises(OperationRefused) as found:
            act()
        assert say(found.value.text_key, **found.value.params) == "甲化工 已注销，不能再登记或办理隐患"
    ledger.does(void_hazard, number, "企业注销", by="王科")
    assert ledger.state(number) == "void"


def test_a_hazard_found_again_within_90_days_names_the_earlier_one(ledger: Ledger) -> None:
    first = ledger.add()
    ledger.later(days=90)
    assert ledger.field(ledger.add(deadline=day(100)), "repeat_of") == first
    assert ledger.field(ledger.add(deadline=day(100), kind="fire"), "repeat_of") is None
    ledger.later(days=91)
    assert ledger.field(ledger.add(deadline=day(200)), "repeat_of") is None


def test_what_is_put_right_on_the_spot_is_due_today(ledger: Ledger) -> None:
    assert ledger.field(ledger.add(treatment="on_the_spot", deadline=None), "deadline") == TODAY


# --- editing


def test_two_people_who_edit_the_same_hazard_are_told_with_both_values(ledger: Ledger) -> None:
    number = ledger.add()
    seen = ledger.field(number, "version")
    ledger.does(edit_hazard, number, {"measure": "停用并更换"}, by="李局", version=seen)
    with pytest.raises(HazardConflict) as found:
        ledger.does(edit_hazard, number, {"measure": "拧紧螺栓", "kind": "fire"}, by="王科", version=seen)
    sentence = say(found.value.text_key, **found.value.params)
    assert "整改措施：现为“停用并更换”，您填写“拧紧螺栓”" in sentence
    assert ledger.field(number, "measure") == "停用并更换"
    ledger.does(edit_hazard, number, {"measure": "拧紧螺栓"}, by="王科", version=ledger.field(number, "version"))
    assert ledger.field(number, "measure") == "拧紧螺栓"


def test_the_deadline_of_a_hazard_in_rectification_changes_by_extension_only(ledger: Ledger) -> None:
    number = ledger.add()
    with refused("deadline_by_extension"):
        ledger.does(edit_hazard, number, {"deadline": day(9)}, by="王科")
    with refused("field_required"):
        ledger.does(edit_hazard, number, {"measure": " "}, by="王科")
    assert (ledger.field(number, "deadline"), ledger.field(number, "version")) == (day(7), 1)


def test_an_enterprise_fills_in_its_own_fields_only(ledger: Ledger) -> None:
    number = ledger.add()
    ledger.does(edit_hazard, number, {"measure": "停用"}, by="甲安全员")
    with refused("field_of_office"):
        ledger.does(edit_hazard, number, {"level": "major"}, by="甲安全员")
    with refused("unknown"):
        ledger.does(edit_hazard, number, {"measure": "停用"}, by="乙负责人")
    own = ledger.add(by="甲安全员", deadline=None)
    assert ledger.field(own, "source") == "self_check"
    ledger.does(edit_hazard, own, {"deadline": day(2)}, by="甲安全员")
    assert ledger.state(own) == "rectifying"


def test_an_enterprise_may_repeat_what_it_may_not_change(ledger: Ledger) -> None:
    """A form sends every field, whether or not it was changed."""
    number = ledger.add()
    same = {name: ledger.field(number, name) for name in ("matter", "level", "kind", "source", "part_id")}
    ledger.does(edit_hazard, number, {**same, "measure": "停用"}, by="甲安全员")
    assert ledger.field(number, "measure") == "停用"


def test_an_enterprise_cannot_lower_a_major_hazard_that_it_found_itself(ledger: Ledger) -> None:
    own = ledger.add(by="甲安全员", deadline=None)
    ledger.does(edit_hazard, own, {"level": "major"}, by="甲安全员")
    for changes in ({"level": "general"}, {"source": "inspection"}, {"supervisor": "甲安全员"}):
        with refused("field_of_office"):
            ledger.does(edit_hazard, own, changes, by="甲安全员")
    assert (ledger.field(own, "level"), ledger.field(own, "source")) == ("major", "self_check")


@pytest.mark.parametrize("who", ["审计", "甲巡检员"])
def test_who_may_not_edit_is_refused(ledger: Ledger, who: str) -> None:
    number = ledger.add()
    with refused("not_permitted"):
        ledger.does(edit_hazard, number, {"measure": "停用"}, by=who)
    assert ledger.field(number, "version") == 1


# --- putting right and acceptance


def test_the_chlorine_pipeline_is_accepted_in_the_third_attempt(ledger: Ledger) -> None:
    number = ledger.add()
    for attempt in range(3):
        ledger.later(hours=5)
        ledger.does(submit_hazard, number, ledger.film(), by="甲负责人")
        if attempt < 2:
            ledger.does(return_hazard, number, f"仍有渗漏{attempt}", by="王科")
    ledger.does(accept_hazard, number, by="李局")
    with ledger.reading() as ctx:
        history = ctx.store.hazards.histories([number])[number]
        assert [each.verdict for each in history.attempts] == ["returned", "returned", "accepted"]
        assert [each.reason for each in history.attempts] == ["仍有渗漏0", "仍有渗漏1", None]
        assert [each.to_state for each in history.moves][-2:] == ["awaiting_acceptance", "accepted"]
        actions = [entry.action for entry in ctx.store.audit_log.of_subject(f"隐患/{number}")]
        assert actions[:2] == ["hazard_accepted", "hazard_submitted"]
    with refused("wrong_state"):
        ledger.does(void_hazard, number, "不想要了", by="王科")


@pytest.mark.parametrize(
    ("fixed_by", "accepted_by"), [("甲负责人", "甲负责人"), ("甲安全员", "甲负责人"), ("王科", "王科")]
)
def test_nobody_accepts_what_they_fixed_or_answer_for(ledger: Ledger, fixed_by: str, accepted_by: str) -> None:
    number = submitted(ledger, by=fixed_by)
    for act, arguments in ((accept_hazard, ()), (return_hazard, ("不行",))):
        with refused("own_rectification"):
            ledger.does(act, number, *arguments, by=accepted_by)
    assert ledger.state(number) == "awaiting_acceptance"


def test_who_is_responsible_by_name_or_filmed_the_proof_does_not_accept(ledger: Ledger) -> None:
    number = ledger.add(responsible="李局")
    ledger.later(hours=1)
    ledger.does(submit_hazard, number, ledger.film(person_id=1), by="甲负责人")
    for who in ("李局", "王科"):
        with refused("own_rectification"):
            ledger.does(accept_hazard, number, by=who)
    assert ledger.state(number) == "awaiting_acceptance"


def test_the_database_itself_refuses_acceptance_by_who_fixed_it(ledger: Ledger) -> None:
    number = submitted(ledger, by="王科")
    with ledger.database.transaction() as session:
        hazard = session.get_one(Hazard, number)
        hazard.accepted_by_id = hazard.fixed_by_id
        with pytest.raises(IntegrityError, match="hazard_accepted_by_another"):
            HazardStore(session).move(hazard, "accepted", Author(1, "王科"), NOW)
        session.rollback()


def test_an_enterprise_accepts_only_what_it_found_itself(ledger: Ledger) -> None:
    number = submitted(ledger, by="甲巡检员")
    with refused("not_permitted"):
        ledger.does(accept_hazard, number, by="甲安全员")
    own = ledger.add(by="甲巡检员", part_id=2)
    ledger.later(hours=1)
    ledger.does(submit_hazard, own, ledger.film(part_id=2), by="甲巡检员")
    ledger.does(accept_hazard, own, by="甲安全员")
    assert ledger.state(own) == "accepted"


@pytest.mark.parametrize("treatment", ["on_the_spot", "deadline"])
def test_what_shows_no_rectification_is_refused(ledger: Ledger, treatment: str) -> None:
    before = ledger.film()
    ledger.later(minutes=1)
    number = ledger.add(draft=HazardDraft(1, film=before), treatment=treatment)
    with refused("no_material"):
        ledger.does(submit_hazard, number, None, by="甲负责人")
    ledger.later(minutes=1)
    refusals = {
        "material_too_old": (before, ledger.film(sent_at=NOW)),
        "film_of_another_part": (ledger.film(part_id=2), ledger.film(part_id=3, enterprise_id=2)),
        "material_unfit": (ledger.film(state="unfit"), ledger.film(sha256=None)),
    }
    for text_key, films in refusals.items():
        for film in films:
            with refused(text_key):
                ledger.does(submit_hazard, number, film, by="甲负责人")
    ledger.does(submit_hazard, number, ledger.film(kind="photo", state="supporting", part_id=None), by="甲负责人")
    assert ledger.state(number) == "awaiting_acceptance"


def test_a_film_shown_before_or_older_than_the_return_is_no_second_proof(ledger: Ledger) -> None:
    number, unused = submitted(ledger), ledger.film()
    ledger.later(hours=1)
    ledger.does(return_hazard, number, "仍有渗漏", by="王科")
    with refused("material_too_old"):
        ledger.does(submit_hazard, number, unused, by="甲负责人")
    assert ledger.state(number) == "rectifying"


@pytest.mark.parametrize("act", [return_hazard, void_hazard])
def test_returning_and_voiding_need_a_reason(ledger: Ledger, act: Any) -> None:
    number = submitted(ledger)
    with refused("reason_required"):
        ledger.does(act, number, "  ", by="王科")
    assert ledger.state(number) == "awaiting_acceptance"


def test_a_hazard_is_overdue_by_the_day_it_is_reported_as_put_right(ledger: Ledger) -> None:
    number = ledger.add(deadline=day(1))

    def overdue() -> tuple[bool, int]:
        with ledger.reading() as ctx:
            hazard = ctx.store.hazards.get(number)
            assert hazard is not None
            return is_overdue(hazard, ctx.today), ctx.store.hazards.counts(HazardFilter(), ctx.today)["overdue"]

    ledger.later(days=1)
    assert overdue() == (False, 0)
    film, said_at = ledger.film(), ledger.now
    ledger.later(days=1)
    assert overdue() == (True, 1)
    ledger.does(submit_hazard, number, film, by="甲负责人", said_at=said_at)
    assert overdue() == (False, 0)
    ledger.does(return_hazard, number, "仍有渗漏", by="王科")
    assert overdue() == (True, 1)


# --- extensions


def test_an_extension_is_granted_by_another_and_the_first_deadline_stays(ledger: Ledger) -> None:
    number = ledger.add()
    ledger.later(days=7)
    ledger.does(ask_extension, number, day(20), "备件未到", "每夜测漏", by="甲负责人")
    with refused("extension_asked_before"):
        ledger.does(ask_extension, number, day(21), "备件未到", "每夜测漏", by="甲安全员")
    with refused("not_permitted"):
        ledger.does(grant_extension, number, by="甲安全员")
    ledger.does(grant_extension, number, by="王科")
    assert (ledger.field(number, "deadline"), ledger.field(number, "first_deadline")) == (day(20), day(7))
    with refused("no_extension_asked"):
        ledger.does(grant_extension, number, by="王科")


def asked_until(ledger: Ledger, number: str) -> list[date]:
    """The deadlines of the requests that are not decided."""
    with ledger.reading() as ctx:
        asked = ctx.store.hazards.asked_extension(number)
        return [asked.new_deadline] if asked else []


def test_an_extension_cannot_be_asked_after_the_deadline_or_without_its_parts(ledger: Ledger) -> None:
    number = ledger.add()
    for until, reason, interim, text_key in (
        (day(7), "备件未到", "测漏", "extension_not_later"),
        (None, "备件未到", "测漏", "extension_not_later"),
        (day(9), "", "测漏", "field_required"),
        (day(9), "备件未到", None, "field_required"),
    ):
        with refused(text_key):
            ledger.does(ask_extension, number, until, reason, interim, by="甲负责人")
    ledger.later(days=8)
    with refused("extension_too_late"):
        ledger.does(ask_extension, number, day(20), "备件未到", "测漏", by="甲负责人")
    assert asked_until(ledger, number) == []
    ledger.does(
        ask_extension, number, day(20), "备件未到", "测漏", by="甲负责人", said_at=ledger.now - timedelta(days=1)
    )
    assert asked_until(ledger, number) == [day(20)]


def test_an_extension_that_ran_out_is_not_granted(ledger: Ledger) -> None:
    number = ledger.add()
    ledger.does(ask_extension, number, day(9), "备件未到", "测漏", by="甲负责人")
    ledger.later(days=10)
    with refused("extension_ran_out"):
        ledger.does(grant_extension, number, by="王科")
    with refused("field_required"):
        ledger.does(refuse_extension, number, "", by="王科")
    ledger.does(refuse_extension, number, "申请已失效", by="王科")
    assert ledger.field(number, "deadline") == day(7)


def test_nobody_decides_an_extension_that_they_asked_for_or_gain_by(ledger: Ledger) -> None:
    number = ledger.add(responsible="李局")
    ledger.does(ask_extension, number, day(9), "备件未到", "测漏", by="王科")
    for who in ("王科", "李局"):
        with refused("own_extension"):
            ledger.does(grant_extension, number, by=who)
    assert asked_until(ledger, number) == [day(9)]


# --- what the database itself keeps


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("update hazard set state='accepted', version=version+1", "FOREIGN KEY|hazard_"),
        ("update hazard set last_move=last_move-1, version=version+1", "hazard_moves_forward"),
        ("update hazard set version=version+2", "hazard_version"),
        ("update hazard set first_deadline='2026-11-25', version=version+1", "hazard_first_deadline_kept"),
        ("update hazard set enterprise_id=2, version=version+1", "hazard_origin"),
        ("update hazard_move set reason='x'", "hazard_move_unalterable"),
        ("update hazard_attempt set submission_id=9", "hazard_attempt_unalterable"),
        ("update hazard_extension set new_deadline='2027-01-01'", "hazard_extension_unalterable"),
        ("delete from hazard_extension", "hazard_extension_never_deleted"),
        ("delete from hazard_attempt", "hazard_attempt_never_deleted"),
        ("delete from hazard", "hazard_never_deleted"),
        ("delete from hazard_move", "hazard_move_never_deleted"),
    ],
)
def test_the_database_refuses_to_alter_the_record(ledger: Ledger, statement: str, name: str) -> None:
    number = ledger.add()
    ledger.does(ask_extension, number, day(20), "备件未到", "测漏", by="甲负责人")
    ledger.later(hours=1)
    ledger.does(submit_hazard, number, ledger.film(), by="甲负责人")
    with pytest.raises(IntegrityError, match=name), ledger.database.transaction() as session:
        session.execute(text(statement))


def test_a_closed_hazard_stays_as_it_is(ledger: Ledger) -> None:
    number = submitted(ledger)
    ledger.does(accept_hazard, number, by="王科")
    with pytest.raises(IntegrityError, match="hazard_closed"), ledger.database.transaction() as session:
        session.execute(text("update hazard set matter='x', version=version+1"))
    with pytest.raises(IntegrityError, match="hazard_attempt_unalterable"), ledger.database.transaction() as session:
        session.execute(text("update hazard_attempt set verdict='returned', reason='x'"))


# --- two at once


def _at_once(*acts: Any) -> list[BaseException | None]:
    """Run these in threads that start together; what each raised."""
    barrier, raised = threading.Barrier(len(acts)), list[BaseException | None]([None] * len(acts))

    def run(index: int) -> None:
        barrier.wait()
        try:
            acts[index]()
        except OperationRefused as error:
            raised[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_numbers_are_not_used_twice_by_people_who_add_at_once(ledger: Ledger) -> None:
    assert _at_once(*[ledger.add] * 8) == [None] * 8
    with ledger.reading() as ctx:
        found = {hazard.number for hazard in ctx.store.hazards.find(HazardFilter(), TODAY)}
    assert found == {f"YH-2026-{number:04d}" for number in range(1, 9)}


def test_the_same_cause_at_once_leads_to_one_hazard(ledger: Ledger) -> None:
    draft = HazardDraft(1, once_key="verdict/1")
    assert _at_once(*[lambda: ledger.add(draft=draft)] * 4) == [None] * 4
    with ledger.reading() as ctx:
        assert ctx.store.hazards.counts(HazardFilter(), TODAY)["total"] == 1


def test_of_two_who_decide_at_once_one_is_told(ledger: Ledger) -> None:
    number = submitted(ledger)
    raised = _at_once(
        lambda: ledger.does(accept_hazard, number, by="王科"),
        lambda: ledger.does(return_hazard, number, "仍有渗漏", by="李局"),
    )
    assert sorted(getattr(error, "text_key", "") for error in raised) == ["", "hazards.wrong_state"]
    with ledger.reading() as ctx:
        assert len(ctx.store.hazards.histories([number])[number].moves) == 3


def test_of_two_who_edit_the_same_version_at_once_one_is_told(ledger: Ledger) -> None:
    number = ledger.add()
    version = ledger.field(number, "version")
    raised = _at_once(
        lambda: ledger.does(edit_hazard, number, {"measure": "拧紧螺栓"}, by="王科", version=version),
        lambda: ledger.does(edit_hazard, number, {"measure": "停用"}, by="李局", version=version),
    )
    assert [type(error) for error in raised if error] == [HazardConflict]


# --- who is named


@embedded_only
def test_the_person_named_must_be_the_only_one(ledger: Ledger) -> None:
    with ledger.database.transaction() as session:
        session.add(Person(name="王科", roles=["工作人员"]))
    with refused("several_people_named"):
        ledger.actor("王科")
    with refused("nobody_named"):
        ledger.actor("赵六")
    assert ledger.actor("李局").name == "李局"


@embedded_only
@pytest.mark.parametrize("who", ["审计"])
def test_an_auditor_adds_nothing(ledger: Ledger, who: str) -> None:
    with ledger.acting() as ctx, refused("not_permitted"):
        add_hazard(HazardDraft(1), actor_named(who, ctx.store), ctx)
    with refused("not_permitted"):
        ledger.add(by="乙负责人")
    with ledger.reading() as ctx:
        assert ctx.store.hazards.counts(HazardFilter(), ctx.today)["total"] == 0


@embedded_only
def test_the_ledger_is_searched_and_filtered(ledger: Ledger) -> None:
    first, other = ledger.add(), ledger.add(by="乙负责人", enterprise_id=2, part_id=3, matter="灭火器过期", kind="fire")
    wanted = {
        first: [HazardFilter(part_id=1), HazardFilter(text="法兰"), HazardFilter(enterprise_ids=frozenset({1}))],
        other: [
            HazardFilter(text="乙化工"),
            HazardFilter(text="yh-2026-0002"),
            HazardFilter(kind="fire", found_by="乙负责人"),
            HazardFilter(source="self_check", states=("rectifying",), found_from=TODAY, found_until=TODAY),
        ],
    }
    with ledger.reading() as ctx:
        for number, filters in wanted.items():
            for each in filters:
                assert [found.number for found in ctx.store.hazards.find(each, TODAY)] == [number]
                assert ctx.store.hazards.counts(each, TODAY)["total"] == 1
        [page] = ctx.store.hazards.find(HazardFilter(), TODAY, limit=5, before=(2026, 2))
        assert page.number == first
        assert ctx.store.hazards.find(HazardFilter(enterprise_ids=frozenset()), TODAY) == []
