"""The SSRF guard: a URL that a user or a platform chose never leads to a private address."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Request, Response

from bot.app import build_ssrf_guard
from bot.channels.errors import AddressBlocked, ChannelError, Transient
from bot.channels.ssrf_guard import Network, SsrfGuard, is_public_address, resolve
from bot.config import SettingsError, load_config
from tests.harness import config_for
from tests.sites import Answer, site


def hello(_: Request) -> Response:
    return Response(b"a film", headers={"Content-Disposition": "attachment"})


def to(url: str) -> Answer:
    return lambda request: Response(status=302, headers={"Location": url})


def network(**known: str) -> Network:
    """A network whose name server knows these names as well; dots of a name are written as underscores."""
    table = {name.replace("_", "."): address for name, address in known.items()}
    return Network(resolve=lambda host, port: [table[host]] if host in table else resolve(host, port))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.9",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::5",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:0:53aa:64c:0:fbff:fefe:fefe",
        "::7f00:1",
        "ff02::1",
        "fec0::1",
        "feff::1",
        "64:ff9b:1::1",
        "64:ff9b:1::808:808",
        "::ffff:8.8.8.8",
        "::ffff:0:808:808",
        "::8.8.8.8",
        "2001:db8::1",
        "3fff::1",
        "4000::1",
        "1::1",
    ],
)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "119.147.3.1", "240e:97c:2f::1", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public_address(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_a_private_address_in_ipv6_is_not_public(address: Any) -> None:
    assert not any(map(is_public_address, (str(address), f"::ffff:{address}", f"64:ff9b::{address}", f"::{address}")))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::1]:{port}/",
        "http://127.0.0.1.:{port}/",
    ],
)
def test_no_spelling_of_localhost_is_reachable(url: str) -> None:
    with site(hello) as beside, pytest.raises(ChannelError):
        SsrfGuard(["https://qyapi.weixin.qq.com"], ["*"]).get_page(url.format(port=beside.port))
    assert beside.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.qq.com/x",
        "gopher://a.qq.com/",
        "//a.qq.com/x",
        "",
        "a.qq.com",
        "http://",
        "http:///x",
        "http://qq.com@127.0.0.1/",
        "http://user:word@a.qq.com/",
        "http://[fe80::1%25lo]/",
        "http://a.qq.com:99999/",
        "http://\x00/",
        "http://[::",
        "javascript:alert(1)",
        "http://a\\@a.qq.com/",
    ],
)
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(ChannelError):
        SsrfGuard([], ["*.qq.com"]).get_media(url)


def test_media_come_only_from_the_hosts_of_the_settings() -> None:
    with site(hello) as api, site(hello) as other:
        guard = SsrfGuard([api.url], [], network(evil_example="127.0.0.1"))
        with guard.get_media(f"{api.url}/film") as response:
            assert response.content == b"a film"
        with pytest.raises(AddressBlocked, match="not among MEDIA_HOSTS"):
            guard.get_media(f"http://evil.example:{other.port}/film")
        with pytest.raises(AddressBlocked, match="not among MEDIA_HOSTS"):
            guard.get_media("http://qyapi.weixin.qq.com.evil.example/film")
    assert (api.asked, other.asked) == (["/film"], [])


def test_an_allowed_host_with_a_private_address_is_refused() -> None:
    guard = SsrfGuard([], [], network(video_qpic_cn="127.0.0.1"))
    with site(hello) as beside, pytest.raises(AddressBlocked, match="no public address"):
        guard.get_media(f"http://video.qpic.cn:{beside.port}/film")
    assert beside.asked == []


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """DNS rebinding: the name resolves to a public address first, and to localhost afterwards."""
    answers, tried = iter(["8.8.8.8"]), []

    def refuse(address: tuple[str, int], *rest: Any, **more: Any) -> socket.socket:
        tried.append(address[0])
        raise ConnectionRefusedError

    rebinding = Network(resolve=lambda host, port: [next(answers, "127.0.0.1")], connect=refuse)
    with pytest.raises(Transient):
        SsrfGuard([], ["*.qq.com"], rebinding).get_media("http://a.qq.com/film")
    with pytest.raises(AddressBlocked):
        SsrfGuard([], ["*.qq.com"], rebinding).get_media("http://a.qq.com/film")
    assert tried == ["8.8.8.8"]


def test_media_hosts_may_name_a_private_host() -> None:
    with site(hello) as inside:
        with SsrfGuard([], ["localhost"]).get_media(f"http://LOCALHOST:{inside.port}/a") as response:
            assert response.content == b"a film"
        with SsrfGuard([], [f"localhost:{inside.port}"]).get_media(f"http://localhost:{inside.port}/b") as response:
            assert response.content == b"a film"
        with pytest.raises(AddressBlocked):
            SsrfGuard([], ["localhost:1"]).get_media(f"http://localhost:{inside.port}/c")
        with pytest.raises(AddressBlocked):
            SsrfGuard([], ["*.lan"], network(films_lan="127.0.0.1")).get_media(f"http://films.lan:{inside.port}/d")
    assert inside.asked == ["/a", "/b"]


def test_every_redirect_is_checked() -> None:
    with site(hello) as beside:
        for target in (
            f"http://metadata.lan:{beside.port}/keys",
            f"http://localhost:{beside.port}/keys",
            "file:///etc/passwd",
        ):
            with site(to(target)) as api, pytest.raises(AddressBlocked):
                SsrfGuard([api.url], [], network(metadata_lan="127.0.0.1")).get_page(f"{api.url}/link")
    assert beside.asked == []


def test_redirects_are_followed_up_to_a_limit() -> None:
    with (
        site(hello) as last,
        site(to(f"{last.url}/film")) as first,
        SsrfGuard([first.url]).get_media(first.url) as response,
    ):
        assert response.content == b"a film"
    with site(to("/again")) as round_and_round, pytest.raises(Transient, match="too many redirects"):
        SsrfGuard([round_and_round.url], []).get_media(f"{round_and_round.url}/again")


def test_the_media_hosts_setting_is_applied(edge: Any, tmp_path: Any) -> None:
    config = config_for(edge.cloud, tmp_path, MEDIA_HOSTS="films.example, *.cdn.example")
    with pytest.raises(AddressBlocked, match="not among MEDIA_HOSTS"):
        build_ssrf_guard(config).get_media("https://a.qq.com/film")
    with build_ssrf_guard(config).get_media(f"{edge.cloud.url}/no-such-page") as response:
        assert response.status_code == 404


@pytest.mark.parametrize("hosts", ["https://a.example", "a.example/path", "a b", "*a.example", "a.*.example"])
def test_an_invalid_media_host_stops_the_start(hosts: str, tmp_path: Any) -> None:
    with pytest.raises(SettingsError, match="MEDIA_HOSTS"):
        load_config({"MEDIA_HOSTS": hosts}, tmp_path / "no.env")
