"""The Official Account: three modes, a window of five, films by a second address (protocol sheet, section 10)."""

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
    """What a bot does at the account, with plain requests."""

    def __init__(self, cloud: Cloud) -> None:
        self.account, self.root = cloud.official_account, serve_official_account(cloud) + "/cgi-bin/"
        self.http = requests.Session()
        self.http.trust_env = False
        self.posted: list[tuple[dict[str, str], str]] = []
        self.account.callback_sender.transport = self.hear

    def hear(self, query: str, body: bytes) -> int:
        self.posted.append(({name: values[0] for name, values in parse_qs(query).items()}, body.decode()))
        return 200

    def stable(self, **more: Any) -> dict[str, Any]:
        account = self.account.profile
        asked = {"grant_type": "client_credential", "appid": account.app_id, "secret": account.secret} | more
        return self.http.post(self.root + "stable_token", json=asked, timeout=10).json()

    def post(self, path: str, body: Any) -> dict[str, Any]:
        params = {"access_token": self.stable()["access_token"]}
        return self.http.post(self.root + path, params=params, json=body, timeout=10).json()

    def media(self, media_id: str | None, **more: str) -> requests.Response:
        params = {"access_token": self.stable()["access_token"], "media_id": media_id, **more}
        return self.http.get(self.root + "media/get", params=params, timeout=10)

    def tells(self, words: str = "好", to: str = "o1") -> int:
        return int(
            self.post("message/custom/send", {"touser": to, "msgtype": "text", "text": {"content": words}})["errcode"]
        )

    def notifies(self, to: str = "o1", template_id: str = REMINDER_TEMPLATE.template_id, **data: str) -> dict[str, Any]:
        filled = {"thing1": "夜巡还差罐区", "time2": "2026年11月24日 01:37", "thing3": "请补拍"} | data
        values = {name: {"value": value} for name, value in filled.items()}
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
def test_what_is_posted_in_each_mode(bot: Bot, qian: FollowerPhone, mode: str) -> None:
    bot.account.configure(mode=mode)
    qian.says("你好")
    [(query, body)] = bot.posted
    assert signed(bot, query)
    assert ("你好" in body) == (mode != "safe")
    assert ("Encrypt" in body) == (mode != "plain") == (query.get("encrypt_type") == "aes")
    if mode != "plain":
        ciphertext = body.partition("<Encrypt><![CDATA[")[2].partition("]]>")[0]
        account = bot.account.profile
        assert query["msg_signature"] == crypto.sign(account.token, query["timestamp"], query["nonce"], ciphertext)
        plain, receiver = crypto.decrypt(account.encoding_aes_key, ciphertext)
        assert ("你好" in plain.decode(), receiver) == (True, account.app_id)


def test_a_token_is_stable_until_it_is_to_be_another(bot: Bot) -> None:
    first = bot.stable()
    assert bot.stable()["access_token"] == first["access_token"]
    assert bot.stable(force_refresh=True)["access_token"] != first["access_token"]
    assert bot.stable(secret="wrong")["errcode"] == 40125
    bot.account.ip_allowed = False
    assert bot.stable()["errcode"] == 40164


