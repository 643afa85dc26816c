"""WeCom's API: one token for all processes, every call with a time limit, films fetched in ranges.

wechatpy's own client hard-codes the host, has no time limit for tokens and media and reads whole
films into memory (building blocks, 4); this thin one replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import requests

from bot.channels.errors import ChannelError, Misconfigured, OutcomeUnknown, TokenInvalid, Transient, idempotent_call
from bot.channels.wecom_api.http import (
    CONNECT_TIMEOUT_S,
    UPLOAD_TIMEOUT_S,
    new_session,
    parse_answer,
    parse_int,
    required_field,
    send_request,
)
from bot.channels.wecom_api.media import MediaRange
from bot.clock import Clock, monotonic, sleep, wall_now
from storage.store import Store

# The platform's limit for one range is 20 MB; 8 MB is comfortable (protocol sheet 3.1).
_RANGE = 8 * 1024 * 1024
_RESUMES = 5
# A token is renewed a little before its life ends, so that none dies under way.
_HELD = timedelta(seconds=60)
# Many calls with a wrong secret get the calling address blocked for an hour (2.1).
_WRONG_SECRET, WRONG_SECRET_PAUSE_S = (40001, 40013, 40091, 40125), 10
_EARLY = timedelta(seconds=120)
_TOKEN_PATIENCE = timedelta(seconds=30)

StoreFactory = Callable[[], AbstractContextManager[Store]]


def parse_token(answer: dict[str, Any]) -> tuple[str, timedelta]:
    """The token that a good answer holds, and its life."""
    life = parse_int(required_field(answer, "expires_in"))
    if life is None:
        raise Transient("a token without its life")
    return required_field(answer, "access_token"), timedelta(seconds=life)


class WeComClient:
    """One secret of one corp, each with its own API family and token. `transaction` opens the database that all
    processes share the token by, under `name`."""

    def __init__(
        self,
        url: str,
        corp_id: str,
        secret: str,
        clock: Clock,
        transaction: StoreFactory,
        token_name: str = "app",
    ) -> None:
        self._url, self._corp_id, self._secret = url.rstrip("/"), corp_id, secret
        self._clock, self._transaction = clock, transaction
        self._http = new_session()
        self._name = f"wecom/{corp_id}/{token_name}"
        self._held: tuple[str, datetime] | None = None
        self._refused: tuple[Misconfigured, float] | None = None

    def token(self, rejected: str | None = None) -> str:
        """A living access token; of all processes one fetches it, the others wait for it.

        Held for a little while without asking the database; the platform tells when it has died before.
        """
        if self._held is not None and self._held[0] != rejected and self._clock.now() < self._held[1]:
            return self._held[0]
        deadline = monotonic() + _TOKEN_PATIENCE.total_seconds()
        while monotonic() < deadline:
            now = self._clock.now()
            with self._transaction() as store:
                found = store.access_tokens.get_valid(self._name, now)
                if found is not None and found != rejected:
                    self._held = found, now + _HELD
                    return found
                mine = store.access_tokens.acquire_lease(self._name, rejected, now, wall_now(), _TOKEN_PATIENCE)
            if mine:
                return self._fetch_token(renew=rejected is not None)
            sleep(0.05)
        raise Transient("no token in time")

    def _fetch_token(self, *, renew: bool) -> str:
        try:
            self._spare_the_platform()
            value, life = self._ask_for_token(renew=renew)
        except ChannelError as error:
            with self._transaction() as store:
                store.access_tokens.release_lease(self._name)
            # Here the same code means a wrong secret: asking again only gets this address blocked (2.1).
            told = Misconfigured(error.detail, error.code) if isinstance(error, TokenInvalid) else error
            if isinstance(told, Misconfigured) and told.code in _WRONG_SECRET and self._refused is None:
                self._refused = told, monotonic() + WRONG_SECRET_PAUSE_S
            raise told from None
        with self._transaction() as store:
            store.access_tokens.save(self._name, value, self._clock.now() + max(life - _EARLY, life / 2))
        return value

    def _spare_the_platform(self) -> None:
        """A secret that was just refused is not tried again at once."""
        if self._refused is not None:
            error, until = self._refused
            if monotonic() < until:
                raise Misconfigured(error.detail, error.code)
            self._refused = None

    def _ask_for_token(self, *, renew: bool) -> tuple[str, timedelta]:
        """A token and its life; to `renew` one that died early, this platform needs no other words."""
        params = {"corpid": self._corp_id, "corpsecret": self._secret}
        with idempotent_call():
            return parse_token(
                parse_answer(send_request(self._http, "GET", f"{self._url}/cgi-bin/gettoken", params=params))
            )

    def _with_token(self, method: str, path: str, token: str, **kwargs: Any) -> requests.Response:
        params = {**kwargs.pop("params", {}), "access_token": token}
        return send_request(self._http, method, f"{self._url}/cgi-bin/{path}", params=params, **kwargs)

    def _twice(self, once: Callable[[str], Any]) -> Any:
        """Once more with a fresh token where the first was refused (class T: once, not for ever).

        The one that was refused is named: another thread may have put a fresh one in place since.
        """
        token = self.token()
        try:
            return once(token)
        except TokenInvalid:
            pass
        try:
            return once(self.token(rejected=token))
        except TokenInvalid as error:
            raise Transient(error.detail, error.code) from None

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON to /cgi-bin/`path`. Raises ChannelError."""
        data = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        answer: dict[str, Any] = self._twice(
            lambda token: parse_answer(self._with_token("POST", path, token, data=data, headers=headers))
        )
        return answer

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """GET /cgi-bin/`path` as JSON. Raises ChannelError."""
        answer: dict[str, Any] = self._twice(
            lambda token: parse_answer(self._with_token("GET", path, token, params=params))
        )
        return answer

    def upload(self, kind: str, name: str, content: bytes) -> str:
        """The media id of an uploaded file, good for three days (3.2)."""
        with idempotent_call():
            answer = self._twice(
                lambda token: parse_answer(
                    self._with_token(
                        "POST", "media/upload", token, params={"type": kind}, files={"media": (name, content)},
                        timeout=(CONNECT_TIMEOUT_S, UPLOAD_TIMEOUT_S),
                    )
                )
            )  # fmt: skip
        return required_field(answer, "media_id")

    def fetch(self, media_id: str) -> Iterator[bytes]:
        """The bytes of a media id. Raises MediaGone, or another ChannelError: begin again later.

        Ranges of 8 MB, one after the other; a body that breaks off is taken up where it broke.
        """
        done, total, broken = 0, None, 0
        while total is None or done < total:
            try:
                part = self._twice(lambda token: self._range(media_id, done, token))  # noqa: B023 - called at once
                total = part.total_bytes
                for piece in part.chunks():
                    done += len(piece)
                    yield piece
            except OutcomeUnknown:
                broken += 1
                if broken > _RESUMES:
                    raise
                continue
            if total is None:
                total = done

    def _range(self, media_id: str, start: int, token: str) -> MediaRange:
        # Nothing packed on the way: the length that is announced is that of the film.
        headers = {"Range": f"bytes={start}-{start + _RANGE - 1}", "Accept-Encoding": "identity"}
        params = {"media_id": media_id}
        response = self._with_token("GET", "media/get", token, params=params, headers=headers, stream=True)
        return MediaRange(response, start)
