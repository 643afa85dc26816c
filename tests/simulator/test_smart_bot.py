"""The smart bot's gateway is as strict as the protocol sheet, section 7."""

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
from tests.simulator.conftest import HandClock, card

CHAT = "wrGroup_A"


class Bot:
    """A connection with frames said and heard by hand."""

    def __init__(self, cloud: Cloud) -> None:
        assert cloud.aibot.gateway is not None
        self.socket: ClientConnection = connect(cloud.aibot.gateway.url, ping_interval=None, legacy=True)
        self.cloud, self._number = cloud, 0

    def ask(self, cmd: str, body: Any = None, req_id: str | None = None) -> dict[str, Any]:
        self._number += 1
        frame = {"cmd": cmd, "headers": {"req_id": req_id or f"r{self._number}"}}
        self.socket.send(json.dumps(frame if body is None else {**frame, "body": body}))
        return self.hear()

    def hear(self) -> dict[str, Any]:
        return json.loads(self.socket.recv(timeout=10))

    def log_in(self, secret: str | None = None) -> int:
        bot = self.cloud.aibot.identity
        return self.ask("aibot_subscribe", {"bot_id": bot.bot_id, "secret": secret or bot.secret})["errcode"]

    def says(self, text: str = "好", to: str = CHAT, **more: Any) -> int:
        body = {"chatid": to, "msgtype": "markdown", "markdown": {"content": text}, **more}
        return self.ask("aibot_send_msg", body)["errcode"]

    def answers(self, req_id: str, text: str = "好") -> int:
        return self.ask("aibot_respond_msg", {"msgtype": "markdown", "markdown": {"content": text}}, req_id)["errcode"]


@pytest.fixture
def bot(cloud: Cloud) -> Iterator[Bot]:
    serve(cloud)
    serve_aibot(cloud)
    cloud.aibot.add_chat(CHAT, "夜巡群", ("zhangsan", "lisi"))
    made = Bot(cloud)
    assert made.log_in() == 0
    yield made
    made.socket.close()


def test_nothing_is_done_before_the_log_in(cloud: Cloud) -> None:
    serve_aibot(cloud)
    stranger = Bot(cloud)
    assert stranger.ask("ping")["errcode"] == 846609
    assert stranger.log_in("wrong") == 40001
    assert stranger.log_in() == 0
    assert stranger.ask("ping")["errcode"] == 0
    stranger.socket.close()


def test_log_ins_in_a_loop_are_refused(cloud: Cloud) -> None:
    serve_aibot(cloud)
    stranger = Bot(cloud)
    assert [stranger.log_in("wrong") for _ in range(21)][-1] == 45009
    stranger.socket.close()


def test_the_newest_log_in_ends_the_one_before(cloud: Cloud, bot: Bot) -> None:
    other = Bot(cloud)
    assert other.log_in() == 0
    assert bot.hear()["body"]["event"]["eventtype"] == "disconnected_event"
    with pytest.raises(ConnectionClosed):
        bot.hear()
    assert other.says() == 0
    other.socket.close()


def test_what_nobody_is_there_to_hear_is_lost(cloud: Cloud, bot: Bot) -> None:
    bot.socket.close()
    assert cloud.aibot.says("zhangsan", "1").status == 0


def test_a_group_message_carries_the_mention_and_a_single_one_none(cloud: Cloud, bot: Bot) -> None:
    cloud.aibot.says("zhangsan", "1号", CHAT)
    body = bot.hear()["body"]
    assert (body["chattype"], body["chatid"], body["text"]["content"]) == ("group", CHAT, "@夜巡机器人 1号")
    cloud.aibot.says("zhangsan", "1号")
    body = bot.hear()["body"]
    assert (body["chattype"], "chatid" in body, body["text"]["content"]) == ("single", False, "1号")


