"""The client of WeCom's API: one token for all processes, resumable downloads, misleading answers detected."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug import Response
from werkzeug.serving import make_server

from bot.channels.errors import ChannelError, MediaGone, Misconfigured, OutcomeUnknown, Transient
from bot.channels.wecom_api import http
from bot.channels.wecom_api.client import ClientTimeouts, WeComClient
from bot.channels.wecom_api.media import DownloadLimits
from bot.devtools.simulator import Cloud
from tests.bot.parts import Edge, run_edge
from tests.harness import HandClock

MB = 1024 * 1024
FILM = bytes(range(256)) * 2000


IMPATIENT = ClientTimeouts(request=(5, 0.1))


def client_of(edge: Edge, url: str | None = None, **how: Any) -> WeComClient:
    app, uow = edge.cloud.app, edge.bot.uow
    return WeComClient(url or edge.cloud.url, app.corp_id, app.secret, edge.clock, uow.transaction, **how)


@pytest.fixture
def client(edge: Edge) -> WeComClient:
    return client_of(edge)


@pytest.fixture
def film(edge: Edge) -> str:
    return str(edge.cloud.phone("zhangsan").sends_film(FILM).media_id)


def calls_of(cloud: Cloud, endpoint: str, plenty: int = 1000) -> int:
    """How many calls of an endpoint there were since `count` prepared it."""
    return plenty - cloud.faults.pending(endpoint)


def prepare_count(cloud: Cloud, endpoint: str) -> None:
    cloud.faults.inject(endpoint, times=1000)


# --- tokens


def test_sixteen_threads_of_two_processes_fetch_one_token(edge: Edge, tmp_path: Path, clock: HandClock) -> None:
    prepare_count(edge.cloud, "gettoken")
    with run_edge(tmp_path, edge.cloud, clock) as there, ThreadPoolExecutor(16) as pool:
        clients = [client_of(edge), client_of(there)]
        tokens = list(pool.map(lambda number: clients[number % 2].token(), range(16)))
    assert (len(set(tokens)), calls_of(edge.cloud, "gettoken")) == (1, 1)


def test_a_token_is_renewed_before_it_expires(edge: Edge, client: WeComClient) -> None:
    first = client.token()
    edge.settle(7200 - 121)
    assert client.token() == first
    edge.settle(122)
    assert client.token() != first


def test_a_revoked_token_is_replaced_once(edge: Edge, client: WeComClient) -> None:
    client.token()
    edge.cloud.revoke_token()
    prepare_count(edge.cloud, "gettoken")
    assert client.get("getcallbackip")["ip_list"]
    assert calls_of(edge.cloud, "gettoken") == 1
    assert edge.cloud.violations == []


def test_twelve_threads_with_a_revoked_token_fetch_one(edge: Edge, client: WeComClient) -> None:
    client.token()
    edge.cloud.revoke_token()
    prepare_count(edge.cloud, "gettoken")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: client.get("getcallbackip"), range(12)))
    assert all(answer["ip_list"] for answer in answers)
    assert calls_of(edge.cloud, "gettoken") == 1


def test_a_call_is_retried_once_with_a_fresh_token(edge: Edge, client: WeComClient) -> None:
    edge.cloud.faults.inject("getcallbackip", errcode=42001, times=1000)
    with pytest.raises(Transient):
        client.get("getcallbackip")
    assert calls_of(edge.cloud, "getcallbackip") == 2


@pytest.mark.parametrize("code", [40001, 60020, 40013])
def test_wrong_credentials_and_addresses_are_misconfigured(edge: Edge, code: int) -> None:
    client = client_of(edge, timeouts=ClientTimeouts(wrong_secret_pause_s=0))
    edge.cloud.faults.inject("gettoken", errcode=code, times=1000)
    with pytest.raises(Misconfigured) as found:
        client.get("getcallbackip")
    assert (found.value.code, calls_of(edge.cloud, "gettoken")) == (code, 1)
    edge.cloud.faults.clear()
    assert client.token()


def test_a_wrong_secret_is_not_retried_at_once(edge: Edge, client: WeComClient) -> None:
    edge.cloud.faults.inject("gettoken", errcode=40001, times=1000)
    for _ in range(3):
        with pytest.raises(Misconfigured):
            client.get("getcallbackip")
    assert calls_of(edge.cloud, "gettoken") == 1


@pytest.mark.parametrize("answer", [(200, {}), (206, {"Content_Range": "bytes 0--1/0"}), (416, {})])
def test_an_empty_file_is_fetched(edge: Edge, answer: tuple[int, dict[str, str]]) -> None:
    status, headers = answer
    with platform([served(b"", status, **headers)]) as url:
        assert b"".join(client_of(edge, url).fetch("m")) == b""


def test_an_invalid_token_answer_releases_the_lease(edge: Edge) -> None:
    answers = [b"[]", b'{"errcode": 0}', b'{"access_token": "t", "expires_in": "soon"}', b"<html>"]
    with platform(tokens=answers) as url:
        client = client_of(edge, url)
        for _ in range(4):
            with pytest.raises(Transient):
                client.token()
    assert client_of(edge).token()


def test_a_token_request_that_times_out_releases_the_lease(edge: Edge, client: WeComClient) -> None:
    release = threading.Event()
    edge.cloud.faults.inject("gettoken", hold=release)
    with pytest.raises(Transient) as hung:
        client_of(edge, timeouts=IMPATIENT).token()
    assert not isinstance(hung.value, OutcomeUnknown)  # without a token no message was sent
    release.set()
    assert client.token()


# --- requests


def test_a_request_that_was_never_sent_is_not_of_unknown_outcome(edge: Edge, client: WeComClient) -> None:
    with pytest.raises(Transient) as refused:
        http.send_request(requests.Session(), "GET", "http://127.0.0.1:9/")
    with pytest.raises(Transient) as nameless:
        http.send_request(requests.Session(), "GET", "http://no-such-host.invalid/?key=SECRET")
    assert not isinstance(refused.value, OutcomeUnknown)
    assert not isinstance(nameless.value, OutcomeUnknown)
    edge.cloud.faults.inject("getcallbackip", drop=True)
    with pytest.raises(OutcomeUnknown):
        client.get("getcallbackip")


def test_a_server_error_is_transient(edge: Edge, client: WeComClient) -> None:
    edge.cloud.faults.inject("getcallbackip", http_status=502)
    with pytest.raises(Transient):
        client.get("getcallbackip")
    assert client.get("getcallbackip")


# --- media


def fetched(client: WeComClient, media_id: str) -> bytes:
    return b"".join(client.fetch(media_id))


def test_a_film_is_fetched_unchanged(client: WeComClient, film: str) -> None:
    assert fetched(client, film) == FILM


def test_a_large_film_is_fetched_in_ranges(edge: Edge, client: WeComClient, tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    with large.open("wb") as file:
        file.truncate(41 * MB)
        file.seek(39 * MB)
        file.write(b"here")
    prepare_count(edge.cloud, "media/get")
    got = fetched(client, str(edge.cloud.phone("lisi").sends_film(large).media_id))
    assert (len(got), got[39 * MB : 39 * MB + 4]) == (41 * MB, b"here")
    assert calls_of(edge.cloud, "media/get") == 6
    assert edge.cloud.violations == []


def test_a_broken_body_is_resumed(edge: Edge, client: WeComClient, film: str) -> None:
    edge.cloud.faults.inject("media/get", truncate_after=100_000, times=3)
    assert fetched(client, film) == FILM


def test_a_body_is_resumed_at_most_five_times(edge: Edge, client: WeComClient, film: str) -> None:
    edge.cloud.faults.inject("media/get", truncate_after=0, times=1000)
    with pytest.raises(OutcomeUnknown):
        fetched(client, film)
    assert calls_of(edge.cloud, "media/get") == 6


@pytest.mark.parametrize("plain", [False, True])
def test_an_error_with_status_200_is_not_media(edge: Edge, client: WeComClient, plain: bool) -> None:
    edge.cloud.faults.plain_text_errors = plain
    with pytest.raises(MediaGone):
        fetched(client, "invented")


@pytest.mark.parametrize("code", [45033, -1])
def test_a_busy_platform_is_transient(edge: Edge, client: WeComClient, film: str, code: int) -> None:
    edge.cloud.faults.inject("media/get", errcode=code)
    with pytest.raises(Transient):
        fetched(client, film)
    assert fetched(client, film) == FILM


def test_a_token_revoked_during_a_download_is_replaced(edge: Edge, client: WeComClient, tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(9 * MB))
    pieces = client.fetch(str(edge.cloud.phone("zhangsan").sends_film(large).media_id))
    got = len(next(pieces))
    edge.cloud.revoke_token()
    assert got + sum(map(len, pieces)) == 9 * MB


@pytest.mark.parametrize("status", [403, 404, 407, 502, 503])
def test_an_http_error_of_a_proxy_is_transient(edge: Edge, client: WeComClient, film: str, status: int) -> None:
    edge.cloud.faults.inject("media/get", http_status=status, times=1000)
    with pytest.raises(Transient):
        fetched(client, film)
    edge.cloud.faults.clear()
    assert fetched(client, film) == FILM


def test_a_download_times_out(edge: Edge, client: WeComClient, film: str) -> None:
    client.token()
    impatient = client_of(edge, timeouts=IMPATIENT, limits=DownloadLimits(max_resumes=0))
    release = threading.Event()
    edge.cloud.faults.inject("media/get", hold=release)
    with pytest.raises(OutcomeUnknown):
        fetched(impatient, film)
    release.set()


def test_a_download_that_hardly_moves_is_given_up(edge: Edge) -> None:
    """It is retried later, so that the downloads queued behind it do not wait until it ends."""
    ended = threading.Event()

    def trickle() -> Iterator[bytes]:
        while not ended.wait(0.02):
            yield b"x"

    slow = Response(trickle(), headers={"Content-Disposition": "attachment", "Content-Length": "1000000"})
    with platform([slow]) as url:
        limits = DownloadLimits(stall_bytes=10_000, stall_s=0.2)
        with pytest.raises(Transient, match="stalled"):
            fetched(client_of(edge, url, limits=limits), "m")
        ended.set()


@pytest.mark.parametrize("name", ["data.json", "说明.json", "notes.txt", "page.html"])
def test_a_named_file_is_media_whatever_its_content(edge: Edge, client: WeComClient, name: str) -> None:
    sent = edge.cloud.phone("zhangsan").sends_file(b'{"errcode": 40007, "errmsg": "invalid media_id"}', name)
    assert fetched(client, str(sent.media_id)) == b'{"errcode": 40007, "errmsg": "invalid media_id"}'


# --- media of other platforms


TOKEN = b'{"errcode": 0, "access_token": "t", "expires_in": 7200}'


@contextmanager
def platform(media: Iterable[Response] = (), tokens: Iterable[bytes] = repeat(TOKEN)) -> Iterator[str]:
    """A server that gives these answers to gettoken and media/get, in order; its URL."""
    films, words = iter(media), iter(tokens)

    def answer(environ: dict[str, Any], start: Any) -> Any:
        wants_token = environ["PATH_INFO"].endswith("gettoken")
        response = Response(next(words), content_type="application/json") if wants_token else next(films)
        return response(environ, start)

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def served(
    body: bytes, status: int = 200, kind: str = "video/mp4", name: str | None = "a.mp4", **more: str
) -> Response:
    headers = {name_.replace("_", "-"): value for name_, value in more.items()}
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(body, status, headers, content_type=kind)


def test_a_platform_without_ranges_is_supported(edge: Edge) -> None:
    with platform([served(FILM)]) as url:
        assert fetched(client_of(edge, url), "m") == FILM


def test_a_film_that_is_sent_compressed_is_fetched_unchanged(edge: Edge) -> None:
    with platform([served(gzip.compress(FILM), Content_Encoding="gzip")]) as url:
        assert fetched(client_of(edge, url), "m") == FILM


def test_a_compressed_error_without_a_name_is_not_media(edge: Edge) -> None:
    error = gzip.compress(b'{"errcode": 40007, "errmsg": "x"}')
    with platform([served(error, name=None, Content_Encoding="gzip")]) as url, pytest.raises(MediaGone):
        fetched(client_of(edge, url), "m")


def test_a_cut_film_without_ranges_is_fetched_from_the_start(edge: Edge) -> None:
    cut = Response(
        iter([FILM[:300_000]]), headers={"Content-Disposition": "attachment", "Content-Length": str(len(FILM))}
    )
    with platform([cut, served(FILM), served(FILM)]) as url:
        client = client_of(edge, url)
        with pytest.raises(Transient):
            fetched(client, "m")
        assert fetched(client, "m") == FILM


@pytest.mark.parametrize("content_range", ["bytes 0-99/*", "bytes 7-99/100", "", "nonsense"])
def test_another_range_than_the_requested_one_is_refused(edge: Edge, content_range: str) -> None:
    with platform([served(bytes(100), 206, Content_Range=content_range)]) as url, pytest.raises(Transient):
        fetched(client_of(edge, url), "m")


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        ("text/html", b"<html>please log in</html>", OutcomeUnknown),
        ("text/plain", b'{"errcode": 40007}', MediaGone),
        ("application/octet-stream", b'{"errcode": 40007, "errmsg": "x"}', MediaGone),
        ("application/octet-stream", b'{"errcode": 45033, "errmsg": "x"}', Transient),
        ("application/octet-stream", b"{oops", Transient),
        ("application/json", b'{"errcode": 0}', Transient),
    ],
)
def test_an_unnamed_error_is_not_media(edge: Edge, kind: str, body: bytes, error: type[ChannelError]) -> None:
    with platform(repeat(served(body, kind=kind, name=None))) as url, pytest.raises(error) as found:
        fetched(client_of(edge, url), "m")
    assert (type(found.value) is MediaGone) == (error is MediaGone)


def test_an_unnamed_film_is_media(edge: Edge) -> None:
    with platform([served(FILM, name=None)]) as url:
        assert fetched(client_of(edge, url), "m") == FILM


def test_an_empty_range_ends_the_download(edge: Edge) -> None:
    with platform(repeat(served(b"", 206, Content_Range="bytes 0-9/10"))) as url, pytest.raises(OutcomeUnknown):
        fetched(client_of(edge, url), "m")
