"""The SSRF guard: the only way to a URL that came in a message, from a platform's answer or from the register.

A sender who can make this service fetch a URL can make it talk to the machines beside it: the database, the cloud's
metadata service, the office's printers. So every URL, and every redirect, is checked twice:

- *Is the host allowed?* Media come from the hosts of the API URLs and from MEDIA_HOSTS only; the pages that the
  office pushes to the groups may be on any public host.
- *Is the address public?* The name is resolved here, every address is checked, and the connection goes to an address
  that was checked, so a name that resolves differently a second later gains nothing. Private addresses are reached
  only if the operator has named the host itself: in an API URL, or in MEDIA_HOSTS without a `*`.

A refused URL raises AddressBlocked; otherwise errors are those of `http.send_request`. Proxies of the environment are
not used for public hosts, because a proxy would resolve the name itself.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.cookiejar import DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import LocationParseError, NameResolutionError, NewConnectionError
from urllib3.util import Url, parse_url
from urllib3.util.connection import create_connection

from bot.channels.errors import AddressBlocked, Transient
from bot.channels.wecom_api.http import new_session, send_request

# WeCom documents no list of its media hosts: these suffixes were seen in its answers. A film on a host that is missing
# here is lost within minutes, so the list is generous; all of these hosts are public.
KNOWN_MEDIA_HOSTS = (
    "*.qq.com",
    "*.qpic.cn",
    "*.gtimg.com",
    "*.gtimg.cn",
    "*.myqcloud.com",
    "*.tencentcos.cn",
    "*.tencent-cloud.com",
)
_MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
# The only IPv6 addresses in use on the internet. Everything else is local, reserved, or another way to write an IPv4
# address: site-local fec0::/10, IPv4-mapped ::ffff:0:0/96, the local translation prefix 64:ff9b:1::/48.
_IPV6_INTERNET = IPv6Network("2000::/3")
# The exception: the address of an IPv4 host as seen from a network that only has IPv6 (NAT64).
_NAT64 = IPv6Network("64:ff9b::/96")
_DOCUMENTATION = IPv6Network("3fff::/20")

Resolver = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a name. Raises OSError, UnicodeError."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Network:
    """How names are resolved and connections opened."""

    resolve: Resolver = resolve
    connect: Callable[..., socket.socket] = create_connection


class SsrfGuard:
    """Fetches from URLs that come from outside. One for a process; safe to use from many threads."""

    def __init__(
        self, api_urls: Iterable[str], media_hosts: Sequence[str] = (), network: Network | None = None
    ) -> None:
        """`api_urls` are those of the settings, `media_hosts` is MEDIA_HOSTS; empty: KNOWN_MEDIA_HOSTS."""
        self._api_hosts = tuple(filter(None, (urlsplit(url).hostname for url in api_urls)))
        self._media_hosts = tuple(media_hosts) or KNOWN_MEDIA_HOSTS
        self._trusted = (*self._api_hosts, *(host for host in media_hosts if "*" not in host))
        self._trusted_session, self._public_session = new_session(), _public_session(network or Network())

    def get_media(self, url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """The answer of a media host, its body not read yet (close it). Raises ChannelError.

        Uncompressed, so that lengths and ranges are those of the film.
        """
        headers = {"Accept-Encoding": "identity", **(headers or {})}
        return self._get(url, headers, (*self._api_hosts, *self._media_hosts))

    def get_page(self, url: str) -> requests.Response:
        """The answer of any public page, its body not read yet (close it). Raises ChannelError."""
        return self._get(url, {"User-Agent": "Mozilla/5.0"}, ("*",))

    def _get(self, url: str, headers: Mapping[str, str], allowed: tuple[str, ...]) -> requests.Response:
        for _ in range(_MAX_REDIRECTS):
            parsed = _parse(url)
            if not _matches(parsed, allowed):
                raise AddressBlocked(f"{parsed.host} is not among MEDIA_HOSTS")
            http = self._trusted_session if _matches(parsed, self._trusted) else self._public_session
            response = send_request(http, "GET", parsed.url, headers=dict(headers), stream=True)
            target = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or not target:
                return response
            response.close()
            url = urljoin(parsed.url, target)
        raise Transient("too many redirects")


def _parse(url: str) -> Url:
    """The URL as requests will understand it, so that no second parser can disagree."""
    try:
        parsed = parse_url(requests.Request("GET", url).prepare().url or "")
    except (requests.RequestException, LocationParseError, ValueError):
        raise AddressBlocked("not a URL") from None
    # The platform never sends credentials or an IPv6 scope in a URL.
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.auth or "%" in parsed.host:
        raise AddressBlocked("not a URL")
    return parsed


def _matches(url: Url, patterns: Iterable[str]) -> bool:
    host = (url.host or "").strip("[]").rstrip(".").lower()
    port = url.port or (443 if url.scheme == "https" else 80)
    names = (host, f"{host}:{port}")
    return any(fnmatchcase(name, pattern.lower()) for pattern in patterns for name in names)


def is_public_address(text: str) -> bool:
    """Whether an IP address is globally reachable; an IPv4 address inside a NAT64 or 6to4 address counts."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            address = IPv4Address(int(address) & 0xFFFFFFFF)
        elif address not in _IPV6_INTERNET or address in _DOCUMENTATION or address.teredo is not None:
            return False
        elif address.sixtofour is not None:
            address = address.sixtofour
    return address.is_global and not address.is_multicast


def _open_socket(connection: Any, network: Network) -> socket.socket:
    """Connect to an address of the connection's host that was checked to be public."""
    last_error: Exception = OSError("no address")
    for address in _public_addresses(connection, network):
        try:
            target = (address, connection.port)
            return network.connect(target, connection.timeout, socket_options=connection.socket_options)
        except OSError as error:
            last_error = error
    raise NewConnectionError(connection, f"cannot connect: {type(last_error).__name__}") from last_error


def _public_addresses(connection: Any, network: Network) -> Sequence[str]:
    try:
        addresses = network.resolve(connection._dns_host, connection.port)
    except (OSError, UnicodeError) as error:
        raise NameResolutionError(connection.host, connection, socket.gaierror(str(error))) from error
    # A private address among public ones is no accident.
    if not all(map(is_public_address, addresses)):
        raise AddressBlocked("no public address")
    return addresses


class _PublicAdapter(HTTPAdapter):
    """Connections of this adapter go to public addresses only; TLS still verifies the certificate for the name."""

    def __init__(self, network: Network) -> None:
        self._network = network
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """See HTTPAdapter; with pools whose connections check the address."""
        super().init_poolmanager(*args, **kwargs)
        network = self._network

        class PublicHTTP(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _open_socket(self, network)

        class PublicHTTPS(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _open_socket(self, network)

        http = type("PublicHTTPPool", (HTTPConnectionPool,), {"ConnectionCls": PublicHTTP})
        https = type("PublicHTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": PublicHTTPS})
        self.poolmanager.pool_classes_by_scheme = {"http": http, "https": https}


def _public_session(network: Network) -> requests.Session:
    """A session without cookies and proxies that reaches public addresses only."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, _PublicAdapter(network))
    return session
