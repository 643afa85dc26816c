"""The Official Account: callbacks in every mode, films, reply windows and templates."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Request, Response

from bot.channels.errors import ChannelError
from bot.channels.official_account.client import OfficialAccountClient
from bot.channels.ssrf_guard import SsrfGuard
from bot.channels.wecom_api.media import DownloadLimits
from bot.devtools.simulator import Cloud, serve_official_account
from bot.devtools.simulator.core.official_account_phone import FollowerPhone
from bot.doctor import platform
from handlers.enrolment import invite
from schedules.notify import notify_person
from storage.db.models import CallbackSignature, Employment, Enterprise, KeyPart, Notice, Person, Submission
from storage.notices import NoticeDraft
from tests.bot.parts import Edge, run_edge
from tests.harness import NIGHT, HandClock, config_for, film_bytes
from tests.places import Place
from tests.sites import site


def account_settings(cloud: Cloud) -> dict[str, str]:
    serve_official_account(cloud)
    return cloud.official_account.settings()


def connect(edge: Edge, cloud: Cloud) -> None:
    cloud.official_account.callback_sender.retries = 0
    cloud.official_account.callback_sender.transport = lambda query, body: (
        edge.client.post(f"/callbacks/official_account?{query}", data=body, content_type="text/xml").status_code
    )


@pytest.fixture
def qian(cloud: Cloud) -> FollowerPhone:
    return cloud.add_follower("o1", "钱师傅")


@pytest.fixture
def edge(tmp_path: Path, cloud: Cloud, clock: HandClock, qian: FollowerPhone, place: Place) -> Iterator[Edge]:
    """A bot with an Official Account, to which a patroller of an enterprise with one key part is bound."""
    with run_edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **account_settings(cloud))) as made:
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


def film_of(edge: Edge) -> Submission:
    [film] = edge.rows(Submission)
    return film


def send_notice(edge: Edge, kind: str = "reminder", key: str = "a") -> Notice:
    with edge.bot.uow.transaction() as store:
        person = store.register.person(1)
        assert person is not None
        notice = notify_person(
            person, NoticeDraft(kind, "office.request_forwarded", f"{kind}/{key}", NIGHT, edge.clock.instant), store
        )
        assert notice is not None
    edge.settle()
    return edge.notice(notice.id)


@pytest.fixture
def plain_edge(tmp_path: Path, cloud: Cloud, clock: HandClock, qian: FollowerPhone, place: Place) -> Iterator[Edge]:
    """A bot with an Official Account in plain mode, which knows no AES key."""
    settings = {**account_settings(cloud), "OFFICIAL_ACCOUNT_ENCODING_AES_KEY": ""}
    cloud.official_account.configure(mode="plain")
    with run_edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **settings)) as made:
        connect(made, cloud)
        yield made


def signed_text(cloud: Cloud, content: str, number: int = 1) -> tuple[str, bytes]:
    """Query and body of a message from a follower."""
    return cloud.official_account.callback_sender.envelope(
        {
            "ToUserName": "gh",
            "FromUserName": "o1",
            "CreateTime": 1795451400,
            "MsgType": "text",
            "Content": content,
            "MsgId": number,
        }
    )


def status_of(edge: Edge, query: str, body: bytes) -> int:
    return edge.client.post(f"/callbacks/official_account?{query}", data=body).status_code


def test_a_plain_message_is_answered_without_an_aes_key(plain_edge: Edge, qian: FollowerPhone) -> None:
    sent = qian.says("你好")
    assert (sent.status, sent.repeat().statuses) == (200, [200, 200])
    plain_edge.settle()
    assert qian.texts[0].startswith("您好，这里是夜间巡检机器人")


def test_with_an_aes_key_a_plain_body_is_refused_however_well_signed(edge: Edge, cloud: Cloud) -> None:
    query, _ = signed_text(cloud, "险情")
    cloud.official_account.configure(mode="plain")
    fresh, body = signed_text(cloud, "险情")
    assert status_of(edge, fresh, body) == 403
    assert status_of(edge, query.replace("encrypt_type=aes", "encrypt_type=raw"), body) == 403
    assert edge.inbox() == []


def test_a_plain_signature_is_good_for_one_message_in_every_process(
    plain_edge: Edge, tmp_path: Path, cloud: Cloud
) -> None:
    query, body = signed_text(cloud, "查询")
    _, forged = signed_text(cloud, "险情", 2)
    assert status_of(plain_edge, query, body) == 200
    assert status_of(plain_edge, query, body) == 200, "the platform repeats what it got no answer to"
    assert status_of(plain_edge, query, forged) == 403
    with run_edge(tmp_path, cloud, plain_edge.clock, plain_edge.bot.config) as other_process:
        assert status_of(other_process, query, forged) == 403
    assert len(plain_edge.inbox()) == 1


def test_a_plain_signature_is_good_for_ten_minutes_and_then_forgotten(plain_edge: Edge, cloud: Cloud) -> None:
    old, body = signed_text(cloud, "险情")
    plain_edge.clock.instant += timedelta(minutes=10, seconds=1)
    assert status_of(plain_edge, old, body) == 403
    assert status_of(plain_edge, *signed_text(cloud, "查询", 2)) == 200
    plain_edge.clock.instant += timedelta(minutes=11)
    assert status_of(plain_edge, *signed_text(cloud, "帮助", 3)) == 200
    with plain_edge.bot.uow.read() as store:
        assert [each.message_key for each in store.session.query(CallbackSignature)] == ["o1/1795451400/3"]


def test_digits_of_the_nonce_do_not_make_an_old_timestamp_new(plain_edge: Edge, cloud: Cloud) -> None:
    """The signature is over both without a separator."""
    _, body = signed_text(cloud, "险情")
    token, timestamp = cloud.official_account.profile.token, f"{plain_edge.clock.instant.timestamp():.0f}"
    signature = hashlib.sha1("".join(sorted([token, timestamp, "372623558"])).encode()).hexdigest()
    plain_edge.clock.instant += timedelta(hours=1)
    moved = f"signature={signature}&timestamp={timestamp}3&nonce=72623558"
    assert status_of(plain_edge, moved, body) == 403
    assert status_of(plain_edge, moved.replace("timestamp=1", "timestamp=1&x="), body) == 403
    assert plain_edge.inbox() == []


@pytest.mark.parametrize("mode", ["compatible", "safe"])
def test_a_film_is_filed_and_answered_in_every_encrypted_mode(
    edge: Edge, cloud: Cloud, qian: FollowerPhone, mode: str
) -> None:
    cloud.official_account.configure(mode=mode)
    film = film_bytes(12, "film")
    sent = qian.sends_film(film)
    assert (sent.status, sent.repeat().statuses) == (200, [200, 200])
    edge.settle()
    assert qian.texts[0].startswith("✅ 收到 1124-0001\n甲化工 · 1 罐区")
    assert (len(qian.texts), film_of(edge).sha256) == (1, hashlib.sha256(film).hexdigest())
    assert (film_of(edge).channel, film_of(edge).realm) == ("official_account", "official_account")
    assert cloud.violations == []


@pytest.mark.parametrize("how", ["films_as_bytes", "plain_text_json", "redirects_films"])
def test_a_film_is_fetched_in_every_form_of_media_answer(
    edge: Edge, cloud: Cloud, qian: FollowerPhone, how: str
) -> None:
    setattr(cloud.official_account, how, True)
    film = film_bytes(12, "film")
    qian.sends_short_film(film)
    edge.settle()
    assert (film_of(edge).state, film_of(edge).bytes) == ("filed", len(film))
    assert cloud.violations == []


def test_a_photo_is_stored_as_supporting(edge: Edge, qian: FollowerPhone) -> None:
    qian.sends_photo()
    edge.settle()
    assert film_of(edge).state == "supporting"


def test_a_film_on_a_foreign_host_is_refused_and_recorded(
    tmp_path: Path, cloud: Cloud, clock: HandClock, qian: FollowerPhone
) -> None:
    settings = {**account_settings(cloud), "MEDIA_HOSTS": "mp.example.org"}
    with run_edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **settings)) as edge:
        connect(edge, cloud)
        qian.sends_film(film_bytes(12, "film"))
        edge.settle()
        assert film_of(edge).state == "failed"
        assert [each.state for each in edge.inbox()] == ["done"]
        assert "localhost is not among MEDIA_HOSTS" in (edge.inbox()[0].detail or "")


@pytest.mark.parametrize("kind", ["video/mp4", "application/json"])
def test_the_body_behind_the_url_of_a_film_has_an_end(edge: Edge, kind: str) -> None:
    """Whatever a host sends without end is given up, as a film and as an error."""

    def answer(request: Request) -> Response:
        if "token" in request.path:
            return Response('{"access_token": "t", "expires_in": 7200}', content_type="application/json")
        if request.path.endswith("/media/get"):
            return Response(f'{{"video_url": "{request.host_url}film"}}', content_type="application/json")
        return Response(itertools.repeat(bytes(100_000)), content_type=kind)

    with site(answer) as host:
        transaction, guard, limits = (
            edge.bot.uow.transaction,
            SsrfGuard([host.url]),
            DownloadLimits(max_bytes=2_000_000),
        )
        client = OfficialAccountClient(host.url, "other", "secret", edge.clock, transaction, guard, limits)
        with pytest.raises(ChannelError):
            sum(map(len, client.fetch("media")))


def test_the_previous_aes_key_is_accepted_and_a_third_is_not(
    tmp_path: Path, cloud: Cloud, clock: HandClock, qian: FollowerPhone
) -> None:
    newest = "NewestAccountEncodingAESKeyOfSimulator00001"
    old = cloud.official_account.profile.encoding_aes_key
    settings = account_settings(cloud) | {
        "OFFICIAL_ACCOUNT_ENCODING_AES_KEY": newest,
        "OFFICIAL_ACCOUNT_PREVIOUS_AES_KEY": old,
    }
    with run_edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **settings)) as edge:
        connect(edge, cloud)
        assert qian.says("你好").status == 200
        cloud.official_account.configure(encoding_aes_key=newest)
        assert qian.says("你好").status == 200
        cloud.official_account.configure(encoding_aes_key="SomeOtherEncodingAESKeyOfTheSimulator000001")
        assert qian.says("你好").status in (400, 403)
        assert len(edge.inbox()) == 2


def test_an_unsigned_callback_is_refused_and_not_stored(edge: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    fields = {"ToUserName": "gh", "FromUserName": "o1", "CreateTime": 1, "MsgType": "text", "Content": "?", "MsgId": 1}
    query, body = cloud.official_account.callback_sender.envelope(fields)
    url = "/callbacks/official_account"
    forged = query.replace("signature=", "signature=0", 1)
    assert edge.client.post(f"{url}?{forged}", data=body).status_code == 403
    assert edge.client.post(url, data=body).status_code == 403
    assert edge.client.get(f"{url}?echostr=1").status_code == 403
    cloud.official_account.configure(app_id="wxOfSomebodyElse")
    assert qian.says("你好").status == 403
    assert edge.inbox() == []


@pytest.mark.parametrize(
    "body", [b"", b"no xml", b"<xml><MsgType>text</MsgType></xml>", b'<!DOCTYPE a [<!ENTITY b "c">]><xml>&b;</xml>']
)
def test_an_invalid_message_is_refused(plain_edge: Edge, cloud: Cloud, body: bytes) -> None:
    query, _ = cloud.official_account.callback_sender.envelope({"FromUserName": "o1"})
    assert plain_edge.client.post(f"/callbacks/official_account?{query}", data=body).status_code == 400
    assert plain_edge.inbox() == []


def test_the_callback_url_is_verified(edge: Edge, cloud: Cloud) -> None:
    def ask(query: str) -> tuple[int, bytes]:
        answer = edge.client.get(f"/callbacks/official_account?{query}")
        return answer.status_code, answer.data

    assert cloud.official_account.callback_sender.verify_url(ask)
    assert not cloud.official_account.callback_sender.verify_url(lambda query: ask(query.replace("nonce=", "nonce=0")))


def test_a_stranger_binds_by_a_typed_or_scanned_code(edge: Edge, cloud: Cloud) -> None:
    with edge.bot.uow.transaction() as store:
        codes = [invite(name, ["巡检员"], "E001", store, edge.clock.instant).code for name in ("孙师傅", "李师傅")]
    words, scan = cloud.add_follower("o2"), cloud.add_follower("o3")
    words.follows()
    words.says(f"绑定 {codes[0]}")
    scan.follows(scene=codes[1])
    edge.settle()
    assert words.texts[0].startswith("您好，这里是夜间巡检机器人")
    assert words.texts[1].startswith("绑定成功，孙师傅（甲化工）")
    assert [text[:8] for text in scan.texts] == ["绑定成功，李师傅"]
    with edge.bot.uow.read() as store:
        assert store.register.account_owner("official_account", "o3", edge.clock.instant).name == "李师傅"  # type: ignore[union-attr]


def test_a_reminder_outside_the_reply_window_uses_the_template(edge: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    notice = send_notice(edge)
    assert (notice.state, notice.channel) == ("sent", "official_account")
    assert qian.texts == [
        "夜间巡检提醒\n已转给工作人员，请等对方核实。核实之前仍\n2026年11月24日 00:30\n请按原要求报送。"
    ]
    assert send_notice(edge, "receipt").state == "failed"


def test_a_notice_within_the_reply_window_is_sent_in_full(edge: Edge, qian: FollowerPhone) -> None:
    qian.says("查询")
    edge.settle()
    qian.received.clear()
    send_notice(edge)
    assert [(each.sent_via, each.text) for each in qian.received] == [
        ("custom", "已转给工作人员，请等对方核实。核实之前仍请按原要求报送。")
    ]


@pytest.mark.parametrize(("errcode", "by"), [(45015, "template"), (45047, "template")])
def test_a_reply_window_closed_by_the_platform_fails_over_to_the_template(
    edge: Edge, cloud: Cloud, qian: FollowerPhone, errcode: int, by: str
) -> None:
    qian.says("查询")
    edge.settle()
    qian.received.clear()
    cloud.official_account.faults.inject("message/custom/send", errcode=errcode)
    notice = send_notice(edge)
    assert ([each.sent_via for each in qian.received], notice.state) == ([by], "sent")
    assert [each["why"].startswith(f"errcode {errcode}") for each in notice.tried_routes or []] == [True]


@pytest.mark.parametrize("errcode", [43101, 43004])
def test_a_notice_the_account_cannot_send_fails_over(
    edge: Edge, cloud: Cloud, qian: FollowerPhone, errcode: int
) -> None:
    cloud.add_member("qian", "钱师傅")
    with edge.bot.uow.transaction() as store:
        store.register.bind(1, "wecom", "qian", None)
    qian.says("查询")
    edge.settle()
    edge.clock.instant += timedelta(hours=49)
    cloud.official_account.faults.inject("message/template/send", errcode=errcode)
    notice = send_notice(edge)
    assert (notice.state, notice.channel, len(cloud.phone("qian").received)) == ("sent", "wecom_app", 1)
    assert send_notice(edge, key="b").channel == "wecom_app"


def test_a_template_that_was_not_delivered_fails_over(edge: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    notice = send_notice(edge)
    assert notice.platform_message_id
    cloud.add_member("qian", "钱师傅")
    with edge.bot.uow.transaction() as store:
        store.register.bind(1, "wecom", "qian", None)
    cloud.official_account.send_template_results("failed:user block")
    edge.settle()
    notice = edge.notice(notice.id)
    assert (notice.state, notice.channel, len(cloud.phone("qian").received)) == ("sent", "wecom_app", 1)


def test_a_template_that_was_delivered_stays_sent(edge: Edge, cloud: Cloud) -> None:
    notice = send_notice(edge)
    cloud.official_account.send_template_results()
    edge.settle()
    assert edge.notice(notice.id).state == "sent"


def test_a_menu_click_does_not_shorten_the_reply_window(edge: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    qian.says("查询")
    edge.settle(seconds=600)
    qian.clicks("MENU")
    edge.settle()
    edge.clock.instant += timedelta(hours=5)
    qian.received.clear()
    send_notice(edge, "receipt")
    assert [each.sent_via for each in qian.received] == ["custom"]


def test_a_person_is_unreachable_until_they_follow_again(edge: Edge, qian: FollowerPhone) -> None:
    qian.unfollows()
    edge.settle()
    gone = send_notice(edge)
    assert (gone.state, gone.detail) == ("failed", "undeliverable")
    edge.clock.instant += timedelta(seconds=1)
    qian.follows()
    edge.settle()
    assert send_notice(edge, key="b").state == "sent"


def test_a_revoked_account_token_is_replaced_once(edge: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    qian.says("查询")
    edge.settle()
    cloud.official_account.tokens.revoke()
    qian.says("帮助")
    edge.settle()
    assert (len(qian.texts), cloud.official_account.tokens.issued_count) == (2, 2)


def test_the_office_is_notified_of_an_address_that_is_not_whitelisted(
    edge: Edge, cloud: Cloud, qian: FollowerPhone
) -> None:
    with edge.bot.uow.transaction() as store:
        store.session.add(Person(name="王科", roles=["工作人员"]))
        store.session.flush()
        store.register.bind(2, "wecom", "zhangsan", None)
    cloud.official_account.ip_allowed = False
    qian.says("查询")
    edge.settle(seconds=60)
    [alert_text] = cloud.phone("zhangsan").texts
    assert "公众号" in alert_text
    assert "40164" in alert_text


def test_a_template_that_cannot_be_listed_gets_default_fields(edge: Edge, cloud: Cloud, qian: FollowerPhone) -> None:
    cloud.official_account.templates = [
        dataclasses.replace(each, content="{{thing1.DATA}}{{time2.DATA}}") for each in cloud.official_account.templates
    ]
    cloud.official_account.faults.inject("template/get_all_private_template", errcode=40066)
    assert send_notice(edge).state == "sent"


def test_a_platform_without_the_stable_token_is_supported(edge: Edge, cloud: Cloud, qian: Any) -> None:
    cloud.official_account.faults.inject("stable_token", errcode=40066)
    qian.says("查询")
    edge.settle()
    assert len(qian.texts) == 1


def test_the_doctor_diagnoses_the_account(edge: Edge, cloud: Cloud) -> None:
    def lines() -> list[str]:
        found = platform.check_platform(edge.bot.config, edge.bot.uow, edge.bot.channels)
        return [finding.text for finding in found if "公众号" in finding.text or "模板" in finding.text]

    assert lines() == ["公众号接通，回调地址 https://patrol.example.org/callbacks/official_account"]
    cloud.official_account.ip_allowed = False
    cloud.official_account.tokens.revoke()
    edge.clock.instant += timedelta(hours=3)
    [line] = lines()
    assert "40164" in line
