"""The Official Account: callback modes, the reply window, template messages and the URLs of films."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from bot.devtools.simulator import Cloud, serve, serve_official_account
from bot.devtools.simulator.core import crypto
from bot.devtools.simulator.core.official_account import REMINDER_TEMPLATE
from bot.devtools.simulator.core.official_account_phone import FollowerPhone

HOUR = 3600


class Bot:
    """The calls of a bot to the account; `posted` holds the callbacks it received."""

    def __init__(self, cloud: Cloud) -> None:
        self.account, self.root = cloud.official_account, serve_official_account(cloud) + "/cgi-bin/"
        self.http = requests.Session()
        self.http.trust_env = False
        self.posted: list[tuple[dict[str, str], str]] = []
        self.account.callback_sender.transport = self.receive

    def receive(self, query: str, body: bytes) -> int:
        self.posted.append(({name: values[0] for name, values in parse_qs(query).items()}, body.decode()))
        return 200

    def issue_token(self, **more: Any) -> dict[str, Any]:
        profile = self.account.profile
        body = {"grant_type": "client_credential", "appid": profile.app_id, "secret": profile.secret} | more
        return self.http.post(self.root + "stable_token", json=body, timeout=10).json()

    def post(self, path: str, body: Any) -> dict[str, Any]:
        params = {"access_token": self.issue_token()["access_token"]}
        return self.http.post(self.root + path, params=params, json=body, timeout=10).json()

    def media(self, media_id: str | None, **more: str) -> requests.Response:
        params = {"access_token": self.issue_token()["access_token"], "media_id": media_id, **more}
        return self.http.get(self.root + "media/get", params=params, timeout=10)

    def sends_text(self, content: str = "好", to: str = "o1") -> int:
        return int(
            self.post("message/custom/send", {"touser": to, "msgtype": "text", "text": {"content": content}})["errcode"]
        )

    def sends_template(
        self, to: str = "o1", template_id: str = REMINDER_TEMPLATE.template_id, **data: str
    ) -> dict[str, Any]:
        texts = {"thing1": "夜巡还差罐区", "time2": "2026年11月24日 01:37", "thing3": "请补拍"} | data
        values = {name: {"value": value} for name, value in texts.items()}
        return self.post("message/template/send", {"touser": to, "template_id": template_id, "data": values})


@pytest.fixture
def qian(cloud: Cloud) -> FollowerPhone:
    return cloud.add_follower("o1", "钱师傅")


@pytest.fixture
def bot(cloud: Cloud, qian: FollowerPhone) -> Bot:
    return Bot(cloud)


def signed(bot: Bot, query: dict[str, str]) -> bool:
    pieces = sorted([bot.account.profile.token, query["timestamp"], query["nonce"]])
    return query["signature"] == hashlib.sha1("".join(pieces).encode()).hexdigest()


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_each_mode_has_its_own_envelope(bot: Bot, qian: FollowerPhone, mode: str) -> None:
    bot.account.configure(mode=mode)
    qian.says("你好")
    [(query, body)] = bot.posted
    assert signed(bot, query)
    assert ("你好" in body) == (mode != "safe")
    assert ("Encrypt" in body) == (mode != "plain") == (query.get("encrypt_type") == "aes")
    if mode != "plain":
        ciphertext = body.partition("<Encrypt><![CDATA[")[2].partition("]]>")[0]
        profile = bot.account.profile
        assert query["msg_signature"] == crypto.sign(profile.token, query["timestamp"], query["nonce"], ciphertext)
        plain, receiver = crypto.decrypt(profile.encoding_aes_key, ciphertext)
        assert ("你好" in plain.decode(), receiver) == (True, profile.app_id)


def test_a_token_is_stable_until_a_refresh_is_forced(bot: Bot) -> None:
    first = bot.issue_token()
    assert bot.issue_token()["access_token"] == first["access_token"]
    assert bot.issue_token(force_refresh=True)["access_token"] != first["access_token"]
    assert bot.issue_token(secret="wrong")["errcode"] == 40125
    bot.account.ip_allowed = False
    assert bot.issue_token()["errcode"] == 40164


def test_a_message_allows_five_replies_in_48_hours_and_a_click_three_in_a_minute(
    bot: Bot, qian: FollowerPhone, clock: Any
) -> None:
    assert bot.sends_text() == 45015
    qian.says("在吗")
    assert [bot.sends_text() for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    qian.says("在吗")
    clock.advance(48 * HOUR)
    assert bot.sends_text() == 45015
    qian.clicks("MENU")
    assert [bot.sends_text() for _ in range(4)] == [0, 0, 0, 45047]
    qian.follows()
    clock.advance(60)
    assert bot.sends_text() == 45015


def test_nothing_is_delivered_to_a_person_who_does_not_follow(bot: Bot, qian: FollowerPhone) -> None:
    qian.says("在吗")
    qian.unfollows()
    assert (bot.sends_text(), bot.sends_template()["errcode"], bot.sends_text(to="nobody")) == (43004, 43004, 40003)
    assert qian.texts == []


def test_template_fields_are_checked(bot: Bot, qian: FollowerPhone) -> None:
    assert bot.sends_template()["errcode"] == 0
    assert qian.texts == ["夜间巡检提醒\n夜巡还差罐区\n2026年11月24日 01:37\n请补拍"]
    rejected = [bot.sends_template(thing1="字" * 21), bot.sends_template(time2="昨晚"), bot.sends_template(thing3="")]
    assert [each["errcode"] for each in rejected] == [47003, 47003, 47003]
    assert bot.sends_template(template_id="other")["errcode"] == 40037
    bot.account.followers["o1"].blocks_templates = True
    assert bot.sends_template()["errcode"] == 43101


def test_the_result_of_a_template_message_is_sent_as_an_event(bot: Bot, qian: FollowerPhone) -> None:
    bot.account.configure(mode="plain")
    msgid = bot.sends_template()["msgid"]
    bot.account.send_template_results("failed:user block")
    assert (f"<MsgID>{msgid}</MsgID>" in bot.posted[0][1], "failed:user block" in bot.posted[0][1]) == (True, True)


def test_a_film_has_a_url_that_expires(bot: Bot, qian: FollowerPhone, clock: Any) -> None:
    sent = qian.sends_film(b"film" * 100)
    url = bot.media(sent.media_id).json()["video_url"]
    assert "localhost" in url
    assert bot.http.get(url, timeout=10).content == b"film" * 100
    clock.advance(1800)
    assert bot.http.get(url, timeout=10).status_code == 403
    assert bot.http.get(bot.media(sent.media_id).json()["video_url"], timeout=10).content == b"film" * 100
    clock.advance(3 * 24 * HOUR)
    assert bot.media(sent.media_id).json()["errcode"] == 40007


def test_an_access_token_sent_to_the_host_of_films_is_a_violation(bot: Bot, qian: FollowerPhone, cloud: Cloud) -> None:
    url = bot.media(qian.sends_film(b"film").media_id).json()["video_url"]
    bot.http.get(f"{url}?access_token=secret", timeout=10)
    assert [each.description for each in cloud.violations] == ["an access token was sent to the host of films"]


def test_a_film_can_be_returned_as_bytes_and_a_photo_always_is(bot: Bot, qian: FollowerPhone) -> None:
    bot.account.films_as_bytes = True
    assert bot.media(qian.sends_short_film(b"film").media_id).content == b"film"
    photo = bot.media(qian.sends_photo(b"\xff\xd8\xffphoto").media_id)
    assert (photo.content, "attachment" in photo.headers["Content-Disposition"]) == (b"\xff\xd8\xffphoto", True)


def test_verifying_the_url_requires_the_echo_unchanged(bot: Bot) -> None:
    queries: list[dict[str, str]] = []

    def echo(query: str) -> tuple[int, bytes]:
        queries.append({name: values[0] for name, values in parse_qs(query).items()})
        return 200, queries[0]["echostr"].encode()

    assert bot.account.callback_sender.verify_url(echo)
    assert signed(bot, queries[0])


@pytest.fixture
def control(cloud: Cloud, bot: Bot) -> Any:
    """Calls the control API."""
    root = serve(cloud)
    return lambda path, **body: bot.http.post(f"{root}/sim/{path}", json=body, timeout=10).json()


def test_the_control_api_configures_the_account_and_acts_for_followers(cloud: Cloud, bot: Bot, control: Any) -> None:
    assert (
        control("official_account/account", mode="plain")["OFFICIAL_ACCOUNT_APP_ID"]
        == cloud.official_account.profile.app_id
    )
    assert control("official_account/account", mode="loud") == {
        "error": "mode: one of plain, compatible, safe is expected"
    }
    assert control("official_account/followers", openid="o2", name="孙师傅") == {"followers": ["o1", "o2"]}
    assert control("official_account/follow", **{"from": "o2", "scene": "12345678"})["status"] == 200
    assert control("say", **{"from": "o2", "text": "你好"})["status"] == 200
    assert control("official_account/unfollow", **{"from": "o2"})["status"] == 200
    assert [("qrscene_12345678" in body, "你好" in body, "unsubscribe" in body) for _, body in bot.posted] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    follower = bot.http.get(f"{cloud.url}/sim/phones/o2", timeout=10).json()
    assert (follower["name"], follower["follows"], follower["heard"]) == ("孙师傅", False, [])
    assert control("official_account/trouble", raw_films=True)["raw_films"] is True
    assert control("official_account/scan", **{"from": "nobody", "scene": "1"}) == {
        "error": "from: no follower 'nobody'"
    }
    assert "孙师傅" in bot.http.get(cloud.url, timeout=10).text
