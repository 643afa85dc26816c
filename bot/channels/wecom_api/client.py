"""WeCom's API: one access token for all processes, a timeout for every call, media downloaded in ranges.

wechatpy's own client hard-codes the host, has no timeout for tokens and media, and reads whole films into memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import requests

from bot.channels.errors import ChannelError, Misconfigured, TokenInvalid, Transient, idempotent_call
from bot.channels.wecom_api.http import (
    TIMEOUT,
    UPLOAD_TIMEOUT,
    new_session,
    parse_answer,
    parse_int,
    required_field,
    send_request,
)
from bot.channels.wecom_api.media import DownloadLimits, MediaRange, download, media_headers
from bot.clock import Clock, monotonic, sleep, wall_now
from storage.store import Store

# The platform allows 20 MB for one range.
_RANGE_BYTES = 8 * 1024 * 1024
_TOKEN_CACHE = timedelta(seconds=60)
# A token is renewed before it expires, so that none expires during a call.
_TOKEN_MARGIN = timedelta(seconds=120)
_WRONG_SECRET = (40001, 40013, 40091, 40125)
_JSON_HEADERS = {"Content-Type": "application/json"}

StoreFactory = Callable[[], AbstractContextManager[Store]]
T = TypeVar("T")


@dataclass(frozen=True)
class ClientTimeouts:
    """`request` and `upload` are (connect, read) in seconds.

    Many calls with a wrong secret get the calling address blocked for an hour, hence `wrong_secret_pause_s`.
    """

    request: tuple[float, float] = TIMEOUT
    upload: tuple[float, float] = UPLOAD_TIMEOUT
    token_wait_s: float = 30.0
    wrong_secret_pause_s: float = 10.0


def parse_token(answer: dict[str, Any]) -> tuple[str, timedelta]:
    """The access token of an answer, and its lifetime. Raises Transient."""
    lifetime_s = parse_int(required_field(answer, "expires_in"))
    if lifetime_s is None:
        raise Transient("an access token without a lifetime")
    return required_field(answer, "access_token"), timedelta(seconds=lifetime_s)


class WeComClient:
    """The API of one app: each secret of a corp has its own token, stored as `token_name` for all processes."""

    def __init__(
        self,
        url: str,
        corp_id: str,
        secret: str,
        clock: Clock,
        transaction: StoreFactory,
        token_name: str = "app",
        timeouts: ClientTimeouts | None = None,
        limits: DownloadLimits | None = None,
    ) -> None:
        self._url, self._corp_id, self._secret = url.rstrip("/"), corp_id, secret
        self._clock, self._transaction = clock, transaction
        self._token_name = f"wecom/{corp_id}/{token_name}"
        self.timeouts, self._limits = timeouts or ClientTimeouts(), limits or DownloadLimits()
        self._http = new_session()
        self._cached: tuple[str, datetime] | None = None
        self._refused: tuple[Misconfigured, float] | None = None

    def token(self, rejected: str | None = None) -> str:
        """A valid access token other than `rejected`; one process fetches it, the others wait for it.

        Cached for a minute without reading the database. Raises ChannelError.
        """
        if self._cached is not None and self._cached[0] != rejected and self._clock.now() < self._cached[1]:
            return self._cached[0]
        deadline = monotonic() + self.timeouts.token_wait_s
        while monotonic() < deadline:
            token, is_ours_to_fetch = self._stored_token(rejected)
            if token is not None:
                return token
            if is_ours_to_fetch:
                return self._fetch_token(renew=rejected is not None)
            sleep(0.05)
        raise Transient("no access token in time")

    def _stored_token(self, rejected: str | None) -> tuple[str | None, bool]:
        """The valid token of the database; without one, whether this process got the lease to fetch it."""
        now, lease = self._clock.now(), timedelta(seconds=self.timeouts.token_wait_s)
        with self._transaction() as store:
            token = store.access_tokens.get_valid(self._token_name, now)
            if token is not None and token != rejected:
                self._cached = token, now + _TOKEN_CACHE
                return token, False
            return None, store.access_tokens.acquire_lease(self._token_name, rejected, now, wall_now(), lease)

    def _fetch_token(self, *, renew: bool) -> str:
        try:
            self._check_pause()
            token, lifetime = self._request_token(renew=renew)
        except ChannelError as error:
            with self._transaction() as store:
                store.access_tokens.release_lease(self._token_name)
            raise self._token_error(error) from None
        with self._transaction() as store:
            expires_at = self._clock.now() + max(lifetime - _TOKEN_MARGIN, lifetime / 2)
            store.access_tokens.save(self._token_name, token, expires_at)
        return token

    def _token_error(self, error: ChannelError) -> ChannelError:
        """In the answer to a token request, "token invalid" means a wrong secret."""
        if isinstance(error, TokenInvalid):
            error = Misconfigured(error.detail, error.code)
        if isinstance(error, Misconfigured) and error.code in _WRONG_SECRET and self._refused is None:
            self._refused = error, monotonic() + self.timeouts.wrong_secret_pause_s
        return error

    def _check_pause(self) -> None:
        """Raise the last refusal of a wrong secret again while its pause lasts."""
        if self._refused is not None:
            error, until = self._refused
            if monotonic() < until:
                raise Misconfigured(error.detail, error.code)
            self._refused = None

    def _request_token(self, *, renew: bool) -> tuple[str, timedelta]:
        """A token and its lifetime; `renew`: the last one was rejected, which this platform need not be told."""
        params = {"corpid": self._corp_id, "corpsecret": self._secret}
        with idempotent_call():
            return parse_token(parse_answer(self._request("GET", "gettoken", params=params)))

    def _request(self, method: str, path: str, token: str | None = None, **kwargs: Any) -> requests.Response:
        params = {**kwargs.pop("params", {}), **({"access_token": token} if token else {})}
        kwargs.setdefault("timeout", self.timeouts.request)
        return send_request(self._http, method, f"{self._url}/cgi-bin/{path}", params=params, **kwargs)

    def _with_token(self, call: Callable[[str], T]) -> T:
        """Make a call, and once more with a fresh token if the first was rejected."""
        token = self.token()
        try:
            return call(token)
        except TokenInvalid:
            pass
        try:
            return call(self.token(rejected=token))
        except TokenInvalid as error:
            raise Transient(error.detail, error.code) from None

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON to /cgi-bin/`path`; the answer. Raises ChannelError."""
        data = json.dumps(body, ensure_ascii=False).encode()
        return self._with_token(
            lambda token: parse_answer(self._request("POST", path, token, data=data, headers=_JSON_HEADERS))
        )

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """GET /cgi-bin/`path`; the answer. Raises ChannelError."""
        return self._with_token(lambda token: parse_answer(self._request("GET", path, token, params=params)))

    def upload(self, kind: str, name: str, content: bytes) -> str:
        """Upload a file; its media id, valid for three days. Raises ChannelError."""
        how: dict[str, Any] = {"params": {"type": kind}, "files": {"media": (name, content)}}
        how["timeout"] = self.timeouts.upload
        with idempotent_call():
            answer = self._with_token(lambda token: parse_answer(self._request("POST", "media/upload", token, **how)))
        return required_field(answer, "media_id")

    def fetch(self, media_id: str) -> Iterator[bytes]:
        """The bytes of a media id, in chunks. Raises MediaGone, or another ChannelError: retry from the start."""
        return download(lambda start: self._with_token(lambda token: self._range(media_id, start, token)), self._limits)

    def _range(self, media_id: str, start: int, token: str) -> MediaRange:
        headers, params = media_headers(start, _RANGE_BYTES), {"media_id": media_id}
        return MediaRange(self._request("GET", "media/get", token, params=params, headers=headers, stream=True), start)
