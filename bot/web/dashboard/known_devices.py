"""Browsers from which a user has signed in by password before, known by a signed cookie.

Failed attempts from other browsers do not count against them. The cookie gives no access.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from bot.web.dashboard.authorization import hash_token
from storage.sign_ins import normalize_login

_COOKIE, _PATH = "patrol_device", "/login"
_MAX_AGE = timedelta(days=400)
# One subscriber has this many leading bits of an IPv6 address in common.
_IPV6_PREFIX = 64


@dataclass(frozen=True)
class _Device:
    id: str
    login_sha256: str


def remember_device(response: Response, login: str) -> None:
    """Make this browser a known device of a login."""
    token = _serializer().dumps([secrets.token_hex(16), hash_token(normalize_login(login))])
    response.set_cookie(
        _COOKIE,
        token,
        max_age=_MAX_AGE,
        path=_PATH,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def attempt_key(login: str) -> str:
    """The key by which failed attempts are counted: the login with its known device, else with the address."""
    login_sha256, device = hash_token(normalize_login(login)), _device()
    is_known = device is not None and device.login_sha256 == login_sha256
    return hash_token(f"{login_sha256}/{device.id if device is not None and is_known else _address()}")


def rate_limit_key() -> str:
    """The key by which requests are counted: the known device, else the address, which an office can share."""
    device = _device()
    return _address() if device is None else device.id


def _device() -> _Device | None:
    try:
        values = _serializer().loads(request.cookies.get(_COOKIE, ""), max_age=int(_MAX_AGE.total_seconds()))
    except BadSignature:
        return None
    return _Device(*values)


def _address() -> str:
    """The address of the client; of IPv6 the prefix of one subscriber."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return str(ip_network((address, _IPV6_PREFIX), strict=False) if isinstance(address, IPv6Address) else address)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="known device")
