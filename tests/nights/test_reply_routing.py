"""One person on several channels: a reply uses the channel of the message, a notice the best route."""

from __future__ import annotations

from dataclasses import dataclass

from schedules.notify import notify_person, notify_sender
from storage.db.models import Person
from storage.notices import NoticeDraft
from storage.personal_channels import PersonalChannel
from tests.harness import NIGHT, Story, at, row

APP, KF, ACCOUNT = (
    PersonalChannel("wecom_app", "wecom"),
    PersonalChannel("wecom_kf", "wecom_kf"),
    PersonalChannel("official_account", "official_account"),
)


@dataclass(frozen=True)
class Word:
    """Something that came in."""

    channel: str
    realm: str
    sender: str
    chat_id: str | None = None
    inbox_id: int = 0


def saying(key: str) -> NoticeDraft:
    return NoticeDraft(
        kind="system", text_key="stranger.text", once_key=key, night=NIGHT, due_at=at("05:00"), expires_at=at("01:00")
    )


def test_an_answer_goes_back_by_the_door_its_message_came_through(night: Story) -> None:
    with night.office() as store:
        store.personal_channels = (APP, KF, ACCOUNT)
        known = row(store, Person, name="甲化工巡检员")
        by_kf = notify_sender(Word("wecom_kf", "wecom_kf", "wmAbC"), known, saying("a"), store)
        by_account = notify_sender(Word("official_account", "official_account", "oXyZ"), None, saying("b"), store)
        by_app = notify_sender(Word("wecom_app", "wecom", "P1"), known, saying("c"), store)
        assert by_kf is not None
        assert by_account is not None
        assert by_app is not None
        assert (by_kf.route, by_kf.address, by_kf.recipient_name) == ("wecom_kf/wmAbC", "wmAbC", "甲化工巡检员")
        assert (by_account.route, by_account.recipient_name) == ("official_account/oXyZ", "oXyZ")
        assert by_app.route == "wecom_app/p1"


def test_an_answer_to_what_has_no_way_back_goes_by_another_door_of_the_same_person(night: Story) -> None:
    with night.office() as store:
        answer = notify_sender(
            Word("upload", "wecom", "p1"), row(store, Person, name="甲化工巡检员"), saying("a"), store
        )
        assert answer is not None
        assert answer.route == "wecom_app/p1"


def test_what_starts_with_us_takes_a_door_that_its_person_has(night: Story) -> None:
    with night.office() as store:
        store.personal_channels = (APP, KF, ACCOUNT)
        store.session.add(Person(id=99, name="公众号用户", roles=["巡检员"]))
        store.session.flush()
        stranger = row(store, Person, id=99)
        nowhere = notify_person(stranger, saying("a"), store)
        store.register.bind(99, "official_account", "oXyZ", None)
        there = notify_person(stranger, saying("b"), store)
        assert nowhere is not None
        assert (nowhere.state, nowhere.detail) == ("failed", "no_account")
        assert there is not None
        assert (there.state, there.route) == ("due", "official_account/oXyZ")


def test_an_enterprise_without_a_reachable_person_is_reported_at_six(night: Story) -> None:
    night.time("17:30")
    with night.office() as store:
        for name in ("甲化工巡检员", "甲化工负责人"):
            store.register.unbind_all(row(store, Person, name=name).id, night.clock.instant)
        leaver = row(store, Person, name="乙化工负责人")
        store.register.unbind_all(leaver.id, night.clock.instant)
    night.hears("staff"), night.hears("leader"), night.hears("backup"), night.group_hears("KEY")
    night.time("18:01")
    [alarm] = night.hears("staff")
    assert alarm.startswith("⚠️ 今晚以下企业没有可联系的人员：甲化工\n")
    night.time("19:00")
    assert night.hears("staff") == []
