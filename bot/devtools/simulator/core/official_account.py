"""The Official Account (公众号): its followers, access token, templates and films."""

import secrets
from dataclasses import replace

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.faults import Faults
from bot.devtools.simulator.core.media import Media, MediaStore
from bot.devtools.simulator.core.official_account_callback import AccountCallbackSender
from bot.devtools.simulator.core.official_account_records import AccountProfile, Follower, Template
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.servers import HttpServer
from bot.devtools.simulator.core.state import CloudState
from bot.devtools.simulator.core.tokens import AccessTokens

FILM_URL_TTL_SECONDS = 1800
REMINDER_TEMPLATE = Template(
    "PretendTemplate0001", "夜间巡检提醒", "事项：{{thing1.DATA}}\n时间：{{time2.DATA}}\n说明：{{thing3.DATA}}"
)


class OfficialAccount:
    """One account, served on a host of its own."""

    def __init__(self, state: CloudState) -> None:
        self._state, self.lock = state, state.lock
        self.profile = AccountProfile()
        self.followers: dict[str, Follower] = {}
        self.callback_sender = AccountCallbackSender(state, lambda: self.profile)
        self.faults = Faults()
        self.templates = [REMINDER_TEMPLATE]
        self.server: HttpServer | None = None
        self.reset()

    def reset(self) -> None:
        """Delete messages, media, tokens and counters; the account and its followers stay."""
        self.tokens, self.media = AccessTokens(), MediaStore()
        self.ip_allowed = True
        """Whether the bot's IP is on the account's whitelist; if not, no token is issued."""
        self.films_as_bytes = False
        """Whether media/get answers films as bytes, as it does pictures, and not with a URL."""
        self.plain_text_json = False
        """Whether media/get labels its JSON text/plain, as the platform often does."""
        self.redirects_films = False
        """Whether the URL of a film redirects once."""
        self.template_limit = RateLimit(100, 24 * 3600)
        self.unreported_templates: list[tuple[int, str]] = []
        self._film_urls: dict[str, tuple[str, float]] = {}
        self.faults.clear()
        for follower in self.followers.values():
            follower.received.clear()
            follower.replies_until, follower.replies_left = 0.0, 0

    def configure(self, **changes: str) -> AccountProfile:
        """Change fields of the profile."""
        self.profile = replace(self.profile, **changes)
        return self.profile

    def now(self) -> float:
        """Unix seconds."""
        return self._state.now()

    def next_msg_id(self) -> int:
        """A MsgId that was never used before."""
        return self._state.next_msg_id()

    def record_violation(self, endpoint: str, errcode: int, description: str) -> None:
        """Record something the bot did that the platform rejects or silently drops."""
        self._state.record_violation(f"official_account/{endpoint}", errcode, description)

    def issue_token(self, body: Json) -> Json:
        """An access token: until it expires the same one, unless `force_refresh` is set."""
        if not body.get("appid"):
            raise ApiError(41002, "appid missing")
        if body["appid"] != self.profile.app_id:
            raise ApiError(40013, "invalid appid")
        if body.get("secret") != self.profile.secret:
            raise ApiError(40125, "invalid appsecret")
        if body.get("grant_type") != "client_credential":
            raise ApiError(40002, "invalid grant_type")
        if not self.ip_allowed:
            raise ApiError(40164, "invalid ip 203.0.113.7, not in whitelist", is_violation=False)
        if body.get("force_refresh"):
            self.tokens.revoke()
        token, seconds = self.tokens.issue(self.now())
        return {"access_token": token, "expires_in": seconds}

    def check_token(self, token: str | None) -> None:
        """Raise unless the token is valid; an invalid one is 40001 here, not 40014 as in WeCom."""
        with self.lock:
            try:
                self.tokens.check(token, self.now())
            except ApiError as error:
                errcode = 40001 if error.errcode == 40014 else error.errcode
                message = "invalid credential, access_token is not the latest"
                raise ApiError(errcode, message, is_violation=error.is_violation) from None

    def issue_film_url(self, media: Media) -> str:
        """A new URL of a film, on another host and valid for half an hour."""
        key = secrets.token_hex(12)
        self._film_urls[key] = (media.media_id, self.now())
        return f"{self.url.replace('127.0.0.1', 'localhost')}/film/{key}"

    def find_film(self, key: str) -> Media | None:
        """The film at a URL that has not expired."""
        media_id, issued_at = self._film_urls.get(key, ("", float("-inf")))
        return self.media.find(media_id, self.now()) if self.now() < issued_at + FILM_URL_TTL_SECONDS else None

    def send_template_results(self, status: str = "success") -> list[int]:
        """Send the event with the result of each template message since the last call; returns all statuses."""
        statuses = []
        while self.unreported_templates:
            msgid, openid = self.unreported_templates.pop(0)
            event: dict[str, str | int] = {
                "ToUserName": self.profile.original_id,
                "FromUserName": openid,
                "CreateTime": int(self.now()),
                "MsgType": "event",
                "Event": "TEMPLATESENDJOBFINISH",
                "MsgID": msgid,
                "Status": status,
            }
            statuses += self.callback_sender.post(event)
        return statuses

    @property
    def url(self) -> str:
        """Base URL of the account's host; a placeholder while it is not served."""
        return self.server.url if self.server else "http://simulator.invalid"

    def settings(self) -> dict[str, str]:
        """The bot's settings for this account, by the names used in its .env file."""
        return {
            "OFFICIAL_ACCOUNT_API_URL": self.url,
            "OFFICIAL_ACCOUNT_APP_ID": self.profile.app_id,
            "OFFICIAL_ACCOUNT_APP_SECRET": self.profile.secret,
            "OFFICIAL_ACCOUNT_TOKEN": self.profile.token,
            "OFFICIAL_ACCOUNT_ENCODING_AES_KEY": self.profile.encoding_aes_key,
            "OFFICIAL_ACCOUNT_TEMPLATE_ID": REMINDER_TEMPLATE.template_id,
            "MEDIA_HOSTS": "localhost",
        }

    def close(self) -> None:
        """Stop serving."""
        server, self.server = self.server, None
        if server is not None:
            server.close()
