"""The only way to an address that came in a message, from the platform's answer or from a register.

Whoever can make this service fetch an address can make it speak to the machines beside it: the database, the cloud's
own metadata, the office's printers. So two things are asked of every address, and of every redirect on the way:

- *Is it a host we go to?* Films come from the hosts of the API addresses and from MEDIA_HOSTS only (`media`); the
  pages that the office pushes to the groups may stand anywhere in public (`page`).
- *Is it in public?* The name is resolved here, each address is looked at, and the connection goes to the very
  address that was looked at: a name that answers differently a second later gains nothing. Private addresses are
  reached only where the operator has named the host itself: as an API address, or in MEDIA_HOSTS without a `*`.

A refusal is `Forbidden`, a Permanent ChannelError; everything else is what `wecom_http.call` raises. Proxies of the
environment are not used for addresses in public: a proxy would resolve the name out of our sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from bot.channels.errors import AddressBlocked, Transient
from bot.channels.public_http import public_session
from bot.channels.wecom_api.http import new_session, send_request

# Where the platform keeps what people send: its own pages name none, so these are the suffixes seen in its answers.
# A film behind a refused address is lost within minutes, hence rather one more: all of them are in public.
KNOWN_MEDIA_HOSTS = (
    "*.qq.com", "*.qpic.cn", "*.gtimg.com", "*.gtimg.cn", "*.myqcloud.com", "*.tencentcos.cn", "*.tencent-cloud.com",
)  # fmt: skip
_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)


class SsrfGuard:
    """Fetches from addresses that somebody else chose. One for a process; safe to use from many threads."""

    def __init__(self, api_urls: Iterable[str], media_hosts: Sequence[str] = ()) -> None:
        """`platforms` are the API addresses of the settings, `media_hosts` what MEDIA_HOSTS says."""
        self._ours = tuple(filter(None, (urlsplit(url).hostname for url in api_urls)))
        self._media = tuple(media_hosts) or KNOWN_MEDIA_HOSTS
        self._named = (*self._ours, *(host for host in media_hosts if "*" not in host))
        self._within, self._public = new_session(), public_session()

    def get_media(self, url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """The answer of a media host, its body not read yet (close it). Raises ChannelError.

        Nothing is packed on the way, so lengths and ranges are those of the film.
        """
        return self._get(url, {"Accept-Encoding": "identity", **(headers or {})}, (*self._ours, *self._media))

    def get_page(self, url: str) -> requests.Response:
        """The answer of any page in public, its body not read yet (close it). Raises ChannelError."""
        return self._get(url, {"User-Agent": "Mozilla/5.0"}, ("*",))

    def _get(self, url: str, headers: Mapping[str, str], allowed: tuple[str, ...]) -> requests.Response:
        for _ in range(_HOPS):
            address = _read(url)
            if not _is_one_of(address, allowed):
                raise AddressBlocked(f"{address.host} is not among MEDIA_HOSTS")
            http = self._within if _is_one_of(address, self._named) else self._public
            response = send_request(http, "GET", address.url, headers=dict(headers), stream=True)
            target = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or not target:
                return response
            response.close()
            url = urljoin(address.url, target)
        raise Transient("too many redirects")


def _read(url: str) -> Url:
    """The address as the library will understand it, so that no second reading can differ from ours."""
    try:
        address = parse_url(requests.Request("GET", url).prepare().url or "")
    except (requests.RequestException, LocationParseError, ValueError):
        raise AddressBlocked("not an address") from None
    # Whoever needs a name and a password, or a scope of an IPv6 address, is nobody the platform would send us to.
    if address.scheme not in ("http", "https") or not address.host or address.auth or "%" in address.host:
        raise AddressBlocked("not an address")
    return address


def _is_one_of(address: Url, hosts: Iterable[str]) -> bool:
    host = (address.host or "").strip("[]").rstrip(".").lower()
    port = address.port or (443 if address.scheme == "https" else 80)
    return any(fnmatchcase(host, name.lower()) or fnmatchcase(f"{host}:{port}", name.lower()) for name in hosts)
