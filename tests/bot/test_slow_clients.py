"""Clients that read slowly, and pages that take long, over real connections: callbacks are still answered."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import pytest
import requests

from bot.devtools.simulator import Cloud
from bot.signed_links import SignedLinks
from bot.web.http_server import start_web_server
from storage.db.models import ContentItem
from tests.bot.parts import Edge, run_edge
from tests.bot.processes import free_port
from tests.harness import HandClock, config_for
from tests.holding_store import HoldingStore
from tests.places import Place, embedded_only

# Served by a directory: an S3 store serves its films itself.
pytestmark = embedded_only
# More than the server and the kernel take without the client reading.
FILM = os.urandom(1 << 20) * 24
CLIENTS = 20
PATIENCE_S = 1.0


@dataclass
class Site:
    """The bot behind its web server, with a safety film that opens for any client with the link."""

    edge: Edge
    objects: HoldingStore
    url: str
    film: str
    stack: ExitStack

    def opens(self, *requests: bytes) -> socket.socket:
        """A connection that has sent these requests and reads nothing yet."""
        address = urlsplit(self.url)
        connection = self.stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=20))
        connection.sendall(b"".join(requests))
        return connection

    def callback(self) -> int:
        """The status of a callback; raises requests.Timeout where it takes longer than the platform should wait."""
        query, body = self.edge.cloud.callback_sender.envelope(
            f"<xml><ToUserName>{self.edge.cloud.app.corp_id}</ToUserName><FromUserName>zhangsan</FromUserName>"
            f"<CreateTime>1795000000</CreateTime><MsgType>event</MsgType><Event>enter_agent</Event>"
            f"<EventKey>{uuid.uuid4().hex}</EventKey><AgentID>1</AgentID></xml>"
        )
        return requests.post(f"{self.url}/callbacks/wecom_app?{query}", body, timeout=PATIENCE_S).status_code

    def get(self, path: str, timeout: float = PATIENCE_S) -> int:
        return requests.get(f"{self.url}{path}", timeout=timeout).status_code


def get_request(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


@pytest.fixture
def site(tmp_path: Path, cloud: Cloud, clock: HandClock, place: Place) -> Iterator[Site]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    config = config_for(cloud, tmp_path, PORT=str(port), PUBLIC_URL=url)
    objects = HoldingStore(tmp_path / "objects")
    with ExitStack() as stack:
        edge = stack.enter_context(run_edge(tmp_path, cloud, clock, config, objects=objects))
        stack.callback(start_web_server(edge.bot.web, config))
        yield Site(edge, objects, url, store_film(edge, objects), stack)
        objects.released.set()


def store_film(edge: Edge, objects: HoldingStore) -> str:
    """The path of a safety film."""
    key = objects.store("content/film.mp4", FILM)
    with edge.bot.uow.transaction() as store:
        item = ContentItem(title="防火", kind="视频", object_key=key, added_at=edge.clock.instant)
        store.session.add(item)
        store.session.flush()
        return urlsplit(SignedLinks("", edge.bot.config.SECRET_KEY.get_secret_value()).content_url(item.link_id)).path


@pytest.mark.parametrize("header", ["Range: bytes=1-", "Accept: */*"])
def test_clients_that_read_slowly_do_not_delay_others(site: Site, header: str) -> None:
    slow = [site.opens(get_request(site.film, header)) for _ in range(CLIENTS)]
    assert all(each.recv(12).startswith(b"HTTP/1.1 20") for each in slow)
    assert [site.callback(), site.get("/health/live"), site.get("/login")] == [200, 200, 200]


def test_a_client_that_sends_its_next_request_too_early_gets_one_answer(site: Site) -> None:
    """No thread waits until the client has read it."""
    early = [site.opens(get_request(site.film), get_request(site.film)) for _ in range(CLIENTS)]
    assert all(each.recv(12) == b"HTTP/1.1 200" for each in early)
    assert [site.get("/login"), site.callback()] == [200, 200]
    with early[0].makefile("rb") as reader:
        assert b"Connection: close" in read_head(reader)
        assert reader.read() == FILM


def read_head(reader: BinaryIO) -> bytes:
    return b"".join(iter(reader.readline, b"\r\n"))


@pytest.mark.parametrize(
    "path",
    [
        "{film}",
        "//{film}",
        "callbacks/..{film}",
        "/callbacks/..{film}",
        "/callbacks/%2e%2e{film}",
        "/callbacks%2f..{film}",
        "{film}?/callbacks/",
        "{film}#/callbacks/",
        "http://x/callbacks/..{film}",
        "/health/live/..{film}",
    ],
)
def test_no_page_gets_the_threads_of_callbacks(site: Site, path: str) -> None:
    """Pages that take long, also where their path looks like that of a callback."""
    site.objects.released.clear()
    waiting = [site.opens(get_request(path.format(film=site.film))) for _ in range(CLIENTS)]
    assert [site.callback() for _ in range(5)] == [200] * 5
    assert site.get("/health/live") == 200
    site.objects.released.set()
    assert all(each.recv(9) == b"HTTP/1.1 " for each in waiting)


@pytest.mark.parametrize("path", ["/callbacks/wecom_app", "//callbacks/wecom_app", "/%63allbacks%2Fwecom_app"])
def test_callbacks_are_known_however_their_path_is_written(site: Site, path: str) -> None:
    site.objects.released.clear()
    for _ in range(CLIENTS):
        site.opens(get_request(site.film))
    callback = site.opens(get_request(path))
    callback.settimeout(PATIENCE_S)
    assert callback.recv(12) == b"HTTP/1.1 403"  # nothing is signed


def test_each_request_of_a_connection_gets_the_threads_of_its_own_path(site: Site) -> None:
    site.objects.released.clear()
    mixed = [
        site.opens(get_request("/callbacks/wecom_app"), get_request(site.film), get_request("/callbacks/wecom_app"))
        for _ in range(CLIENTS)
    ]
    assert all(each.recv(12) == b"HTTP/1.1 403" for each in mixed)
    assert site.callback() == 200
    site.objects.released.set()
    assert site.get("/login", timeout=10) == 200


def test_checks_of_readiness_hold_up_no_callback(site: Site) -> None:
    site.objects.released.clear()  # the check of the object store waits
    for _ in range(CLIENTS):
        site.opens(get_request("/health/ready"))
    assert [site.callback(), site.get("/health/live"), site.get("/login")] == [200, 200, 200]


def test_ranges_are_exact(site: Site) -> None:
    url, size = site.url + site.film, len(FILM)
    with requests.Session() as browser:  # one connection: nothing is left over between the answers
        for asked, start, end in (
            ("bytes=0-99", 0, 100),
            ("bytes=100-1000099", 100, 1_000_100),
            ("bytes=20000000-", 20_000_000, size),
            ("bytes=-50", size - 50, size),
            (f"bytes=5-{size + 5}", 5, size),
        ):
            answer = browser.get(url, headers={"Range": asked}, timeout=10)
            assert (answer.status_code, answer.content) == (206, FILM[start:end])
            assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert browser.get(url, timeout=10).content == FILM
        assert browser.get(url, headers={"Range": f"bytes={size}-"}, timeout=10).status_code == 416
        assert browser.head(url, headers={"Range": "bytes=1-"}, timeout=10).headers["Content-Length"] == str(size - 1)
