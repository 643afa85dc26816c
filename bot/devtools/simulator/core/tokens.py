"""The access token of the app: same inside its life, new after it, killable early (protocol sheet, section 2.1)."""

import secrets
from collections.abc import Container

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.records import App

TOKEN_TTL_SECONDS = 7200


class AccessTokens:
    """Issues and checks access tokens by the cloud's clock."""

    def __init__(self) -> None:
        self._current: str | None = None
        self._expires_at = 0.0
        self._expired: set[str] = set()
        self._killed: set[str] = set()
        self.issued_count = 0

    def issue(self, now: float) -> tuple[str, int]:
        """Return the token and the seconds it has left; fetching again inside its life gives the same one."""
        self._retire(now)
        if self._current is None:
            self._current = secrets.token_urlsafe(96)
            self._expires_at = now + TOKEN_TTL_SECONDS
            self.issued_count += 1
        return self._current, int(self._expires_at - now)

    def is_current(self, token: str | None) -> bool:
        """Whether this is the living token."""
        return token is not None and token == self._current

    def revoke(self) -> None:
        """Invalidate the current token early, as the platform may; whoever uses it gets 40014."""
        if self._current is not None:
            self._killed.add(self._current)
        self._current = None

    def check(self, token: str | None, now: float) -> None:
        """Raise 41001, 42001 or 40014 unless the token is the living one."""
        self._retire(now)
        if not token:
            raise ApiError(41001, "access_token missing")
        if token in self._expired:
            raise ApiError(42001, "access_token expired")
        if token != self._current:
            raise ApiError(40014, "invalid access_token", is_violation=token not in self._killed)

    def _retire(self, now: float) -> None:
        if self._current is not None and now >= self._expires_at:
            self._expired.add(self._current)
            self._current = None


def check_credentials(app: App, corp_id: str | None, secret: str | None, other_secrets: Container[str] = ()) -> None:
    """Raise what gettoken answers to wrong or missing credentials; `others` are secrets of other API families (2.1)."""
    if not corp_id:
        raise ApiError(41002, "corpid missing")
    if not secret:
        raise ApiError(41004, "corpsecret missing")
    if corp_id != app.corp_id:
        raise ApiError(40013, "invalid corpid")
    if secret != app.secret and secret not in other_secrets:
        raise ApiError(40001, "invalid credential, the secret is wrong")
