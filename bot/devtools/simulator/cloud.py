"""The simulated WeCom cloud: one corp with one app, its members, group robots and other channels."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from bot.devtools.simulator.core.aibot import Aibot
from bot.devtools.simulator.core.callback import CallbackSender, GetCallback
from bot.devtools.simulator.core.faults import Faults
from bot.devtools.simulator.core.kf import CustomerService
from bot.devtools.simulator.core.kf_phone import KfPhone
from bot.devtools.simulator.core.kf_records import Customer
from bot.devtools.simulator.core.official_account import OfficialAccount
from bot.devtools.simulator.core.official_account_phone import FollowerPhone
from bot.devtools.simulator.core.official_account_records import Follower
from bot.devtools.simulator.core.phone import Phone
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import App, Delivery, Group, Member, OwnMessage, Robot
from bot.devtools.simulator.core.state import CloudState
from bot.devtools.simulator.core.tokens import AccessTokens, SignInCodes


class Cloud(CloudState):
    """The whole simulator; thread-safe. Use it as a context manager, or call close()."""

    def __init__(
        self, clock: Callable[[], float] = time.time, app: App | None = None, films_dir: Path | None = None
    ) -> None:
        super().__init__(clock, app)
        self.films_dir = films_dir
        self.robots: dict[str, Robot] = {}
        self.faults = Faults()
        self.callback_sender = CallbackSender(self, lambda: self.app)
        self.kf = CustomerService(self)
        self.aibot = Aibot(self)
        self.official_account = OfficialAccount(self)

    def _clear(self) -> None:
        super()._clear()
        self.tokens = AccessTokens()
        self.sign_in_codes = SignInCodes()
        self.deliveries: list[Delivery] = []
        self.own_messages: dict[str, list[OwnMessage]] = {}
        self.duplicate_until: dict[str, float] = {}
        self.member_minute_limit = RateLimit(30, 60)
        self.member_hour_limit = RateLimit(1000, 3600)
        self.robot_minute_limit = RateLimit(20, 60, blocks_when_exceeded=True)
        self._phones: dict[str, Phone] = {}
        self._groups: dict[str, Group] = {}

    def configure(self, **changes: str | int) -> App:
        """Change fields of the app."""
        self.app = replace(self.app, **changes)  # type: ignore[arg-type]
        self.kf.configure(corp_id=self.app.corp_id)
        return self.app

    def add_member(self, userid: str, name: str = "", mobile: str = "", shows_cards: bool = True) -> Phone:
        """Add a member to the app's visible range."""
        self.members[userid] = Member(userid, name or userid, mobile, shows_cards)
        return self.phone(userid)

    def add_customer(self, external_userid: str, name: str = "") -> KfPhone:
        """Add a WeChat user who can open the customer service chat."""
        self.kf.customers[external_userid] = Customer(external_userid, name or external_userid)
        return self.customer_phone(external_userid)

    def add_follower(self, openid: str, name: str = "") -> FollowerPhone:
        """Add a follower of the Official Account."""
        self.official_account.followers[openid] = Follower(openid, name or openid)
        return self.follower_phone(openid)

    def add_robot(self, key: str, group_name: str = "", members: tuple[str, ...] = ()) -> Group:
        """Add a robot with its group; without members, mentions are not checked."""
        self.robots[key] = Robot(key, group_name or key, tuple(members))
        return self.group(key)

    def remove_robot(self, key: str) -> None:
        """Remove a robot from its group; its key is then answered with 93000."""
        self.robots.pop(key, None)

    def phone(self, userid: str) -> Phone:
        """Raises KeyError for a userid that is not a member."""
        with self.lock:
            member = self.members[userid]
            return self._phones.setdefault(member.userid, Phone(self, self.callback_sender, userid))

    def customer_phone(self, external_userid: str) -> KfPhone:
        """Raises KeyError for an unknown customer."""
        return KfPhone(self, self.kf, self.kf.customers[external_userid])

    def follower_phone(self, openid: str) -> FollowerPhone:
        """The phone of a current or former follower; raises KeyError for another openid."""
        return FollowerPhone(self.official_account, self.official_account.followers[openid])

    def group(self, key: str) -> Group:
        """Raises KeyError for an unknown robot key."""
        with self.lock:
            robot = self.robots[key]
            return self._groups.setdefault(key, Group(robot))

    def revoke_token(self) -> None:
        """Invalidate the app's access token before its expiry, as the platform may do."""
        with self.lock:
            self.tokens.revoke()

    def verify_url(self, get: GetCallback | None = None) -> bool:
        """Whether the admin console would accept the callback URL."""
        return self.callback_sender.verify_url(get)

    def reset(self) -> None:
        """Delete messages, media, counters, tokens and faults; the app, members, customers and robots stay."""
        with self.lock:
            self._clear()
            self.kf.reset()
            self.aibot.reset()
            self.official_account.reset()
            self.faults.clear()

    @property
    def settings(self) -> dict[str, str]:
        """The bot's settings for this cloud, by the names used in its .env file."""
        return {
            "WECOM_API_URL": self.url,
            "WECOM_CORP_ID": self.app.corp_id,
            "WECOM_AGENT_ID": str(self.app.agent_id),
            "WECOM_APP_SECRET": self.app.secret,
            "WECOM_CALLBACK_TOKEN": self.app.token,
            "WECOM_ENCODING_AES_KEY": self.app.encoding_aes_key,
            "WECOM_OAUTH_URL": f"{self.url}/connect/oauth2/authorize",
            "WECOM_QR_LOGIN_URL": f"{self.url}/wwlogin/sso/login",
        }

    def close(self) -> None:
        """Stop all servers and delete the uploads."""
        self.aibot.close()
        self.official_account.close()
        super().close()

    def __enter__(self) -> "Cloud":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
