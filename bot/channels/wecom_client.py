"""WeCom's API: one token for all processes, every call with a time limit, films fetched in ranges.

wechatpy's own client hard-codes the host, has no time limit for tokens and media and reads whole
films into memory (building blocks, 4); this thin one replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bot.channels.errors import (
    ChannelError,
    MediaGone,
    Misconfigured,
    Permanent,
    TokenStale,
    Transient,
    Unheard,
    from_code,
)  # fmt: skip
from bot.clock import Clock, monotonic, pause, wall_now
from storage.store import Store

_CONNECT_S, _READ_S, _UPLOAD_S = 5, 15, 120
# The platform's limit for one range is 20 MB; 8 MB is comfortable (protocol sheet 3.1).
_RANGE = 8 * 1024 * 1024
_PIECE = 256 * 1024
_RESUMES = 5
# A token is renewed a little before its life ends, so that none dies under way.
_EARLY = timedelta(seconds=120)
_TOKEN_PATIENCE = timedelta(seconds=30)

Transaction = Callable[[], AbstractContextManager[Store]]


def session() -> requests.Session:
    """A connection pool large enough for all workers of a process."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=32))
    return made


def call(http: requests.Session, method: str, url: str, **kwargs: Any) -> requests.Response:
    """One request, its failures told apart by whether the platform can have acted on it."""
    kwargs.setdefault("timeout", (_CONNECT_S, _READ_S))
    try:
        response = http.request(method, url, allow_redirects=False, **kwargs)
    except (requests.ConnectTimeout, requests.exceptions.SSLError) as error:
        raise Transient(_without_address(error)) from error
    except requests.ConnectionError as error:
        raise (Transient if "Failed to establish" in str(error) else Unheard)(_without_address(error)) from error
    except requests.RequestException as error:
        raise Unheard(_without_address(error)) from error
    if response.status_code >= 500 or response.status_code == 429:
        response.close()
        raise Transient(f"HTTP {response.status_code}")
    return response


def _without_address(error: Exception) -> str:
    """The kind of failure only: the address holds tokens and keys."""
    return type(error).__name__


def checked(response: requests.Response) -> dict[str, Any]:
    """The JSON of an answer whose errcode is 0. Raises ChannelError by the code."""
    try:
        answer = response.json()
    except (ValueError, requests.RequestException) as error:
        raise Unheard(f"HTTP {response.status_code} without JSON") from error
    if not isinstance(answer, dict):
        raise Unheard("an answer that is no object")
    code = int(answer.get("errcode") or 0)
    if code:
        raise from_code(code, str(answer.get("errmsg", "")))
    return answer


