"""Many who watch at once, over the server as it is: nobody takes a thread, and everybody hears of a change."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from bot.server import WEB_THREADS, start_web_server
from bot.web import live
from tests.bot.parts import until
from tests.bot.processes import free_port
from tests.web.parts import Room, room

MANY = 100


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Room, str]]:
    """The county's dashboard on a port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with room(tmp_path, settings={"PUBLIC_URL": url, "PORT": str(port)}) as made:
        close = start_web_server(made.story.bot.web, made.story.bot.config)
        yield made, url
        close()


@contextmanager
def watching(url: str, cookie: str, version: str = "1.1") -> Iterator[socket.socket]:
    """A connection that watches."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        request = f"GET /tonight/live HTTP/{version}\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n"
        connection.sendall(request.encode())
        yield connection


def heard(connection: socket.socket, words: bytes, so_far: bytes = b"") -> bytes:
    """What came on a connection until certain words had come."""
    while words not in so_far:
        piece = connection.recv(65536)
        assert piece, so_far
        so_far += piece
    return so_far


def test_a_hundred_watch_and_the_others_are_served_as_if_they_were_not_there(served: tuple[Room, str]) -> None:
    made, url = served
    cookie = made.signed_in("leader").cookie
    with ExitStack() as stack:
        connections = [stack.enter_context(watching(url, cookie)) for _ in range(MANY)]
        for each in connections:
            assert b"text/event-stream" in heard(each, b"\n\n\r\n")
        assert MANY > WEB_THREADS
        assert requests.get(f"{url}/", headers={"Cookie": cookie}, timeout=5).status_code == 200
        made.story.time("00:10")
        made.story.says("p1", "1")
        made.story.film("p1")
        made.story.hears("p1")
        for each in connections:
            assert b"event: tonight" in heard(each, b"data: ")
        assert requests.get(f"{url}/health/live", timeout=5).status_code == 200


def test_an_old_proxy_hears_it_too(served: tuple[Room, str]) -> None:
    """One that speaks HTTP/1.0 to us, as nginx did for twenty years."""
    made, url = served
    with watching(url, made.signed_in("leader").cookie, "1.0") as connection:
        heard(connection, b"data: ")
        made.story.time("00:10")
        made.story.says("staff", "今晚")
        made.story.hears("staff")
        assert b"event: tonight" in heard(connection, b"data: ")


def test_who_goes_away_is_forgotten_and_the_watch_ends_with_the_last(
    served: tuple[Room, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_EVERY_S", 0.05)
    monkeypatch.setattr(live, "_SIGN_OF_LIFE_S", 0.0)
    made, url = served
    watch: live.SnapshotCache = made.story.bot.web.extensions["patrol_watch"]
    with watching(url, made.signed_in("leader").cookie) as connection:
        heard(connection, b"data: ")
        until(lambda: watch.subscriber_count == 1)
    until(lambda: watch.subscriber_count == 0 and not watch.is_running)


def test_nobody_watches_for_ever_on_one_look_at_his_sign_in(
    served: tuple[Room, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_EVERY_S", 0.05)
    monkeypatch.setattr(live, "_SIGN_OF_LIFE_S", 0.0)
    monkeypatch.setattr(live, "_LONGEST_S", 0.2)
    made, url = served
    with watching(url, made.signed_in("leader").cookie) as connection:
        assert heard(connection, b"\r\n0\r\n\r\n").endswith(b"0\r\n\r\n")
        assert connection.recv(1) == b""


def test_whatever_is_said_fast_comes_whole_and_in_order(served: tuple[Room, str]) -> None:
    """What is written comes from another thread than the one that sends it on."""
    made, url = served
    watch: live.SnapshotCache = made.story.bot.web.extensions["patrol_watch"]
    with watching(url, made.signed_in("leader").cookie, "1.0") as connection:
        heard(connection, b"data: ")
        until(lambda: watch.subscriber_count == 1)
        words = [b": %d\n\n" % number for number in range(3000)]
        for each in words:
            watch.broadcast(each)
        came = heard(connection, words[-1])
    numbers = [int(line[2:]) for line in came.splitlines() if line.startswith(b": ")]
    assert numbers == list(range(3000))
