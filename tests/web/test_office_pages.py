"""The task list of the office, the history, and what an enterprise sees of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.db.models import InboxRow
from storage.delivery_causes import DeliveryCause
from storage.notices import NoticeDraft
from tests.harness import NIGHT
from tests.web.parts import Dashboard


def a_night(dashboard: Dashboard) -> None:
    """p1 films both parts, p2 nothing; a stranger sends a film too. Ten in the morning of the night."""
    night = dashboard.story
    night.time("00:30")
    for number in ("1", "2"):
        night.says("p1", number)
        night.film("p1")
    night.cloud.add_member("stranger")
    night.film("stranger")
    night.time("10:00")
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def test_an_invitation_is_listed_until_it_is_used(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    made = staff.act("/office/invitations", {"name": "新人", "role": "巡检员", "code": "E001"}).text
    code = made.split("绑定 ")[1][:8] if "绑定 " in made else ""
    assert code.isdigit(), made
    assert "未使用的绑定码（1）" in staff.get("/office").text
    refused = staff.act("/office/invitations", {"name": "新人", "role": "巡检员", "code": "E999"})
    assert refused.status_code == 422


def test_the_staff_cannot_invite_a_person_to_be_more_than_staff(dashboard: Dashboard) -> None:
    staff, admin = dashboard.signed_in("staff"), dashboard.signed_in("admin")
    assert "<option>管理员" not in staff.get("/office").text
    assert "<option>管理员" in admin.get("/office").text
    for name, role in (("王科", "管理员"), ("王科", "值班领导"), ("李局", "工作人员"), ("新人", "管理员")):
        refused = staff.act("/office/invitations", {"name": name, "role": role, "code": ""})
        assert (refused.status_code, "只能由管理员" in refused.text) == (422, True)
        assert "绑定 " in admin.act("/office/invitations", {"name": name, "role": role, "code": ""}).text


def test_the_history_shows_the_nights_a_viewer_may_see(dashboard: Dashboard) -> None:
    a_night(dashboard)
    dashboard.story.time("12:30")
    for who in dashboard.story.cloud.members:
        dashboard.story.hears(who)
    page = dashboard.signed_in("leader").get("/history?days=7").text
    assert page.count('scope="row"') == 4
    assert "heatmap--missing" in page
    own = dashboard.signed_in("head").get("/history?days=7").text
    assert own.count('scope="row"') == 1


def test_the_page_of_another_enterprise_is_not_found(dashboard: Dashboard) -> None:
    head = dashboard.signed_in("head")
    assert (head.get("/enterprises/E001").status_code, head.get("/enterprises/E002").status_code) == (200, 404)
    assert head.act("/enterprises/E002/objections", {"night": "2026-11-24", "text": "x"}).status_code == 404
    assert "E002" not in head.get("/search?q=E00").text
    assert "/enterprises/E002" in dashboard.signed_in("leader").get("/search?q=E00").text


def test_the_office_answers_an_objection(dashboard: Dashboard) -> None:
    a_night(dashboard)
    head = dashboard.signed_in("head")
    path = "/enterprises/E001/objections"
    assert head.act(path, {"night": "2026-11-24", "text": ""}).status_code == 422
    assert head.act(path, {"night": str(NIGHT + timedelta(days=5)), "text": "没有的事"}).status_code == 422
    assert head.act(path, {"night": "2026-11-24", "text": "1 号部位停电"}).status_code == 302
    dashboard.story.settle(5)
    assert any("1 号部位停电" in each for each in dashboard.story.hears("staff"))
    staff = dashboard.signed_in("staff")
    assert "企业的异议（1）" in staff.get("/office").text
    with dashboard.story.office() as store:
        [(objection, _)] = store.objections.unanswered()
    assert staff.act(f"/office/objections/{objection.id}", {"answer": "已核实，予以说明"}).status_code == 302
    again = staff.act(f"/office/objections/{objection.id}", {"answer": "再答一次"})
    assert (again.status_code, "已经答复过" in again.text) == (422, True)
    dashboard.story.settle(5)
    assert any("已核实" in each for each in dashboard.story.hears("h1"))
    assert "已核实，予以说明" in head.get("/enterprises/E001").text


def test_the_audit_log_is_verified_on_request(dashboard: Dashboard) -> None:
    dashboard.signed_in("staff")
    dashboard.story.settle(5)
    assert "链条完好" in dashboard.signed_in("auditor").get("/trail?check=1").text


def test_undelivered_notices_are_listed_until_marked_as_seen(dashboard: Dashboard) -> None:
    night = dashboard.story
    with night.office() as store:
        for name in ("李局", "赵局"):
            store.register.unbind_all(store.register.people_named(name)[0].id, night.clock.instant)
    night.time("05:30")
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")
    staff = dashboard.signed_in("staff")
    before = staff.get("/office").text
    assert "未送达" in before
    assert "对方还没有绑定账号" in before
    assert "还有4家未报齐：甲化工、乙化工" in before, "what the message says"
    with night.office() as store:
        lost = store.notices.undelivered(night.clock.instant - timedelta(days=1))
    for notice in lost:
        staff.act(f"/office/notices/{notice.id}")
    assert "未送达的消息（0）" in staff.get("/office").text


@pytest.mark.parametrize(
    ("state", "detail", "cause", "sentence"),
    [
        ("failed", "undeliverable: errcode 60111: userid not found", DeliveryCause.NO_ROUTE, "没有可用的通道"),
        ("failed", "[Errno 111] Connection refused", DeliveryCause.PLATFORM_DOWN, "平台没有响应"),
        ("unknown", "ReadTimeout(ReadTimeoutError())", DeliveryCause.NO_ANSWER, "平台没有回音"),
        ("expired", None, None, "已过期"),
    ],
)
def test_the_office_reads_a_sentence_and_no_error_of_a_program(
    dashboard: Dashboard, state: str, detail: str | None, cause: DeliveryCause | None, sentence: str
) -> None:
    night = dashboard.story
    with night.office() as store:
        person = store.register.people_named("李局")[0]
        words = {"sender_name": "张三"}
        draft = NoticeDraft("system", "office.account_left", "lost", NIGHT, night.clock.instant, words)
        notice = store.notices.add_for_account(store.personal_channels[0], "leader", person, draft)
        assert notice is not None
        store.notices.record_outcome(notice.id, state, night.clock.instant, detail, cause=cause)
    page = dashboard.signed_in("staff").get("/office").text
    assert sentence in page
    assert "张三 已离开企业微信应用的可见范围" in page
    assert "Err" not in page
    assert "None" not in page


def test_a_message_that_cannot_be_handled_is_named_without_its_error(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        moment = dashboard.story.clock.instant
        waiting = InboxRow(channel="wecom_app", message_key="k", raw="<xml/>", received_at=moment, attempts=12)
        waiting.detail, waiting.retry_at = "OSError: [Errno 28] No space left", moment + timedelta(days=900)
        store.session.add(waiting)
    page = dashboard.signed_in("staff").get("/office").text
    assert "从企业微信自建应用收到的第" in page
    assert "Errno" not in page