class WeComClient:
    """One app of one corp. `transaction` opens the database that all processes share the token by."""

    def __init__(
        self,
        url: str,
        corp_id: str,
        secret: str,
        clock: Clock,
        transaction: Callable[[], AbstractContextManager[Store]],
    ) -> None:
        self._url, self._corp_id, self._secret = url.rstrip("/"), corp_id, secret
        self._clock, self._transaction = clock, transaction
        self._http = session()
        self._name = f"wecom/{corp_id}/app"

    def token(self, dead: str | None = None) -> str:
        """A living access token; of all processes one fetches it, the others wait for it."""
        deadline = monotonic() + _TOKEN_PATIENCE.total_seconds()
        while monotonic() < deadline:
            now = self._clock.now()
            with self._transaction() as store:
                found = store.tokens.valid(self._name, now)
                if found is not None and found != dead:
                    return found
                mine = store.tokens.lease(self._name, dead, now, wall_now(), _TOKEN_PATIENCE)
            if mine:
                return self._fetch_token()
            pause(0.05)
        raise Transient("no token in time")

    def _fetch_token(self) -> str:
        try:
            url = f"{self._url}/cgi-bin/gettoken"
            answer = checked(call(self._http, "GET", url, params={"corpid": self._corp_id, "corpsecret": self._secret}))
            value, life = str(answer["access_token"]), timedelta(seconds=int(answer["expires_in"]))
        except ChannelError as error:
            with self._transaction() as store:
                store.tokens.give_up(self._name)
            # Here the same code means a wrong secret: asking again only gets this address blocked (2.1).
            raise Misconfigured(error.detail, error.code) if isinstance(error, TokenStale) else error from error
        with self._transaction() as store:
            store.tokens.keep(self._name, value, self._clock.now() + max(life - _EARLY, life / 2))
        return value

    def _with_token(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        params = {**kwargs.pop("params", {}), "access_token": self.token()}
        return call(self._http, method, f"{self._url}/cgi-bin/{path}", params=params, **kwargs)

    def _twice(self, once: Callable[[], Any]) -> Any:
        """Once more with a fresh token where the first was refused (class T: once, not for ever)."""
        try:
            return once()
        except TokenStale:
            with self._transaction() as store:
                stale = store.tokens.valid(self._name, self._clock.now())
            self.token(dead=stale)
            try:
                return once()
            except TokenStale as error:
                raise Transient(error.detail, error.code) from error

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON to /cgi-bin/`path`. Raises ChannelError."""
        data = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        answer: dict[str, Any] = self._twice(
            lambda: checked(self._with_token("POST", path, data=data, headers=headers))
        )
        return answer

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """GET /cgi-bin/`path` as JSON. Raises ChannelError."""
        answer: dict[str, Any] = self._twice(lambda: checked(self._with_token("GET", path, params=params)))
        return answer

    def upload(self, kind: str, name: str, content: bytes) -> str:
        """The media id of an uploaded file, good for three days (3.2)."""
        answer = self._twice(
            lambda: checked(
                self._with_token(
                    "POST", "media/upload", params={"type": kind}, files={"media": (name, content)},
                    timeout=(_CONNECT_S, _UPLOAD_S),
                )
            )
        )  # fmt: skip
        return str(answer["media_id"])

    def fetch(self, media_id: str) -> Iterator[bytes]:
        """The bytes of a media id. Raises MediaGone, Transient, Permanent (cut short for good).

        Ranges of 8 MB, one after the other; a body that breaks off is taken up where it broke.
        """
        done, total, broken = 0, None, 0
        while total is None or done < total:
            try:
                part = self._twice(lambda: self._range(media_id, done))  # noqa: B023 - called before `done` moves
                total = part.total
                for piece in part.pieces():
                    done += len(piece)
                    yield piece
            except Unheard:
                broken += 1
                if broken > _RESUMES:
                    raise
                continue
            if total is None:
                total = done

    def _range(self, media_id: str, start: int) -> _Part:
        headers = {"Range": f"bytes={start}-{start + _RANGE - 1}"}
        response = self._with_token("GET", "media/get", params={"media_id": media_id}, headers=headers, stream=True)
        return _Part(response, start)


class _Part:
    """One ranged answer of media/get, with its lies found out (protocol sheet 3.1)."""

    def __init__(self, response: requests.Response, start: int) -> None:
        self._response = response
        kind = response.headers.get("Content-Type", "")
        named = "Content-Disposition" in response.headers
        if not named and ("json" in kind or "text/plain" in kind):
            checked(response)
            raise MediaGone("an answer that is neither media nor error")
        if response.status_code not in (200, 206):
            raise Permanent(f"HTTP {response.status_code}")
        whole = response.status_code == 200
        if whole and start:
            raise Permanent("the platform gives no ranges, and the film was cut")
        self._length = _number(response.headers.get("Content-Length"))
        self.total = self._length if whole else _total(response.headers.get("Content-Range", ""))

    def pieces(self) -> Iterator[bytes]:
        """The bytes; Unheard when fewer come than were announced."""
        got = 0
        try:
            for piece in self._response.iter_content(_PIECE):
                got += len(piece)
                yield piece
        except requests.RequestException as error:
            raise Unheard(f"broke off after {got} bytes") from error
        finally:
            self._response.close()
        if self._length is not None and got < self._length:
            raise Unheard(f"{got} of {self._length} bytes")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _total(content_range: str) -> int | None:
    return _number(content_range.rpartition("/")[2])
