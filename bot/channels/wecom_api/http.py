"""Requests to a platform: every one has a timeout, errors are classified, and no error text holds a secret."""

from __future__ import annotations

import json
import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from bot.channels.errors import OutcomeUnknown, Transient, error_from_code

# Seconds to connect, and between two bytes of the answer.
TIMEOUT, UPLOAD_TIMEOUT = (5.0, 15.0), (5.0, 120.0)
_REACHABLE_TIMEOUT_S = 1
# The largest answers are lists of a thousand messages.
_MAX_ANSWER_BYTES, _CHUNK_BYTES = 8 * 1024 * 1024, 64 * 1024
_NEVER_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.SSLError,
)
# It logs whole URLs, which hold the secret, the token and the robots' keys.
logging.getLogger("urllib3").setLevel(logging.ERROR)


def new_session() -> requests.Session:
    """A connection pool large enough for all threads of a process."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=128))
    return session


def send_request(http: requests.Session, method: str, url: str, **kwargs: Any) -> requests.Response:
    """One request without redirects. Raises OutcomeUnknown if the platform may have acted on it, else Transient."""
    kwargs.setdefault("timeout", TIMEOUT)
    try:
        response = http.request(method, url, allow_redirects=False, **kwargs)
    except requests.RequestException as error:
        # Only the type of the error, and not chained: its text and traceback show the URL.
        raise (Transient if _never_sent(error) else OutcomeUnknown)(type(error).__name__) from None
    if response.status_code >= 500 or response.status_code == 429:
        response.close()
        raise Transient(f"HTTP {response.status_code}")
    return response


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the request cannot have reached the platform: no address, no connection, no TLS."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, _NEVER_SENT) or isinstance(error, requests.ConnectTimeout)


def parse_answer(response: requests.Response) -> dict[str, Any]:
    """The JSON of an answer whose errcode is 0. Raises the ChannelError of the code."""
    try:
        answer = json.loads(_bounded_body(response))
        code = int(answer.get("errcode") or 0)
    except (ValueError, TypeError, AttributeError, requests.RequestException):
        raise OutcomeUnknown(f"HTTP {response.status_code} without a JSON object") from None
    if code:
        raise error_from_code(code, str(answer.get("errmsg", "")))
    return dict(answer)


def _bounded_body(response: requests.Response) -> bytes:
    """The body; the host may be one that a user named. Raises ValueError, requests.RequestException."""
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > _MAX_ANSWER_BYTES:
            response.close()
            raise ValueError("the answer has no end")
    return bytes(body)


def required_field(answer: dict[str, Any], field: str) -> str:
    """A field that a successful answer must have. Raises Transient."""
    if not answer.get(field):
        raise Transient(f"the answer has no {field}")
    return str(answer[field])


def parse_int(text: str | None) -> int | None:
    """A whole number of a header or an answer, None for anything else."""
    return int(text) if text and text.isdecimal() else None


def is_reachable(url: str) -> bool:
    """Whether a TCP connection to the host of a URL can be opened within a second."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_REACHABLE_TIMEOUT_S).close()
    except OSError:
        return False
    return True
