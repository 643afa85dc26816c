"""Customer service: a bell rings, and the messages lie ready for three days (protocol sheet, section 9)."""

import itertools
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.callback import CallbackSender, XmlValue
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.kf_phone import KfPhone
from bot.devtools.simulator.core.kf_records import ORIGIN_SYSTEM, Customer, KfAccount, QueuedMessage
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.tokens import AccessTokens

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

RETENTION_SECONDS = 3 * 24 * 3600
SYNC_TOKEN_TTL_SECONDS = 600
WELCOME_CODE_TTL_SECONDS = 20
MAX_PAGE_SIZE = 1000


class CustomerService:
    """The account, its customers and their messages; made by the cloud."""

    def __init__(self, state: "Cloud") -> None:
        self._cloud = state
        self.account = KfAccount(state.app.corp_id)
        self.customers: dict[str, Customer] = {}
        self.callback_sender = CallbackSender(state, lambda: self.account)
        self.reset()

    def reset(self) -> None:
        """Nobody has said anything; the account and the customers stay."""
        self.tokens = AccessTokens()
        self.notifies = True
        """Whether the bell reaches the bot; without, only asking finds the messages."""
        self.empty_pages = 0
        """How many answers come with an empty list although there is more."""
        self.page_size = MAX_PAGE_SIZE
        """How many messages one answer holds at the most, whatever is asked for."""
        self.accepted_msgids: dict[str, str] = {}
        self._listed: list[QueuedMessage] = []
        self._cursors: dict[str, int] = {}
        self._bells: dict[str, float] = {}
        self._welcomes: dict[str, tuple[str, float]] = {}
        self._unbelled = RateLimit(10, 60, blocks_when_exceeded=True)
        self._phones: dict[str, KfPhone] = {}
        self._numbers = itertools.count(1)
        for each in self.customers.values():
            each.received.clear()
            each.replies_used, each.last_message_at, each.welcomed_at = 0, None, None

    def configure(self, **changes: str) -> KfAccount:
        """Change fields of the account; the rest stays."""
        self.account = replace(self.account, **changes)  # type: ignore[arg-type]
        return self.account

    def customer_phone(self, external_userid: str) -> KfPhone:
        """The WeChat of a customer; KeyError for somebody who never opened the chat."""
        customer = self.customers[external_userid]
        return self._phones.setdefault(external_userid, KfPhone(self._cloud, customer))

    def settings(self) -> dict[str, str]:
        """The bot's settings for this account, by the names of its .env file."""
        return {
            "WECOM_KF_SECRET": self.account.secret,
            "WECOM_KF_TOKEN": self.account.token,
            "WECOM_KF_ENCODING_AES_KEY": self.account.encoding_aes_key,
            "WECOM_KF_OPEN_KFID": self.account.open_kfid,
        }

    def add_message(self, message: Json, at: float) -> list[int]:
        """Put a message into the list and ring; how the bot's door answered, nothing when the bell is lost."""
        with self._cloud.lock:
            self._listed.append(QueuedMessage(at, message))
        return self.notify()

    def new_msgid(self) -> str:
        """A msgid that was never used before."""
        return f"pretend{next(self._numbers):06d}{secrets.token_hex(8)}"

    def notify(self) -> list[int]:
        """The event that says nothing but that there is something."""
        if not self.notifies:
            return []
        with self._cloud.lock:
            token = secrets.token_urlsafe(32)
            self._bells[token] = self._cloud.now()
        fields: dict[str, XmlValue] = {
            "ToUserName": self.account.corp_id, "CreateTime": int(self._cloud.now()), "MsgType": "event",
            "Event": "kf_msg_or_event", "Token": token, "OpenKfId": self.account.open_kfid,
        }  # fmt: skip
        return self.callback_sender.post(self.callback_sender.to_xml(fields))

    def add_event(self, external_userid: str, extra_fields: Json, at: float | None = None) -> list[int]:
        """Something happened of which nobody spoke."""
        now = self._cloud.now() if at is None else at
        content = {"open_kfid": self.account.open_kfid, "external_userid": external_userid, **extra_fields}
        return self.add_message(
            {
                "msgid": self.new_msgid(), "open_kfid": self.account.open_kfid, "send_time": int(now),
                "origin": ORIGIN_SYSTEM, "msgtype": "event", "event": content,
            },
            now,
        )  # fmt: skip

    def issue_welcome_code(self, customer: Customer) -> str | None:
        """A code for a welcome, for whoever was neither welcomed nor wrote within 48 hours."""
        now, latest = self._cloud.now(), max(customer.last_message_at or 0, customer.welcomed_at or 0)
        if now < latest + 48 * 3600:
            return None
        code = secrets.token_urlsafe(24)
        self._welcomes[code] = (customer.external_userid, now)
        return code

    def redeem_welcome_code(self, code: object) -> Customer:
        """Whom a code of the last 20 seconds is for; it serves once."""
        external_userid, given = self._welcomes.pop(str(code), ("", 0.0))
        if not external_userid or self._cloud.now() > given + WELCOME_CODE_TTL_SECONDS:
            raise ApiError(40058, "the code is unknown, used or older than 20 seconds")
        return self.customers[external_userid]

    def sync(self, body: Json) -> Json:
        """The messages after a cursor; the caller holds the cloud's lock."""
        self._check(body)
        start, now = self._start(body.get("cursor", "")), self._cloud.now()
        stop = (
            start
            if self.empty_pages
            else min(start + min(int(body.get("limit", MAX_PAGE_SIZE)), self.page_size), len(self._listed))
        )
        unfinished = bool(self.empty_pages) or stop < len(self._listed)
        self.empty_pages = max(0, self.empty_pages - 1)
        cursor = secrets.token_hex(16)
        self._cursors[cursor] = stop
        fresh = [each.message for each in self._listed[start:stop] if now < each.at + RETENTION_SECONDS]
        return {"next_cursor": cursor, "has_more": int(unfinished), "msg_list": fresh}

    def _check(self, body: Json) -> None:
        if body.get("open_kfid") != self.account.open_kfid:
            raise ApiError(95000, "invalid open_kfid")
        limit = body.get("limit", MAX_PAGE_SIZE)
        if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= MAX_PAGE_SIZE:
            raise ApiError(40058, f"limit is not within 1..{MAX_PAGE_SIZE}")
        token, now = body.get("token"), self._cloud.now()
        if token is not None and now >= self._bells.get(str(token), -SYNC_TOKEN_TTL_SECONDS) + SYNC_TOKEN_TTL_SECONDS:
            raise ApiError(95007, "the token is unknown or older than ten minutes", is_violation=False)
        if token is None and not self._unbelled.allow("", now):
            raise ApiError(45009, "more than ten calls a minute without a token")

    def _start(self, cursor: object) -> int:
        """Where to go on; a cursor is good for ever, as long as it is one."""
        if cursor == "":
            return 0
        if not isinstance(cursor, str) or len(cursor.encode()) > 64 or cursor not in self._cursors:
            raise ApiError(40058, "invalid cursor")
        return self._cursors[cursor]