def test_a_fourth_message_under_way_never_arrives(cloud: Cloud, bot: Bot) -> None:
    said = [cloud.aibot.says("zhangsan", str(number)) for number in range(4)]
    assert [each.delivered for each in said] == [True, True, True, False]
    assert cloud.aibot.says("lisi", "1").delivered
    for _ in range(4):
        bot.hear()
    assert bot.answers(said[0].req_id) == 0
    assert cloud.aibot.says("zhangsan", "5").delivered


def test_a_film_over_100_mb_never_arrives(cloud: Cloud, bot: Bot, tmp_path: Any) -> None:
    film = tmp_path / "big.mp4"
    with film.open("wb") as file:
        file.truncate(100 * 1024 * 1024 + 1)
    assert not cloud.aibot.sends_film("zhangsan", film).delivered


def test_media_die_after_five_minutes(cloud: Cloud, bot: Bot, clock: HandClock) -> None:
    cloud.aibot.sends_film("zhangsan", b"0123456789" * 10)
    video = bot.hear()["body"]["video"]
    whole = requests.get(video["url"], timeout=5)
    assert (len(whole.content), len(whole.content) % 32) == (128, 0)
    assert requests.get(video["url"], headers={"Range": "bytes=100-"}, timeout=5).content == whole.content[100:]
    assert requests.get(video["url"] + "x", timeout=5).status_code == 404
    clock.turn(300)
    assert requests.get(video["url"], timeout=5).status_code == 403


def test_an_answer_needs_a_message_of_the_last_24_hours(cloud: Cloud, bot: Bot, clock: HandClock) -> None:
    said = cloud.aibot.says("zhangsan", "1")
    bot.hear()
    assert bot.answers("unheard of") == 846605
    assert [bot.answers(said.req_id), bot.answers(said.req_id)] == [0, 0]
    clock.turn(24 * 3600)
    assert bot.answers(said.req_id) == 846605


def test_a_stream_ends_within_six_minutes(cloud: Cloud, bot: Bot, clock: HandClock) -> None:
    said = cloud.aibot.says("zhangsan", "1")
    bot.hear()
    stream = {"id": "s", "content": "一", "finish": False}
    assert bot.ask("aibot_respond_msg", {"msgtype": "stream", "stream": stream}, said.req_id)["errcode"] == 0
    clock.turn(360)
    late = {"msgtype": "stream", "stream": {**stream, "finish": True}}
    assert bot.ask("aibot_respond_msg", late, said.req_id)["errcode"] == 846608


def test_text_is_refused_but_for_the_welcome(cloud: Cloud, bot: Bot, clock: HandClock) -> None:
    assert bot.ask("aibot_send_msg", {"chatid": CHAT, "msgtype": "text", "text": {"content": "x"}})["errcode"] == 40008
    entered = cloud.aibot.enters("zhangsan")
    bot.hear()
    welcome = {"msgtype": "text", "text": {"content": "您好"}}
    assert bot.ask("aibot_respond_welcome_msg", welcome, entered.req_id)["errcode"] == 0
    clock.turn(5)
    assert bot.ask("aibot_respond_welcome_msg", welcome, entered.req_id)["errcode"] == 846605


def test_a_push_reaches_known_chats_only(cloud: Cloud, bot: Bot) -> None:
    assert [bot.says(to="zhangsan"), bot.says(to=CHAT.lower()), bot.says()] == [93006, 93006, 0]
    cloud.aibot.says("zhangsan", "1")
    bot.hear()
    assert [bot.says(to="zhangsan"), bot.says(to="zhangsan", chat_type=2)] == [0, 93006]


def test_thirty_a_minute_and_a_thousand_an_hour_per_chat(cloud: Cloud, bot: Bot, clock: HandClock) -> None:
    assert [bot.says() for _ in range(31)] == [0] * 30 + [45009]
    for _ in range(33):
        clock.turn(60)
        found = [bot.says() for _ in range(30)]
    assert found.count(45009) == 20


