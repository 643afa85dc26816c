"""The Official Account: its followers, their windows, its token and its films (protocol sheet, section 10)."""

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.faults import Faults
from bot.devtools.simulator.core.media import Media, MediaStore
from bot.devtools.simulator.core.official_account_callback import AccountCallbackSender
from bot.devtools.simulator.core.official_account_phone import FollowerPhone
from bot.devtools.simulator.core.official_account_records import AccountProfile, Follower, Template
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.servers import HttpServer
from bot.devtools.simulator.core.tokens import AccessTokens

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

FILM_URL_TTL_SECONDS = 1800
REMINDER_TEMPLATE = Template(
    "PretendTemplate0001", "夜间巡检提醒", "事项：{{thing1.DATA}}\n时间：{{time2.DATA}}\n说明：{{thing3.DATA}}"
)


class OfficialAccount:
    """One account on a host of its own; made by the cloud."""

    def __init__(self, state: "Cloud") -> None:
        self._cloud, self.lock = state, state.lock
        self.profile = AccountProfile()
        self.followers: dict[str, Follower] = {}
        self.callback_sender = AccountCallbackSender(self)
        self.faults = Faults()
        self.templates = [REMINDER_TEMPLATE]
        self.server: HttpServer | None = None
        self.reset()

    def reset(self) -> None:
        """Nobody has said anything; the account and its followers stay."""
        self.tokens, self.media = AccessTokens(), MediaStore()
        self.ip_allowed = True
        """Whether the bot's address is on the whitelist; if not, no token is given."""
        self.films_as_bytes = self.plain_text_json = self.redirects_films = False
        """How media/get answers for films: by the bytes, or by an address; as what; and whether that moves on."""
        self.template_limit = RateLimit(100, 24 * 3600)
        self.unreported_templates: list[tuple[int, str]] = []
        self._addresses: dict[str, tuple[str, float]] = {}
        self._phones: dict[str, FollowerPhone] = {}
        self.faults.clear()
        for each in self.followers.values():
            each.received.clear()
            each.replies_until, each.replies_left = 0.0, 0

    def configure(self, **changes: str) -> AccountProfile:
        """Change fields of the account; the rest stays."""
        self.profile = replace(self.profile, **changes)
        return self.profile

    def add_follower(self, openid: str, name: str = "") -> FollowerPhone:
        """Somebody who follows; return the phone."""
        self.followers[openid] = Follower(openid, name or openid)
        return self.follower_phone(openid)

    def follower_phone(self, openid: str) -> FollowerPhone:
        """The WeChat of somebody who follows or once did; KeyError for anybody else."""
        return self._phones.setdefault(openid, FollowerPhone(self, self.followers[openid]))

    def now(self) -> float:
        """Unix seconds by the cloud's clock."""
        return self._cloud.now()

    def next_msg_id(self) -> int:
        """A MsgId that was never used before."""
        return self._cloud.next_msg_id()

    def record_violation(self, endpoint: str, errcode: int, description: str) -> None:
        """Remember something the bot did that the platform refuses or swallows."""
        self._cloud.record_violation(f"official_account/{endpoint}", errcode, description)

    def issue_token(self, body: Json) -> Json:
        """An access token; unless it is to be another, the same one within its life."""
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
        """Raise unless the call carries the living token; here a dead one is said to be a wrong credential."""
        with self.lock:
            try:
                self.tokens.check(token, self.now())
            except ApiError as refusal:
                code = 40001 if refusal.errcode == 40014 else refusal.errcode
                raise ApiError(
                    code, "invalid credential, access_token is not the latest", is_violation=refusal.is_violation
                ) from None

    def issue_film_url(self, media: Media) -> str:
        """A fresh address of a film, on another host, for half an hour."""
        key = secrets.token_hex(12)
        self._addresses[key] = (media.media_id, self.now())
        return f"{self.url.replace('127.0.0.1', 'localhost')}/film/{key}"

    def find_film(self, key: str) -> Media | None:
        """The film at an address that still lives."""
        media_id, made_at = self._addresses.get(key, ("", -FILM_URL_TTL_SECONDS * 2.0))
        return self.media.find(media_id, self.now()) if self.now() < made_at + FILM_URL_TTL_SECONDS else None

    def send_template_results(self, status: str = "success") -> list[int]:
        """Tell what became of the templates sent since; how the bot's door answered."""
        statuses = []
        while self.unreported_templates:
            msgid, openid = self.unreported_templates.pop(0)
            statuses += self.callback_sender.post(
                {
                    "ToUserName": self.profile.original_id, "FromUserName": openid, "CreateTime": int(self.now()),
                    "MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", "MsgID": msgid, "Status": status,
                }
            )  # fmt: skip
        return statuses

    @property
    def url(self) -> str:
        """Address of the account's host; a placeholder before serve()."""
        return self.server.url if self.server else "http://simulator.invalid"

    def settings(self) -> dict[str, str]:
        """The bot's settings for this account, by the names of its .env file."""
        return {
            "OFFICIAL_ACCOUNT_API_URL": self.url,
            "OFFICIAL_ACCOUNT_APP_ID": self.profile.app_id,
            "OFFICIAL_ACCOUNT_APP_SECRET": self.profile.secret,
            "OFFICIAL_ACCOUNT_TOKEN": self.profile.token,
            "OFFICIAL_ACCOUNT_ENCODING_AES_KEY": self.profile.encoding_aes_key,
            "OFFICIAL_ACCOUNT_TEMPLATE_ID": REMINDER_TEMPLATE.template_id,
            "MEDIA_HOSTS": "localhost",
        }

    def serve(self, port: int = 0) -> str:
        """Answer on the loopback address, from a thread; returns the address."""
        from bot.devtools.simulator.api.official_account_api import create_account_app

        if self.server is None:
            self.server = HttpServer(create_account_app(self), port)
        return self.server.url

    def close(self) -> None:
        """Stop serving."""
        server, self.server = self.server, None
        if server is not None:
            server.close()
