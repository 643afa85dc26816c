"""The Official Account: callbacks in every mode, films, reply windows and templates."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.devtools.simulator import Cloud, serve_official_account
from bot.devtools.simulator.core.official_account_phone import FollowerPhone
from bot.doctor import platform
from handlers.enrolment import invite
from schedules.notify import notify_person
from storage.db.models import Employment, Enterprise, KeyPart, Notice, Person, Submission
from storage.notices import NoticeDraft
from tests.bot.parts import Edge, edge
from tests.harness import NIGHT, HandClock, config_for, film_bytes
from tests.places import Place


def account_settings(cloud: Cloud) -> dict[str, str]:
    serve_official_account(cloud)
    return cloud.official_account.settings()


def connect(here: Edge, cloud: Cloud) -> None:
    cloud.official_account.callback_sender.retries = 0
    cloud.official_account.callback_sender.transport = lambda query, body: (
        here.client.post(f"/callbacks/official_account?{query}", data=body, content_type="text/xml").status_code
    )


@pytest.fixture
def qian(cloud: Cloud) -> FollowerPhone:
    return cloud.add_follower("o1", "钱师傅")


@pytest.fixture
def here(tmp_path: Path, cloud: Cloud, clock: HandClock, qian: FollowerPhone, place: Place) -> Iterator[Edge]:
    """A bot with an Official Account, to which a patroller of an enterprise with one key part is bound."""
    with edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **account_settings(cloud))) as made:
        connect(made, cloud)
        with made.bot.uow.transaction() as store:
            store.session.add(Person(name="钱师傅", roles=["巡检员"]))
            store.session.add(Enterprise(code="E001", name="甲化工有限公司", short_name="甲化工"))
            store.session.flush()
            store.session.add(Employment(person_id=1, enterprise_id=1))
            store.session.add(KeyPart(enterprise_id=1, number="1", name="罐区"))
            store.session.flush()
            store.register.bind(1, "official_account", "o1", None)
        yield made


def film_of(here: Edge) -> Submission:
    [film] = here.rows(Submission)
    return film


def send_notice(here: Edge, kind: str = "reminder", key: str = "a") -> Notice:
    with here.bot.uow.transaction() as store:
        person = store.register.person(1)
        assert person is not None
        notice = notify_person(
            person, NoticeDraft(kind, "office.request_forwarded", f"{kind}/{key}", NIGHT, here.clock.instant), store
        )
        assert notice is not None
    here.settle()
    return here.notice(notice.id)


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_film_is_filed_and_answered_in_every_mode(here: Edge, cloud: Cloud, qian: FollowerPhone, mode: str) -> None:
    cloud.official_account.configure(mode=mode)
    film = film_bytes(12, "film")
    sent = qian.sends_film(film)
    assert (sent.status, sent.repeat().statuses) == (200, [200, 200])
    here.settle()
    assert qian.texts[0].startswith("✅ 收到 1124-0001\n甲化工 · 1 罐区")
    assert (len(qian.texts), film_of(here).sha256) == (1, hashlib.sha256(film).hexdigest())
    assert (film_of(here).channel, film_of(here).realm) == ("official_account", "official_account")
    assert cloud.violations == []


@pytest.mark.parametrize("how", ["films_as_bytes", "plain_text_json", "redirects_films"])
def test_a_film_is_fetched_in_every_form_of_media_answer(
    here: Edge, cloud: Cloud, qian: FollowerPhone, how: str
) -> None:
    setattr(cloud.official_account, how, True)
    film = film_bytes(12, "film")
    qian.sends_short_film(film)
    here.settle()
    assert (film_of(here).state, film_of(here).bytes) == ("filed", len(film))
    assert cloud.violations == []


def test_a_photo_is_stored_as_supporting(here: Edge, qian: FollowerPhone) -> None:
    qian.sends_photo()
    here.settle()
    assert film_of(here).state == "supporting"


def test_a_film_on_a_foreign_host_is_refused_and_recorded(
    tmp_path: Path, cloud: Cloud, clock: HandClock, qian: FollowerPhone
) -> None:
    settings = {**account_settings(cloud), "MEDIA_HOSTS": "mp.example.org"}
    with edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **settings)) as here:
        connect(here, cloud)
        qian.sends_film(film_bytes(12, "film"))
        here.settle()
        assert film_of(here).state == "failed"
        assert [each.state for each in here.inbox()] == ["done"]
        assert "localhost is not among MEDIA_HOSTS" in (here.inbox()[0].detail or "")


def test_the_previous_aes_key_is_accepted_and_a_third_is_not(
    tmp_path: Path, cloud: Cloud, clock: HandClock, qian: FollowerPhone
) -> None:
    newest = "NewestAccountEncodingAESKeyOfSimulator00001"
    old = cloud.official_account.profile.encoding_aes_key
    settings = account_settings(cloud) | {
        "OFFICIAL_ACCOUNT_ENCODING_AES_KEY": newest,
        "OFFICIAL_ACCOUNT_PREVIOUS_AES_KEY": old,
    }
    with edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **settings)) as here:
        connect(here, cloud)
        assert qian.says("你好").status == 200
        cloud.official_account.configure(encoding_aes_key=newest)
        assert qian.says("你好").status == 200
        cloud.official_account.configure(encoding_aes_key="SomeOtherEncodingAESKeyOfTheSimulator000001")
        assert qian.says("你好").status in (400, 403)
        assert len(here.inbox()) == 2


def test_an_unsigned_callback_is_refused_and_not_stored(here: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    fields = {"ToUserName": "gh", "FromUserName": "o1", "CreateTime": 1, "MsgType": "text", "Content": "?", "MsgId": 1}
    query, body = cloud.official_account.callback_sender.envelope(fields)
    url = "/callbacks/official_account"
    forged = query.replace("signature=", "signature=0", 1)
    assert here.client.post(f"{url}?{forged}", data=body).status_code == 403
    assert here.client.post(url, data=body).status_code == 403
    assert here.client.get(f"{url}?echostr=1").status_code == 403
    cloud.official_account.configure(app_id="wxOfSomebodyElse")
    assert qian.says("你好").status == 403
    assert here.inbox() == []


@pytest.mark.parametrize(
    "body", [b"", b"no xml", b"<xml><MsgType>text</MsgType></xml>", b'<!DOCTYPE a [<!ENTITY b "c">]><xml>&b;</xml>']
)
def test_an_invalid_message_is_refused(here: Edge, cloud: Cloud, body: bytes) -> None:
    cloud.official_account.configure(mode="plain")
    query, _ = cloud.official_account.callback_sender.envelope({"FromUserName": "o1"})
    assert here.client.post(f"/callbacks/official_account?{query}", data=body).status_code == 400
    assert here.inbox() == []


def test_the_callback_url_is_verified(here: Edge, cloud: Cloud) -> None:
    def ask(query: str) -> tuple[int, bytes]:
        answer = here.client.get(f"/callbacks/official_account?{query}")
        return answer.status_code, answer.data

    assert cloud.official_account.callback_sender.verify_url(ask)
    assert not cloud.official_account.callback_sender.verify_url(lambda query: ask(query.replace("nonce=", "nonce=0")))


def test_a_stranger_binds_by_a_typed_or_scanned_code(here: Edge, cloud: Cloud) -> None:
    with here.bot.uow.transaction() as store:
        codes = [invite(name, ["巡检员"], "E001", store, here.clock.instant).code for name in ("孙师傅", "李师傅")]
    words, scan = cloud.add_follower("o2"), cloud.add_follower("o3")
    words.follows()
    words.says(f"绑定 {codes[0]}")
    scan.follows(scene=codes[1])
    here.settle()
    assert words.texts[0].startswith("您好，这里是夜间巡检机器人")
    assert words.texts[1].startswith("绑定成功，孙师傅（甲化工）")
    assert [text[:8] for text in scan.texts] == ["绑定成功，李师傅"]
    with here.bot.uow.read() as store:
        assert store.register.account_owner("official_account", "o3", here.clock.instant).name == "李师傅"  # type: ignore[union-attr]


def test_a_reminder_outside_the_reply_window_uses_the_template(here: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    notice = send_notice(here)
    assert (notice.state, notice.channel) == ("sent", "official_account")
    assert qian.texts == [
        "夜间巡检提醒\n已转给工作人员，请等对方核实。核实之前仍\n2026年11月24日 00:30\n请按原要求报送。"
    ]
    assert send_notice(here, "receipt").state == "failed"


def test_a_notice_within_the_reply_window_is_sent_in_full(here: Edge, qian: FollowerPhone) -> None:
    qian.says("查询")
    here.settle()
    qian.received.clear()
    send_notice(here)
    assert [(each.sent_via, each.text) for each in qian.received] == [
        ("custom", "已转给工作人员，请等对方核实。核实之前仍请按原要求报送。")
    ]


@pytest.mark.parametrize(("errcode", "by"), [(45015, "template"), (45047, "template")])
def test_a_reply_window_closed_by_the_platform_fails_over_to_the_template(
    here: Edge, cloud: Cloud, qian: FollowerPhone, errcode: int, by: str
) -> None:
    qian.says("查询")
    here.settle()
    qian.received.clear()
    cloud.official_account.faults.inject("message/custom/send", errcode=errcode)
    notice = send_notice(here)
    assert ([each.sent_via for each in qian.received], notice.state) == ([by], "sent")
    assert [each["why"].startswith(f"errcode {errcode}") for each in notice.tried_routes or []] == [True]


@pytest.mark.parametrize("errcode", [43101, 43004])
def test_a_notice_the_account_cannot_send_fails_over(
    here: Edge, cloud: Cloud, qian: FollowerPhone, errcode: int
) -> None:
    cloud.add_member("qian", "钱师傅")
    with here.bot.uow.transaction() as store:
        store.register.bind(1, "wecom", "qian", None)
    qian.says("查询")
    here.settle()
    here.clock.instant += timedelta(hours=49)
    cloud.official_account.faults.inject("message/template/send", errcode=errcode)
    notice = send_notice(here)
    assert (notice.state, notice.channel, len(cloud.phone("qian").received)) == ("sent", "wecom_app", 1)
    assert send_notice(here, key="b").channel == "wecom_app"


def test_a_template_that_was_not_delivered_fails_over(here: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    notice = send_notice(here)
    assert notice.platform_message_id
    cloud.add_member("qian", "钱师傅")
    with here.bot.uow.transaction() as store:
        store.register.bind(1, "wecom", "qian", None)
    cloud.official_account.send_template_results("failed:user block")
    here.settle()
    notice = here.notice(notice.id)
    assert (notice.state, notice.channel, len(cloud.phone("qian").received)) == ("sent", "wecom_app", 1)


def test_a_template_that_was_delivered_stays_sent(here: Edge, cloud: Cloud) -> None:
    notice = send_notice(here)
    cloud.official_account.send_template_results()
    here.settle()
    assert here.notice(notice.id).state == "sent"


def test_a_menu_click_does_not_shorten_the_reply_window(here: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    qian.says("查询")
    here.settle(seconds=600)
    qian.clicks("MENU")
    here.settle()
    here.clock.instant += timedelta(hours=5)
    qian.received.clear()
    send_notice(here, "receipt")
    assert [each.sent_via for each in qian.received] == ["custom"]


def test_a_person_is_unreachable_until_they_follow_again(here: Edge, qian: FollowerPhone) -> None:
    qian.unfollows()
    here.settle()
    gone = send_notice(here)
    assert (gone.state, gone.detail) == ("failed", "undeliverable")
    here.clock.instant += timedelta(seconds=1)
    qian.follows()
    here.settle()
    assert send_notice(here, key="b").state == "sent"


def test_a_revoked_account_token_is_replaced_once(here: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    qian.says("查询")
    here.settle()
    cloud.official_account.tokens.revoke()
    qian.says("帮助")
    here.settle()
    assert (len(qian.texts), cloud.official_account.tokens.issued_count) == (2, 2)


def test_the_office_is_notified_of_an_address_that_is_not_whitelisted(
    here: Edge, cloud: Cloud, qian: FollowerPhone
) -> None:
    with here.bot.uow.transaction() as store:
        store.session.add(Person(name="王科", roles=["工作人员"]))
        store.session.flush()
        store.register.bind(2, "wecom", "zhangsan", None)
    cloud.official_account.ip_allowed = False
    qian.says("查询")
    here.settle(seconds=60)
    [alert_text] = cloud.phone("zhangsan").texts
    assert "公众号" in alert_text
    assert "40164" in alert_text


def test_a_template_that_cannot_be_listed_gets_default_fields(here: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    cloud.official_account.templates = [
        dataclasses.replace(each, content="{{thing1.DATA}}{{time2.DATA}}") for each in cloud.official_account.templates
    ]
    cloud.official_account.faults.inject("template/get_all_private_template", errcode=40066)
    assert send_notice(here).state == "sent"


def test_a_platform_without_the_stable_token_is_supported(here: Edge, cloud: Cloud, qian: Any) -> None:
    cloud.official_account.faults.inject("stable_token", errcode=40066)
    qian.says("查询")
    here.settle()
    assert len(qian.texts) == 1


def test_the_doctor_diagnoses_the_account(here: Edge, cloud: Cloud) -> None:
    def lines() -> list[str]:
        found = platform.check_platform(here.bot.config, here.bot.uow, here.bot.channels)
        return [finding.text for finding in found if "公众号" in finding.text or "模板" in finding.text]

    assert lines() == ["公众号接通，回调地址 https://patrol.example.org/callbacks/official_account"]
    cloud.official_account.ip_allowed = False
    cloud.official_account.tokens.revoke()
    here.clock.instant += timedelta(hours=3)
    [line] = lines()
    assert "40164" in line
