"""The pretend WeCom cloud: one corp, one app, its members and robots, and everything that was said."""

import itertools
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from bot.devtools.simulator.api.sign_in import SignInCodes
from bot.devtools.simulator.core.aibot import Aibot
from bot.devtools.simulator.core.callback import CallbackSender, GetCallback
from bot.devtools.simulator.core.card_store import CardStore
from bot.devtools.simulator.core.faults import Faults
from bot.devtools.simulator.core.group import Group
from bot.devtools.simulator.core.kf import CustomerService
from bot.devtools.simulator.core.kf_phone import KfPhone
from bot.devtools.simulator.core.kf_records import Customer
from bot.devtools.simulator.core.media import MediaStore
from bot.devtools.simulator.core.official_account import OfficialAccount
from bot.devtools.simulator.core.official_account_phone import FollowerPhone
from bot.devtools.simulator.core.phone import Phone
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import App, Delivery, Member, Robot, Violation
from bot.devtools.simulator.core.servers import HttpServer
from bot.devtools.simulator.core.tokens import AccessTokens

FIRST_MSG_ID = 7_300_000_000_000_000_001
"""Beyond what a floating-point number keeps, as real ids are (1.4)."""


class Cloud:
    """The whole double; safe to use from several threads. Use it as a context manager, or call close()."""

    def __init__(
        self, clock: Callable[[], float] = time.time, app: App | None = None, films_dir: Path | None = None
    ) -> None:
        self.clock = clock
        self.app = app or App()
        self.films_dir = films_dir
        self.members: dict[str, Member] = {}
        self.robots: dict[str, Robot] = {}
        self.lock = threading.RLock()
        self.faults = Faults()
        self.callback_sender = CallbackSender(self, lambda: self.app)
        self.kf = CustomerService(self)
        self.server: HttpServer | None = None
        self._uploads: tempfile.TemporaryDirectory[str] | None = None
        self._msg_ids = itertools.count(FIRST_MSG_ID)
        self.aibot: Aibot = Aibot(self)
        self.official_account: OfficialAccount = OfficialAccount(self)
        self._forget()

    def _forget(self) -> None:
        self.tokens = AccessTokens()
        self.sign_in_codes = SignInCodes()
        self.media = MediaStore()
        self.cards = CardStore()
        self.deliveries: list[Delivery] = []
        self.violations: list[Violation] = []
        self.duplicate_until: dict[str, float] = {}
        self.member_minute_limit = RateLimit(30, 60)
        self.member_hour_limit = RateLimit(1000, 3600)
        self.robot_minute_limit = RateLimit(20, 60, blocks_when_exceeded=True)
        self._phones: dict[str, Phone] = {}
        self._groups: dict[str, Group] = {}

    def now(self) -> float:
        """Unix seconds by the cloud's clock."""
        return self.clock()

    def configure(self, **changes: str | int) -> App:
        """Change fields of the app; the rest stays."""
        self.app = replace(self.app, **changes)  # type: ignore[arg-type]
        self.kf.configure(corp_id=self.app.corp_id)
        return self.app

    def add_member(self, userid: str, name: str = "", mobile: str = "", shows_cards: bool = True) -> Phone:
        """Put a person into the app's visible range and return the phone."""
        self.members[userid] = Member(userid, name or userid, mobile, shows_cards)
        return self.phone(userid)

    def add_customer(self, external_userid: str, name: str = "") -> KfPhone:
        """A person who has nothing but WeChat and the link to customer service; return the phone."""
        self.kf.customers[external_userid] = Customer(external_userid, name or external_userid)
        return self.kf.customer_phone(external_userid)

    def add_follower(self, openid: str, name: str = "") -> FollowerPhone:
        """A person who follows the Official Account; return the phone."""
        return self.official_account.add_follower(openid, name)

    def add_robot(self, key: str, group_name: str = "", members: tuple[str, ...] = ()) -> Group:
        """Put a robot into a group and return the group; without members mentions are not checked."""
        self.robots[key] = Robot(key, group_name or key, tuple(members))
        return self.group(key)

    def remove_robot(self, key: str) -> None:
        """Take a robot out of its group: its key answers 93000 from now on (6)."""
        self.robots.pop(key, None)

    def phone(self, userid: str) -> Phone:
        """The phone of a member; KeyError for somebody who is none."""
        with self.lock:
            member = self.members[userid]
            return self._phones.setdefault(member.userid, Phone(self, userid))

    def group(self, key: str) -> Group:
        """The group of a robot; KeyError for an unknown key."""
        with self.lock:
            robot = self.robots[key]
            return self._groups.setdefault(key, Group(robot))

    def record_violation(self, endpoint: str, errcode: int, description: str) -> None:
        """Remember something the bot did that the platform refuses or swallows."""
        with self.lock:
            self.violations.append(Violation(self.now(), endpoint, errcode, description))

    def next_msg_id(self) -> int:
        """A MsgId that was never used before."""
        return next(self._msg_ids)

    def revoke_token(self) -> None:
        """Invalidate the access token early (2.1)."""
        with self.lock:
            self.tokens.revoke()

    def verify_url(self, get: GetCallback | None = None) -> bool:
        """Whether the console would save the callback URL (1.1)."""
        return self.callback_sender.verify_url(get)

    def reset(self) -> None:
        """Forget everything said, stored, counted and broken; the app, members and robots stay."""
        with self.lock:
            self._forget()
            self.kf.reset()
            self.aibot.reset()
            self.official_account.reset()
            self.faults.clear()

    @property
    def url(self) -> str:
        """Address of the served cloud; a placeholder before serve()."""
        return self.server.url if self.server else "http://simulator.invalid"

    @property
    def settings(self) -> dict[str, str]:
        """The bot's settings for this cloud, by the names of its .env file."""
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

    def upload_path(self, name: str) -> Path:
        """A place for a film handed in over the control API; gone after close()."""
        with self.lock:
            if self._uploads is None:
                self._uploads = tempfile.TemporaryDirectory(prefix="simulator-")
            return Path(self._uploads.name) / name

    def serve(self, port: int = 0) -> str:
        """Answer the platform's HTTP calls on the loopback address, from a thread; returns the address."""
        from bot.devtools.simulator.web_app import create_app

        if self.server is None:
            self.server = HttpServer(create_app(self), port)
        return self.server.url

    def close(self) -> None:
        """Stop serving and throw uploads away."""
        self.aibot.close()
        self.official_account.close()
        server, self.server = self.server, None
        if server is not None:
            server.close()
        if self._uploads is not None:
            self._uploads.cleanup()
            self._uploads = None

    def __enter__(self) -> "Cloud":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
