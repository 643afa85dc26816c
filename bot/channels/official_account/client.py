"""The Official Account's API: its own host, the stable access token, films by URL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import requests

from bot.channels.errors import Permanent, Transient, idempotent_call
from bot.channels.ssrf_guard import SsrfGuard
from bot.channels.wecom_api.client import StoreFactory, WeComClient, parse_token
from bot.channels.wecom_api.http import parse_answer
from bot.channels.wecom_api.media import DownloadLimits, MediaRange, download, media_headers
from bot.clock import Clock

# What a platform answers that does not have the call.
_NOT_FOUND, _INVALID_URL = 404, 40066
# Several times what people can send to an account: the URL of a film is the platform's, the host behind it may not be.
_FILM_LIMITS = DownloadLimits(max_bytes=256 * 1024 * 1024, max_s=3600.0)


class OfficialAccountClient(WeComClient):
    """The API of one account; a film is downloaded from the URL that the platform gives, through the SSRF guard."""

    def __init__(
        self,
        url: str,
        app_id: str,
        secret: str,
        clock: Clock,
        transaction: StoreFactory,
        ssrf_guard: SsrfGuard,
        limits: DownloadLimits = _FILM_LIMITS,
    ) -> None:
        super().__init__(url, app_id, secret, clock, transaction, limits=limits)
        self._token_name, self._ssrf_guard = f"official_account/{app_id}", ssrf_guard

    def _request_token(self, *, renew: bool) -> tuple[str, timedelta]:
        """The stable token, which all programs of the account share; with `renew` it is replaced for all of them."""
        params = {"grant_type": "client_credential", "appid": self._corp_id, "secret": self._secret}
        body = json.dumps({**params, "force_refresh": renew})
        headers = {"Content-Type": "application/json"}
        with idempotent_call():
            answer = self._request("POST", "stable_token", data=body, headers=headers)
            if answer.status_code != _NOT_FOUND:
                try:
                    return parse_token(parse_answer(answer))
                except Permanent as error:
                    if error.code != _INVALID_URL:
                        raise
            return parse_token(parse_answer(self._request("GET", "token", params=params)))

    def fetch(self, media_id: str) -> Iterator[bytes]:
        """The bytes of a media id. Raises ChannelError: retry from the start."""
        media = self._with_token(lambda token: self._media(media_id, token))
        if isinstance(media, MediaRange):
            yield from media.chunks()
        else:
            guard = self._ssrf_guard
            yield from download(
                lambda start: MediaRange(guard.get_media(media, media_headers(start)), start), self._limits
            )

    def _media(self, media_id: str, token: str) -> MediaRange | str:
        """The bytes themselves, or the URL of a film."""
        params = {"media_id": media_id}
        response = self._request("GET", "media/get", token, params=params, headers=media_headers(), stream=True)
        if not _is_text(response):
            return MediaRange(response, 0)
        url = parse_answer(response).get("video_url")
        if not isinstance(url, str) or not url:
            raise Transient("the answer is neither media nor an error")
        return url


def _is_text(response: requests.Response) -> bool:
    """Whether the body is an answer and not a file; the platform often labels its JSON as plain text."""
    kind = response.headers.get("Content-Type", "")
    return "Content-Disposition" not in response.headers and ("json" in kind or kind.startswith("text/"))
