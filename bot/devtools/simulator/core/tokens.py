"""The access token of the app: same inside its life, new after it, killable early (protocol sheet, section 2.1)."""

import secrets
from collections.abc import Container

from bot.devtools.simulator.core.errors import Refusal
from bot.devtools.simulator.core.records import App

LIFE_SECONDS = 7200


class Tokens:
    """Issues and checks access tokens by the cloud's clock."""

    def __init__(self) -> None:
        self._current: str | None = None
        self._expires_at = 0.0
        self._expired: set[str] = set()
        self._killed: set[str] = set()
        self.issued = 0

    def issue(self, now: float) -> tuple[str, int]:
        """Return the token and the seconds it has left; fetching again inside its life gives the same one."""
        self._retire(now)
        if self._current is None:
            self._current = secrets.token_urlsafe(96)
            self._expires_at = now + LIFE_SECONDS
            self.issued += 1
        return self._current, int(self._expires_at - now)

    def knows(self, token: str | None) -> bool:
        """Whether this is the living token."""
        return token is not None and token == self._current

    def kill(self) -> None:
        """Invalidate the current token early, as the platform may; whoever uses it gets 40014."""
        if self._current is not None:
            self._killed.add(self._current)
        self._current = None

    def check(self, token: str | None, now: float) -> None:
        """Raise 41001, 42001 or 40014 unless the token is the living one."""
        self._retire(now)
        if not token:
            raise Refusal(41001, "access_token missing")
        if token in self._expired:
            raise Refusal(42001, "access_token expired")
        if token != self._current:
            raise Refusal(40014, "invalid access_token", blame=token not in self._killed)

    def _retire(self, now: float) -> None:
        if self._current is not None and now >= self._expires_at:
            self._expired.add(self._current)
            self._current = None


def check_credentials(app: App, corp_id: str | None, secret: str | None, others: Container[str] = ()) -> None:
    """Raise what gettoken answers to wrong or missing credentials; `others` are secrets of other API families (2.1)."""
    if not corp_id:
        raise Refusal(41002, "corpid missing")
    if not secret:
        raise Refusal(41004, "corpsecret missing")
    if corp_id != app.corp_id:
        raise Refusal(40013, "invalid corpid")
    if secret != app.secret and secret not in others:
        raise Refusal(40001, "invalid credential, the secret is wrong")
