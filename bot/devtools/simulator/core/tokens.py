"""Access tokens and sign-in codes, which expire by the cloud's clock."""

import secrets
from collections.abc import Container

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.records import App

TOKEN_TTL_SECONDS = 7200
CODE_TTL_SECONDS = 300


class AccessTokens:
    """The access token of one secret."""

    def __init__(self) -> None:
        self._current: str | None = None
        self._expires_at = 0.0
        self._expired: set[str] = set()
        self._revoked: set[str] = set()
        self.issued_count = 0

    def issue(self, now: float) -> tuple[str, int]:
        """The token and the seconds until it expires; until then every call returns the same token."""
        self._expire(now)
        if self._current is None:
            self._current = secrets.token_urlsafe(96)
            self._expires_at = now + TOKEN_TTL_SECONDS
            self.issued_count += 1
        return self._current, int(self._expires_at - now)

    def is_current(self, token: str | None) -> bool:
        """Whether this is the valid token."""
        return token is not None and token == self._current

    def revoke(self) -> None:
        """Invalidate the token before its expiry, as the platform may do; its use is then answered with 40014."""
        if self._current is not None:
            self._revoked.add(self._current)
        self._current = None

    def check(self, token: str | None, now: float) -> None:
        """Raise 41001 (missing), 42001 (expired) or 40014 (invalid) unless the token is valid."""
        self._expire(now)
        if not token:
            raise ApiError(41001, "access_token missing")
        if token in self._expired:
            raise ApiError(42001, "access_token expired")
        if token != self._current:
            raise ApiError(40014, "invalid access_token", is_violation=token not in self._revoked)

    def _expire(self, now: float) -> None:
        if self._current is not None and now >= self._expires_at:
            self._expired.add(self._current)
            self._current = None


class SignInCodes:
    """Sign-in codes for web pages: each stands for a person, is valid for five minutes and works once."""

    def __init__(self) -> None:
        self._codes: dict[str, tuple[str, float]] = {}

    def issue(self, identity: str, now: float) -> str:
        """A code for a member's userid, or for `openid:...`, a WeChat user who is not a member."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = (identity, now)
        return code

    def redeem(self, code: str, now: float) -> str:
        """Use up a code and return the identity; raises 40029 for an unknown, used or expired one."""
        identity, issued_at = self._codes.pop(code, ("", -CODE_TTL_SECONDS))
        if not identity or now - issued_at > CODE_TTL_SECONDS:
            raise ApiError(40029, "invalid code", is_violation=False)
        return identity


def check_credentials(app: App, corp_id: str | None, secret: str | None, other_secrets: Container[str] = ()) -> None:
    """Raise what gettoken answers to wrong or missing credentials; `other_secrets` belong to other sets of APIs."""
    if not corp_id:
        raise ApiError(41002, "corpid missing")
    if not secret:
        raise ApiError(41004, "corpsecret missing")
    if corp_id != app.corp_id:
        raise ApiError(40013, "invalid corpid")
    if secret != app.secret and secret not in other_secrets:
        raise ApiError(40001, "invalid credential, the secret is wrong")
