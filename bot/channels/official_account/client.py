"""The Official Account's API: its own host and token, films by a second address (protocol sheet 10)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import requests

from bot.channels.errors import Permanent, Transient, idempotent_call
from bot.channels.ssrf_guard import SsrfGuard
from bot.channels.wecom_api.client import StoreFactory, WeComClient, parse_token
from bot.channels.wecom_api.http import parse_answer, send_request
from bot.channels.wecom_api.media import MediaRange
from bot.clock import Clock

_NO_SUCH_CALL = 404


class OfficialAccountClient(WeComClient):
    """Calls in the name of one account; films are fetched from wherever it says, past the guard."""

    def __init__(
        self, url: str, app_id: str, secret: str, clock: Clock, transaction: StoreFactory, ssrf_guard: SsrfGuard
    ) -> None:
        super().__init__(url, app_id, secret, clock, transaction)
        self._name, self._guard = f"official_account/{app_id}", ssrf_guard

    def _ask_for_token(self, *, renew: bool) -> tuple[str, timedelta]:
        """The stable token, which takes nobody else's away; only one that died early is replaced for everybody."""
        asked = {"grant_type": "client_credential", "appid": self._corp_id, "secret": self._secret}
        body = json.dumps({**asked, "force_refresh": renew})
        headers = {"Content-Type": "application/json"}
        with idempotent_call():
            answer = send_request(self._http, "POST", f"{self._url}/cgi-bin/stable_token", data=body, headers=headers)
            if answer.status_code != _NO_SUCH_CALL:
                try:
                    return parse_token(parse_answer(answer))
                except Permanent as error:
                    if error.code != _INVALID_URL:
                        raise
            return parse_token(
                parse_answer(send_request(self._http, "GET", f"{self._url}/cgi-bin/token", params=asked))
            )

    def fetch(self, media_id: str) -> Iterator[bytes]:
        """The bytes of a media id. Raises ChannelError: begin again later."""
        found: MediaRange | str = self._twice(lambda token: self._media(media_id, token))
        if isinstance(found, str):
            # Without a token: the films' host is another's.
            found = MediaRange(self._guard.get_media(found), 0)
        yield from found.chunks()

    def _media(self, media_id: str, token: str) -> MediaRange | str:
        """The bytes themselves, or the address at which a film lies."""
        headers = {"Accept-Encoding": "identity"}
        response = self._with_token(
            "GET", "media/get", token, params={"media_id": media_id}, headers=headers, stream=True
        )
        if not _speaks(response):
            return MediaRange(response, 0)
        address = parse_answer(response).get("video_url")
        if not isinstance(address, str) or not address:
            raise Transient("an answer that is neither media nor error")
        return address


# What the platform says to a call that it does not know.
_INVALID_URL = 40066


def _speaks(response: requests.Response) -> bool:
    """Whether an answer says something instead of being a file; its JSON often calls itself a plain text."""
    kind = response.headers.get("Content-Type", "")
    return "Content-Disposition" not in response.headers and ("json" in kind or kind.startswith("text/"))
