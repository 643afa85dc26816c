"""The platform's own libraries talk to the simulated cloud without a change: `make test-interop`.

What the cloud gets wrong about the smart bot or the callback's cipher would show here, for both sides were written by
other hands: the SDK and the crypto package by the platform, the cloud from its documents.
"""

from __future__ import annotations

import hashlib
import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.devtools.simulator import Cloud, serve, serve_aibot
from bot.devtools.simulator.core.crypto import decrypt

HERE = Path(__file__).parent
CHAT = "wrInterop_1"


class Node:
    """A script of this folder as a process: what it tells, line by line, and what it is told."""

    def __init__(self, script: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            ["node", script, *arguments], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.put(json.loads(line))

    def hears(self, event: str) -> dict[str, Any]:
        """Wait for an event; another one meanwhile is a failure."""
        told = self._told.get(timeout=20)
        assert told["event"] == event, told
        return told

    def do(self, what: str, **how: Any) -> None:
        """Let it do something, and wait until it has."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **how}) + "\n")
        self._process.stdin.flush()
        if what != "end":
            assert self.hears("done")["did"] == what

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait(timeout=10)
        self._reader.join(timeout=10)
        self._process.stdout.close()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        serve(cloud)
        serve_aibot(cloud)
        cloud.add_member("zhangsan", "张三")
        cloud.aibot.add_chat(CHAT, "夜巡群", ("zhangsan",))
        yield cloud


def started(cloud: Cloud) -> Node:
    settings = cloud.aibot.settings
    names = ("WECOM_AIBOT_URL", "WECOM_AIBOT_ID", "WECOM_AIBOT_SECRET")
    return Node("aibot.mjs", *(settings[name] for name in names))


@pytest.fixture
def bot(cloud: Cloud) -> Iterator[Node]:
    made = started(cloud)
    try:
        made.hears("authenticated")
        yield made
    finally:
        made.close()


def test_a_text_is_answered_by_a_stream_and_a_card(cloud: Cloud, bot: Node) -> None:
    assert cloud.aibot.says("zhangsan", "1号", CHAT).delivered
    assert bot.hears("text")["text"] == "@夜巡机器人 1号"
    bot.hears("answered")
    stream, card = cloud.aibot.chats[CHAT].received
    assert (stream.msgtype, stream.text) == ("stream", "收到：@夜巡机器人 1号")
    assert card.card is not None
    cloud.aibot.presses("zhangsan", card.card, "ack")
    assert bot.hears("updated")["key"] == "ack"
    assert card.card.replacement_text == "已知悉"
    assert cloud.violations == []


@pytest.mark.parametrize("size", [1, 31, 32, 33, 1_000_003])
def test_a_film_is_fetched_and_decrypted(cloud: Cloud, bot: Node, size: int) -> None:
    film = bytes(range(256)) * (size // 256 + 1)
    cloud.aibot.sends_film("zhangsan", film[:size], "巡检.mp4")
    told = bot.hears("video")
    assert (told["bytes"], told["sha256"]) == (size, hashlib.sha256(film[:size]).hexdigest())
    assert told["filename"] == "巡检.mp4"
    bot.hears("answered")
    assert cloud.phone("zhangsan").texts == ["**video**"]


def test_a_quoted_film_is_fetched_and_decrypted(cloud: Cloud, bot: Node) -> None:
    cloud.aibot.says("zhangsan", "2号", CHAT, quote=cloud.aibot.posts_unmentioned(b"a film of the group"))
    bot.hears("text")
    assert bot.hears("quoted")["bytes"] == 19
    bot.hears("answered")


def test_a_user_who_enters_is_welcomed(cloud: Cloud, bot: Node) -> None:
    cloud.aibot.enters("zhangsan")
    bot.hears("welcomed")
    assert cloud.phone("zhangsan").texts == ["您好"]


def test_it_speaks_by_itself_and_sends_files_in_chunks(cloud: Cloud, bot: Node) -> None:
    bot.do("send", chat=CHAT, text="今晚夜巡")
    bot.do("upload", chat=CHAT, bytes=1_300_000)
    text, file = cloud.aibot.chats[CHAT].received
    assert (text.text, file.text, file.msgtype) == ("今晚夜巡", "日报.xlsx", "file")
    media = cloud.media.find(file.media_id, cloud.now(), "aibot")
    assert media.read() == b"\x07" * 1_300_000


def test_it_comes_back_after_a_broken_connection(cloud: Cloud, bot: Node) -> None:
    assert cloud.aibot.gateway is not None
    cloud.aibot.gateway.drop_connection()
    bot.hears("disconnected")
    bot.hears("authenticated")
    bot.do("send", chat=CHAT, text="又在了")
    assert cloud.aibot.chats[CHAT].texts == ["又在了"]


def test_the_loser_of_a_second_login_stays_away(cloud: Cloud, bot: Node) -> None:
    other = started(cloud)
    try:
        other.hears("authenticated")
        assert "New connection" in bot.hears("disconnected")["reason"]
        other.do("send", chat=CHAT, text="我来了")
        assert (cloud.aibot.login_count, cloud.aibot.kick_count) == (2, 1)
    finally:
        other.close()


def test_a_wrong_secret_is_refused(cloud: Cloud) -> None:
    settings = cloud.aibot.settings
    made = Node("aibot.mjs", settings["WECOM_AIBOT_URL"], settings["WECOM_AIBOT_ID"], "another secret")
    try:
        assert "Authentication failed" in made.hears("error")["message"]
    finally:
        made.close()


def test_callbacks_open_with_the_platforms_own_cipher(cloud: Cloud) -> None:
    made = Node("callback.mjs", cloud.app.token, cloud.app.encoding_aes_key)
    try:
        cloud.configure(callback_url=f"http://127.0.0.1:{made.hears('listening')['port']}/")
        assert cloud.verify_url()
        sent = cloud.phone("zhangsan").says("一号罐区正常")
        told = made.hears("heard")
        assert (told["message"], told["id"]) == (sent.xml, cloud.app.corp_id)
        assert sent.status == 200
        assert decrypt(cloud.app.encoding_aes_key, told["again"]) == (sent.xml.encode(), cloud.app.corp_id)
    finally:
        made.close()
