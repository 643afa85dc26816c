"""Connections that go to public addresses only, checked at the moment of connecting."""

from __future__ import annotations

import socket
from http.cookiejar import DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from bot.channels.errors import AddressBlocked

# Networks whose addresses hold an IPv4 address in their last four bytes.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("::ffff:0:0/96"), IPv6Network("::/96"))


def public_session() -> requests.Session:
    """A session that reaches nothing private, keeps no cookies and asks no proxy."""
    made = requests.Session()
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        made.mount(scheme, _PublicAdapter())
    return made


def is_public_address(address: str) -> bool:
    """Whether an IP address is one of the open Internet; what is wrapped into an IPv6 address counts."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.teredo is not None:
            return False
        if any(found in network for network in _TRANSLATED):
            found = IPv4Address(int(found) & 0xFFFFFFFF)
        elif found.sixtofour is not None:
            found = found.sixtofour
    return found.is_global and not found.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """The addresses behind a name. Raises OSError, UnicodeError."""
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _Public:
    """Resolves, looks at every address, and connects to one that was looked at."""

    def _new_conn(self) -> socket.socket:
        connection: Any = self
        failed: Exception = OSError("no address")
        for address in self._addresses(connection):
            try:
                return create_connection(
                    (address, connection.port), connection.timeout, socket_options=connection.socket_options
                )
            except OSError as error:
                failed = error
        raise NewConnectionError(connection, f"cannot connect: {type(failed).__name__}") from failed

    @staticmethod
    def _addresses(connection: Any) -> list[str]:
        try:
            addresses = resolve(connection._dns_host, connection.port)
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(connection.host, connection, socket.gaierror(str(error))) from error
        # One private address among public ones is no slip of the pen.
        if not all(map(is_public_address, addresses)):
            raise AddressBlocked("no public address")
        return addresses


class _PublicHTTP(_Public, HTTPConnection):
    """Without TLS."""


class _PublicHTTPS(_Public, HTTPSConnection):
    """With TLS; the certificate is still asked for the name."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _PublicHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _PublicHTTPS


class _PublicAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As ever, with pools of our own kind."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
