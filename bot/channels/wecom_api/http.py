"""Requests to the platform: every one with a time limit, its failures told apart, nothing secret in their words."""

from __future__ import annotations

import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from bot.channels.errors import OutcomeUnknown, Transient, error_from_code

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, UPLOAD_TIMEOUT_S = 5, 15, 120
_GLANCE_S = 1
_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.ProxyError,
    urllib3.exceptions.SSLError,
)  # fmt: skip
# Its lines hold whole addresses, and these hold the secret, the token and the robots' keys.
logging.getLogger("urllib3").setLevel(logging.ERROR)


def new_session() -> requests.Session:
    """A connection pool large enough for all workers of a process."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=32))
    return made


def send_request(http: requests.Session, method: str, url: str, **kwargs: Any) -> requests.Response:
    """One request, its failures told apart by whether the platform can have acted on it."""
    kwargs.setdefault("timeout", (CONNECT_TIMEOUT_S, READ_TIMEOUT_S))
    try:
        response = http.request(method, url, allow_redirects=False, **kwargs)
    except requests.RequestException as error:
        # Not chained: the library's own error shows the address in every traceback.
        raise (Transient if _never_left(error) else OutcomeUnknown)(_without_address(error)) from None
    if response.status_code >= 500 or response.status_code == 429:
        response.close()
        raise Transient(f"HTTP {response.status_code}")
    return response


def _never_left(error: requests.RequestException) -> bool:
    """Whether the platform cannot have heard it: no name, no connection, no TLS."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, _NEVER_LEFT) or isinstance(error, requests.ConnectTimeout)


def _without_address(error: Exception) -> str:
    """The kind of failure only: the address holds tokens and keys."""
    return type(error).__name__


def parse_answer(response: requests.Response) -> dict[str, Any]:
    """The JSON of an answer whose errcode is 0. Raises ChannelError by the code."""
    try:
        answer = response.json()
        code = int(answer.get("errcode") or 0)
    except (ValueError, TypeError, AttributeError, requests.RequestException):
        raise OutcomeUnknown(f"HTTP {response.status_code} without a JSON object") from None
    if code:
        raise error_from_code(code, str(answer.get("errmsg", "")))
    return dict(answer)


def required_field(answer: dict[str, Any], field: str) -> str:
    """What a good answer must hold."""
    if not answer.get(field):
        raise Transient(f"an answer without {field}")
    return str(answer[field])


def parse_int(text: str | None) -> int | None:
    """A whole number of a header or an answer, None for anything else."""
    return int(text) if text and text.isdecimal() else None


def is_reachable(url: str) -> bool:
    """Whether anything takes a connection at an address now; asks nothing, waits a second at the most."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_GLANCE_S).close()
    except OSError:
        return False
    return True
