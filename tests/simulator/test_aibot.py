"""The smart bot's gateway: login, messages, replies, cards and uploads."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bot.devtools.simulator import Cloud, serve, serve_aibot
from tests.simulator.conftest import ManualClock, card

CHAT = "wrGroup_A"


class Bot:
    """A connection of a bot."""

    def __init__(self, cloud: Cloud) -> None:
        assert cloud.aibot.gateway is not None
        self.socket: ClientConnection = connect(cloud.aibot.gateway.url, ping_interval=None, legacy=True)
        self.cloud, self._number = cloud, 0

    def request(self, cmd: str, body: Any = None, req_id: str | None = None) -> dict[str, Any]:
        self._number += 1
        frame = {"cmd": cmd, "headers": {"req_id": req_id or f"r{self._number}"}}
        self.socket.send(json.dumps(frame if body is None else {**frame, "body": body}))
        return self.receive()

    def receive(self) -> dict[str, Any]:
        return json.loads(self.socket.recv(timeout=10))

    def log_in(self, secret: str | None = None) -> int:
        bot = self.cloud.aibot.identity
        return self.request("aibot_subscribe", {"bot_id": bot.bot_id, "secret": secret or bot.secret})["errcode"]

    def sends(self, text: str = "好", to: str = CHAT, **more: Any) -> int:
        body = {"chatid": to, "msgtype": "markdown", "markdown": {"content": text}, **more}
        return self.request("aibot_send_msg", body)["errcode"]

    def responds(self, req_id: str, text: str = "好") -> int:
        return self.request("aibot_respond_msg", {"msgtype": "markdown", "markdown": {"content": text}}, req_id)[
            "errcode"
        ]


@pytest.fixture
def bot(cloud: Cloud) -> Iterator[Bot]:
    serve(cloud)
    serve_aibot(cloud)
    cloud.aibot.add_chat(CHAT, "夜巡群", ("zhangsan", "lisi"))
    bot = Bot(cloud)
    assert bot.log_in() == 0
    yield bot
    bot.socket.close()


def test_commands_before_the_login_are_rejected(cloud: Cloud) -> None:
    serve_aibot(cloud)
    stranger = Bot(cloud)
    assert stranger.request("ping")["errcode"] == 846609
    assert stranger.log_in("wrong") == 40001
    assert stranger.log_in() == 0
    assert stranger.request("ping")["errcode"] == 0
    stranger.socket.close()


def test_repeated_logins_are_rate_limited(cloud: Cloud) -> None:
    serve_aibot(cloud)
    stranger = Bot(cloud)
    assert [stranger.log_in("wrong") for _ in range(21)][-1] == 45009
    stranger.socket.close()


def test_a_new_login_closes_the_previous_connection(cloud: Cloud, bot: Bot) -> None:
    other = Bot(cloud)
    assert other.log_in() == 0
    assert bot.receive()["body"]["event"]["eventtype"] == "disconnected_event"
    with pytest.raises(ConnectionClosed):
        bot.receive()
    assert other.sends() == 0
    other.socket.close()


def test_a_message_without_a_connection_is_lost(cloud: Cloud, bot: Bot) -> None:
    bot.socket.close()
    assert cloud.aibot.says("zhangsan", "1").status == 0


def test_only_a_group_message_contains_the_mention(cloud: Cloud, bot: Bot) -> None:
    cloud.aibot.says("zhangsan", "1号", CHAT)
    body = bot.receive()["body"]
    assert (body["chattype"], body["chatid"], body["text"]["content"]) == ("group", CHAT, "@夜巡机器人 1号")
    cloud.aibot.says("zhangsan", "1号")
    body = bot.receive()["body"]
    assert (body["chattype"], "chatid" in body, body["text"]["content"]) == ("single", False, "1号")


def test_a_fourth_unanswered_message_is_not_delivered(cloud: Cloud, bot: Bot) -> None:
    callbacks = [cloud.aibot.says("zhangsan", str(number)) for number in range(4)]
    assert [each.delivered for each in callbacks] == [True, True, True, False]
    assert cloud.aibot.says("lisi", "1").delivered
    for _ in range(4):
        bot.receive()
    assert bot.responds(callbacks[0].req_id) == 0
    assert cloud.aibot.says("zhangsan", "5").delivered


def test_a_film_over_100_mb_is_not_delivered(cloud: Cloud, bot: Bot, tmp_path: Any) -> None:
    film = tmp_path / "big.mp4"
    with film.open("wb") as file:
        file.truncate(100 * 1024 * 1024 + 1)
    assert not cloud.aibot.sends_film("zhangsan", film).delivered


def test_media_urls_expire_after_five_minutes(cloud: Cloud, bot: Bot, clock: ManualClock) -> None:
    cloud.aibot.sends_film("zhangsan", b"0123456789" * 10)
    video = bot.receive()["body"]["video"]
    whole = requests.get(video["url"], timeout=5)
    assert (len(whole.content), len(whole.content) % 32) == (128, 0)
    assert requests.get(video["url"], headers={"Range": "bytes=100-"}, timeout=5).content == whole.content[100:]
    assert requests.get(video["url"] + "x", timeout=5).status_code == 404
    clock.advance(300)
    assert requests.get(video["url"], timeout=5).status_code == 403


def test_a_reply_needs_a_message_of_the_last_24_hours(cloud: Cloud, bot: Bot, clock: ManualClock) -> None:
    callback = cloud.aibot.says("zhangsan", "1")
    bot.receive()
    assert bot.responds("unknown") == 846605
    assert [bot.responds(callback.req_id), bot.responds(callback.req_id)] == [0, 0]
    clock.advance(24 * 3600)
    assert bot.responds(callback.req_id) == 846605


def test_a_stream_ends_within_six_minutes(cloud: Cloud, bot: Bot, clock: ManualClock) -> None:
    callback = cloud.aibot.says("zhangsan", "1")
    bot.receive()
    stream = {"id": "s", "content": "一", "finish": False}
    assert bot.request("aibot_respond_msg", {"msgtype": "stream", "stream": stream}, callback.req_id)["errcode"] == 0
    clock.advance(360)
    late = {"msgtype": "stream", "stream": {**stream, "finish": True}}
    assert bot.request("aibot_respond_msg", late, callback.req_id)["errcode"] == 846608


def test_msgtype_text_is_rejected_except_in_a_welcome(cloud: Cloud, bot: Bot, clock: ManualClock) -> None:
    assert (
        bot.request("aibot_send_msg", {"chatid": CHAT, "msgtype": "text", "text": {"content": "x"}})["errcode"] == 40008
    )
    entered = cloud.aibot.enters("zhangsan")
    bot.receive()
    welcome = {"msgtype": "text", "text": {"content": "您好"}}
    assert bot.request("aibot_respond_welcome_msg", welcome, entered.req_id)["errcode"] == 0
    clock.advance(5)
    assert bot.request("aibot_respond_welcome_msg", welcome, entered.req_id)["errcode"] == 846605


def test_a_push_to_an_unknown_chat_is_rejected(cloud: Cloud, bot: Bot) -> None:
    assert [bot.sends(to="zhangsan"), bot.sends(to=CHAT.lower()), bot.sends()] == [93006, 93006, 0]
    cloud.aibot.says("zhangsan", "1")
    bot.receive()
    assert [bot.sends(to="zhangsan"), bot.sends(to="zhangsan", chat_type=2)] == [0, 93006]


def test_thirty_messages_a_minute_and_a_thousand_an_hour_are_allowed_per_chat(
    cloud: Cloud, bot: Bot, clock: ManualClock
) -> None:
    assert [bot.sends() for _ in range(31)] == [0] * 30 + [45009]
    for _ in range(33):
        clock.advance(60)
        errcodes = [bot.sends() for _ in range(30)]
    assert errcodes.count(45009) == 20


def test_a_card_can_be_updated_within_five_seconds_of_a_click(cloud: Cloud, bot: Bot, clock: ManualClock) -> None:
    assert (
        bot.request("aibot_send_msg", {"chatid": CHAT, "msgtype": "template_card", "template_card": card()}) is not None
    )
    card_copy = cloud.aibot.chats[CHAT].received[0].card
    assert card_copy is not None
    pressed = cloud.aibot.presses("zhangsan", card_copy, "ack")
    click = bot.receive()["body"]["event"]["template_card_event"]
    assert (click["event_key"], click["task_id"]) == ("ack", "alert-1")

    def update(task_id: str) -> int:
        body = {"response_type": "update_template_card", "template_card": {**card(task_id), "replace_text": "好了"}}
        return bot.request("aibot_respond_update_msg", body, pressed.req_id)["errcode"]

    assert [update("another"), update("alert-1"), card_copy.replacement_text] == [40058, 0, "好了"]
    clock.advance(5)
    assert update("alert-1") == 846605


def test_a_task_id_is_unique(cloud: Cloud, bot: Bot) -> None:
    body = {"chatid": CHAT, "msgtype": "template_card", "template_card": card()}
    assert [bot.request("aibot_send_msg", body)["errcode"] for _ in range(2)] == [0, 40058]


def start_upload(bot: Bot, data: bytes, chunks: int = 1, **more: Any) -> dict[str, Any]:
    md5 = hashlib.md5(data).hexdigest()
    fields = {"type": "file", "filename": "a.bin", "total_size": len(data), "total_chunks": chunks, "md5": md5}
    return bot.request("aibot_upload_media_init", {**fields, **more})


def add_chunk(bot: Bot, upload_id: str, index: int, data: bytes) -> int:
    chunk = {"upload_id": upload_id, "chunk_index": index, "base64_data": base64.b64encode(data).decode()}
    return bot.request("aibot_upload_media_chunk", chunk)["errcode"]


def test_chunks_are_accepted_in_any_order_and_checked_at_the_end(cloud: Cloud, bot: Bot) -> None:
    data = bytes(range(200)) * 4000
    first, second = data[: 512 * 1024], data[512 * 1024 :]
    upload_id = start_upload(bot, data, 2)["body"]["upload_id"]
    assert add_chunk(bot, upload_id, 1, second) == 0
    assert bot.request("aibot_upload_media_finish", {"upload_id": upload_id})["errcode"] == 40058
    assert [
        add_chunk(bot, upload_id, 0, first),
        add_chunk(bot, upload_id, 0, b"ignored"),
        add_chunk(bot, upload_id, 2, first),
    ] == [0, 0, 40058]
    body = bot.request("aibot_upload_media_finish", {"upload_id": upload_id})["body"]
    assert cloud.media.find(body["media_id"], cloud.now(), "aibot").read() == data


def test_uploads_have_limits(cloud: Cloud, bot: Bot, clock: ManualClock) -> None:
    assert start_upload(bot, b"x" * 10, 101)["errcode"] == 40058
    assert start_upload(bot, b"x" * 10, total_size=21 * 1024 * 1024, total_chunks=42)["errcode"] == 45001
    upload_id = start_upload(bot, b"x" * 10)["body"]["upload_id"]
    assert add_chunk(bot, upload_id, 0, b"x" * (512 * 1024 + 1)) == 40058
    other = start_upload(bot, b"x" * 10, md5="0" * 32)["body"]["upload_id"]
    assert add_chunk(bot, other, 0, b"x" * 10) == 0
    assert bot.request("aibot_upload_media_finish", {"upload_id": other})["errcode"] == 40058
    clock.advance(1800)
    assert add_chunk(bot, upload_id, 0, b"x" * 10) == 40058


def test_invalid_frames_are_violations(cloud: Cloud, bot: Bot) -> None:
    bot.socket.send("no JSON")
    bot.socket.send("[]")
    assert bot.request("aibot_dance")["errcode"] == 40058
    assert len(cloud.violations) == 3