def test_a_card_changes_within_five_seconds_of_its_click(cloud: Cloud, bot: Bot, clock: HandClock) -> None:
    assert bot.ask("aibot_send_msg", {"chatid": CHAT, "msgtype": "template_card", "template_card": card()}) is not None
    shown = cloud.aibot.chats[CHAT].received[0].card
    assert shown is not None
    pressed = cloud.aibot.presses("zhangsan", shown, "ack")
    told = bot.hear()["body"]["event"]["template_card_event"]
    assert (told["event_key"], told["task_id"]) == ("ack", "alert-1")

    def changed(task_id: str) -> int:
        body = {"response_type": "update_template_card", "template_card": {**card(task_id), "replace_text": "好了"}}
        return bot.ask("aibot_respond_update_msg", body, pressed.req_id)["errcode"]

    assert [changed("another"), changed("alert-1"), shown.replacement_text] == [40058, 0, "好了"]
    clock.turn(5)
    assert changed("alert-1") == 846605


def test_a_task_id_serves_once(cloud: Cloud, bot: Bot) -> None:
    body = {"chatid": CHAT, "msgtype": "template_card", "template_card": card()}
    assert [bot.ask("aibot_send_msg", body)["errcode"] for _ in range(2)] == [0, 40058]


def init(bot: Bot, data: bytes, chunks: int = 1, **more: Any) -> dict[str, Any]:
    md5 = hashlib.md5(data).hexdigest()
    told = {"type": "file", "filename": "a.bin", "total_size": len(data), "total_chunks": chunks, "md5": md5}
    return bot.ask("aibot_upload_media_init", {**told, **more})


def put(bot: Bot, upload_id: str, index: int, data: bytes) -> int:
    piece = {"upload_id": upload_id, "chunk_index": index, "base64_data": base64.b64encode(data).decode()}
    return bot.ask("aibot_upload_media_chunk", piece)["errcode"]


def test_chunks_come_in_any_order_and_are_checked_at_the_end(cloud: Cloud, bot: Bot) -> None:
    data = bytes(range(200)) * 4000
    first, second = data[: 512 * 1024], data[512 * 1024 :]
    upload_id = init(bot, data, 2)["body"]["upload_id"]
    assert put(bot, upload_id, 1, second) == 0
    assert bot.ask("aibot_upload_media_finish", {"upload_id": upload_id})["errcode"] == 40058
    assert [put(bot, upload_id, 0, first), put(bot, upload_id, 0, b"ignored"), put(bot, upload_id, 2, first)] == [
        0,
        0,
        40058,
    ]
    body = bot.ask("aibot_upload_media_finish", {"upload_id": upload_id})["body"]
    assert cloud.media.find(body["media_id"], cloud.now(), "aibot").read() == data


def test_uploads_have_their_limits(cloud: Cloud, bot: Bot, clock: HandClock) -> None:
    assert init(bot, b"x" * 10, 101)["errcode"] == 40058
    assert init(bot, b"x" * 10, total_size=21 * 1024 * 1024, total_chunks=42)["errcode"] == 45001
    upload_id = init(bot, b"x" * 10)["body"]["upload_id"]
    assert put(bot, upload_id, 0, b"x" * (512 * 1024 + 1)) == 40058
    other = init(bot, b"x" * 10, md5="0" * 32)["body"]["upload_id"]
    assert put(bot, other, 0, b"x" * 10) == 0
    assert bot.ask("aibot_upload_media_finish", {"upload_id": other})["errcode"] == 40058
    clock.turn(1800)
    assert put(bot, upload_id, 0, b"x" * 10) == 40058


def test_frames_that_are_none_are_left_alone(cloud: Cloud, bot: Bot) -> None:
    bot.socket.send("no JSON")
    bot.socket.send("[]")
    assert bot.ask("aibot_dance")["errcode"] == 40058
    assert len(cloud.violations) == 3