def test_five_answers_in_48_hours_after_words_and_three_in_a_minute_after_a_touch(
    bot: Bot, qian: FollowerPhone, clock: Any
) -> None:
    assert bot.tells() == 45015
    qian.says("在吗")
    assert [bot.tells() for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    qian.says("在吗")
    clock.turn(48 * HOUR)
    assert bot.tells() == 45015
    qian.clicks("MENU")
    assert [bot.tells() for _ in range(4)] == [0, 0, 0, 45047]
    qian.follows()
    clock.turn(60)
    assert bot.tells() == 45015


def test_who_does_not_follow_hears_nothing(bot: Bot, qian: FollowerPhone) -> None:
    qian.says("在吗")
    qian.unfollows()
    assert (bot.tells(), bot.notifies()["errcode"], bot.tells(to="nobody")) == (43004, 43004, 40003)
    assert qian.texts == []


def test_a_template_is_as_strict_as_its_fields(bot: Bot, qian: FollowerPhone) -> None:
    assert bot.notifies()["errcode"] == 0
    assert qian.texts == ["夜间巡检提醒\n夜巡还差罐区\n2026年11月24日 01:37\n请补拍"]
    refused = [bot.notifies(thing1="字" * 21), bot.notifies(time2="昨晚"), bot.notifies(thing3="")]
    assert [each["errcode"] for each in refused] == [47003, 47003, 47003]
    assert bot.notifies(template_id="other")["errcode"] == 40037
    bot.account.followers["o1"].blocks_templates = True
    assert bot.notifies()["errcode"] == 43101


def test_what_became_of_a_template_is_told_afterwards(bot: Bot, qian: FollowerPhone) -> None:
    bot.account.configure(mode="plain")
    msgid = bot.notifies()["msgid"]
    bot.account.send_template_results("failed:user block")
    assert (f"<MsgID>{msgid}</MsgID>" in bot.posted[0][1], "failed:user block" in bot.posted[0][1]) == (True, True)


def test_a_film_lies_at_a_second_address_for_a_while(bot: Bot, qian: FollowerPhone, clock: Any) -> None:
    sent = qian.sends_film(b"film" * 100)
    address = bot.media(sent.media_id).json()["video_url"]
    assert "localhost" in address
    assert bot.http.get(address, timeout=10).content == b"film" * 100
    clock.turn(1800)
    assert bot.http.get(address, timeout=10).status_code == 403
    assert bot.http.get(bot.media(sent.media_id).json()["video_url"], timeout=10).content == b"film" * 100
    clock.turn(3 * 24 * HOUR)
    assert bot.media(sent.media_id).json()["errcode"] == 40007


def test_a_token_has_nothing_to_seek_at_the_films_host(bot: Bot, qian: FollowerPhone, cloud: Cloud) -> None:
    address = bot.media(qian.sends_film(b"film").media_id).json()["video_url"]
    bot.http.get(f"{address}?access_token=secret", timeout=10)
    assert [each.description for each in cloud.violations] == ["an access token was sent to the host of films"]


def test_a_film_may_also_come_as_it_is_and_a_photo_always_does(bot: Bot, qian: FollowerPhone) -> None:
    bot.account.films_as_bytes = True
    assert bot.media(qian.sends_short_film(b"film").media_id).content == b"film"
    photo = bot.media(qian.sends_photo(b"\xff\xd8\xffphoto").media_id)
    assert (photo.content, "attachment" in photo.headers["Content-Disposition"]) == (b"\xff\xd8\xffphoto", True)


def test_saving_the_address_asks_for_the_echo_as_it_came(bot: Bot) -> None:
    asked: list[dict[str, str]] = []

    def echo(query: str) -> tuple[int, bytes]:
        asked.append({name: values[0] for name, values in parse_qs(query).items()})
        return 200, asked[0]["echostr"].encode()

    assert bot.account.callback_sender.verify_url(echo)
    assert signed(bot, asked[0])


@pytest.fixture
def ask(cloud: Cloud, bot: Bot) -> Any:
    """The control API, as another process would use it."""
    root = serve(cloud)
    return lambda path, **body: bot.http.post(f"{root}/sim/{path}", json=body, timeout=10).json()


def test_another_process_sets_the_account_up_and_speaks_for_its_followers(cloud: Cloud, bot: Bot, ask: Any) -> None:
    assert (
        ask("official_account/account", mode="plain")["OFFICIAL_ACCOUNT_APP_ID"]
        == cloud.official_account.profile.app_id
    )
    assert ask("official_account/account", mode="loud") == {"error": "mode: one of plain, compatible, safe is expected"}
    assert ask("official_account/followers", openid="o2", name="孙师傅") == {"followers": ["o1", "o2"]}
    assert ask("official_account/follow", **{"from": "o2", "scene": "12345678"})["status"] == 200
    assert ask("say", **{"from": "o2", "text": "你好"})["status"] == 200
    assert ask("official_account/unfollow", **{"from": "o2"})["status"] == 200
    assert [("qrscene_12345678" in body, "你好" in body, "unsubscribe" in body) for _, body in bot.posted] == [
        (True, False, False), (False, True, False), (False, False, True),
    ]  # fmt: skip
    seen = bot.http.get(f"{cloud.url}/sim/phones/o2", timeout=10).json()
    assert (seen["name"], seen["follows"], seen["heard"]) == ("孙师傅", False, [])
    assert ask("official_account/trouble", raw_films=True)["raw_films"] is True
    assert ask("official_account/scan", **{"from": "nobody", "scene": "1"}) == {"error": "from: no follower 'nobody'"}
    assert "孙师傅" in bot.http.get(cloud.url, timeout=10).text
