"""The Official Account: its followers, their windows, its token and its films (protocol sheet, section 10)."""

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.errors import Refusal
from bot.devtools.simulator.core.faults import Faults
from bot.devtools.simulator.core.media import Media, MediaStore
from bot.devtools.simulator.core.official_account_callback import AccountCourier
from bot.devtools.simulator.core.official_account_phone import FollowerPhone
from bot.devtools.simulator.core.official_account_records import Account, Follower, Template
from bot.devtools.simulator.core.rate_limit import Window
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.servers import Server
from bot.devtools.simulator.core.tokens import Tokens

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

FILM_SECONDS = 1800
REMINDER = Template(
    "PretendTemplate0001", "夜间巡检提醒", "事项：{{thing1.DATA}}\n时间：{{time2.DATA}}\n说明：{{thing3.DATA}}"
)


class OfficialAccount:
    """One account on a host of its own; made by the cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud, self.lock = cloud, cloud.lock
        self.account = Account()
        self.followers: dict[str, Follower] = {}
        self.courier = AccountCourier(self)
        self.faults = Faults()
        self.templates = [REMINDER]
        self.server: Server | None = None
        self.forget()

    def forget(self) -> None:
        """Nobody has said anything; the account and its followers stay."""
        self.tokens, self.media = Tokens(), MediaStore()
        self.allowed_ip = True
        """Whether the bot's address is on the whitelist; if not, no token is given."""
        self.raw_films = self.plain_text_json = self.redirects = False
        """How media/get answers for films: by the bytes, or by an address; as what; and whether that moves on."""
        self.template_rate = Window(100, 24 * 3600)
        self.finished: list[tuple[int, str]] = []
        self._addresses: dict[str, tuple[str, float]] = {}
        self._phones: dict[str, FollowerPhone] = {}
        self.faults.clear()
        for each in self.followers.values():
            each.heard.clear()
            each.open_until, each.left = 0.0, 0

    def configure(self, **changes: str) -> Account:
        """Change fields of the account; the rest stays."""
        self.account = replace(self.account, **changes)
        return self.account

    def add_follower(self, openid: str, name: str = "") -> FollowerPhone:
        """Somebody who follows; return the phone."""
        self.followers[openid] = Follower(openid, name or openid)
        return self.phone(openid)

    def phone(self, openid: str) -> FollowerPhone:
        """The WeChat of somebody who follows or once did; KeyError for anybody else."""
        return self._phones.setdefault(openid, FollowerPhone(self, self.followers[openid]))

    def now(self) -> float:
        """Unix seconds by the cloud's clock."""
        return self._cloud.now()

    def next_msg_id(self) -> int:
        """A MsgId that was never used before."""
        return self._cloud.next_msg_id()

    def complain(self, endpoint: str, errcode: int, what: str) -> None:
        """Remember something the bot did that the platform refuses or swallows."""
        self._cloud.complain(f"official_account/{endpoint}", errcode, what)

    def issue(self, body: Json) -> Json:
        """An access token; unless it is to be another, the same one within its life."""
        if not body.get("appid"):
            raise Refusal(41002, "appid missing")
        if body["appid"] != self.account.app_id:
            raise Refusal(40013, "invalid appid")
        if body.get("secret") != self.account.secret:
            raise Refusal(40125, "invalid appsecret")
        if body.get("grant_type") != "client_credential":
            raise Refusal(40002, "invalid grant_type")
        if not self.allowed_ip:
            raise Refusal(40164, "invalid ip 203.0.113.7, not in whitelist", blame=False)
        if body.get("force_refresh"):
            self.tokens.kill()
        token, seconds = self.tokens.issue(self.now())
        return {"access_token": token, "expires_in": seconds}

    def check_token(self, token: str | None) -> None:
        """Raise unless the call carries the living token; here a dead one is said to be a wrong credential."""
        with self.lock:
            try:
                self.tokens.check(token, self.now())
            except Refusal as refusal:
                code = 40001 if refusal.errcode == 40014 else refusal.errcode
                raise Refusal(code, "invalid credential, access_token is not the latest", blame=refusal.blame) from None

    def film_url(self, media: Media) -> str:
        """A fresh address of a film, on another host, for half an hour."""
        key = secrets.token_hex(12)
        self._addresses[key] = (media.media_id, self.now())
        return f"{self.url.replace('127.0.0.1', 'localhost')}/film/{key}"

    def film_of(self, key: str) -> Media | None:
        """The film at an address that still lives."""
        media_id, made_at = self._addresses.get(key, ("", -FILM_SECONDS * 2.0))
        return self.media.find(media_id, self.now()) if self.now() < made_at + FILM_SECONDS else None

    def report_templates(self, status: str = "success") -> list[int]:
        """Tell what became of the templates sent since; how the bot's door answered."""
        statuses = []
        while self.finished:
            msgid, openid = self.finished.pop(0)
            statuses += self.courier.post(
                {
                    "ToUserName": self.account.original_id, "FromUserName": openid, "CreateTime": int(self.now()),
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
            "OFFICIAL_ACCOUNT_APP_ID": self.account.app_id,
            "OFFICIAL_ACCOUNT_APP_SECRET": self.account.secret,
            "OFFICIAL_ACCOUNT_TOKEN": self.account.token,
            "OFFICIAL_ACCOUNT_ENCODING_AES_KEY": self.account.encoding_aes_key,
            "OFFICIAL_ACCOUNT_TEMPLATE_ID": REMINDER.template_id,
            "MEDIA_HOSTS": "localhost",
        }

    def serve(self, port: int = 0) -> str:
        """Answer on the loopback address, from a thread; returns the address."""
        from bot.devtools.simulator.api.official_account_api import create_account_app

        if self.server is None:
            self.server = Server(create_account_app(self), port)
        return self.server.url

    def close(self) -> None:
        """Stop serving."""
        server, self.server = self.server, None
        if server is not None:
            server.close()
