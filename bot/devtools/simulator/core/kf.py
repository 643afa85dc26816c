"""WeChat customer service: notifications carry no content, and the bot polls a list of messages with a cursor."""

import itertools
import secrets
from dataclasses import replace

from bot.devtools.simulator.core.callback import CallbackSender, XmlValue
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.kf_records import ORIGIN_SYSTEM, Customer, KfAccount, QueuedMessage
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.state import CloudState
from bot.devtools.simulator.core.tokens import AccessTokens

RETENTION_SECONDS = 3 * 24 * 3600
SYNC_TOKEN_TTL_SECONDS = 600
WELCOME_CODE_TTL_SECONDS = 20
WELCOME_PAUSE_SECONDS = 48 * 3600
MAX_PAGE_SIZE = 1000


class CustomerService:
    """One customer service account with its customers and their messages."""

    def __init__(self, state: CloudState) -> None:
        self._state = state
        self.account = KfAccount(state.app.corp_id)
        self.customers: dict[str, Customer] = {}
        self.callback_sender = CallbackSender(state, lambda: self.account)
        self.reset()

    def reset(self) -> None:
        """Delete messages, tokens and counters; the account and the customers stay."""
        self.tokens = AccessTokens()
        self.notifies = True
        """False if notifications are lost; the bot then finds messages only by polling."""
        self.empty_pages = 0
        """How many of the next pages are empty although more messages follow."""
        self.page_size = MAX_PAGE_SIZE
        """Upper limit of messages per page, whatever the bot requests."""
        self.accepted_msgids: dict[str, str] = {}
        self.sync_tokens: dict[str, float] = {}
        """Issue time of each token that a notification carried."""
        self._queue: list[QueuedMessage] = []
        self._cursors: dict[str, int] = {}
        self._welcome_codes: dict[str, tuple[str, float]] = {}
        self._tokenless_limit = RateLimit(10, 60, blocks_when_exceeded=True)
        self._msgid_numbers = itertools.count(1)
        for customer in self.customers.values():
            customer.received.clear()
            customer.replies_used, customer.last_message_at, customer.welcomed_at = 0, None, None

    def configure(self, **changes: str) -> KfAccount:
        """Change fields of the account."""
        self.account = replace(self.account, **changes)  # type: ignore[arg-type]
        return self.account

    def settings(self) -> dict[str, str]:
        """The bot's settings for this account, by the names used in its .env file."""
        return {
            "WECOM_KF_SECRET": self.account.secret,
            "WECOM_KF_TOKEN": self.account.token,
            "WECOM_KF_ENCODING_AES_KEY": self.account.encoding_aes_key,
            "WECOM_KF_OPEN_KFID": self.account.open_kfid,
        }

    def new_msgid(self) -> str:
        """A msgid that was never used before."""
        return f"pretend{next(self._msgid_numbers):06d}{secrets.token_hex(8)}"

    def add_message(self, message: Json, at: float) -> list[int]:
        """Queue a message and notify the bot; returns the statuses of the notification."""
        with self._state.lock:
            self._queue.append(QueuedMessage(at, message))
        return self.notify()

    def add_event(self, external_userid: str, extra_fields: Json, at: float | None = None) -> list[int]:
        """Like add_message(), for an event that concerns a customer."""
        now = self._state.now() if at is None else at
        open_kfid = self.account.open_kfid
        message = {
            "msgid": self.new_msgid(),
            "open_kfid": open_kfid,
            "send_time": int(now),
            "origin": ORIGIN_SYSTEM,
            "msgtype": "event",
            "event": {"open_kfid": open_kfid, "external_userid": external_userid, **extra_fields},
        }
        return self.add_message(message, now)

    def notify(self) -> list[int]:
        """Send the event kf_msg_or_event with a new sync token; no statuses if notifications are lost."""
        if not self.notifies:
            return []
        with self._state.lock:
            token = secrets.token_urlsafe(32)
            self.sync_tokens[token] = self._state.now()
        fields: dict[str, XmlValue] = {
            "ToUserName": self.account.corp_id,
            "CreateTime": int(self._state.now()),
            "MsgType": "event",
            "Event": "kf_msg_or_event",
            "Token": token,
            "OpenKfId": self.account.open_kfid,
        }
        return self.callback_sender.post(self.callback_sender.to_xml(fields))

    def issue_welcome_code(self, customer: Customer) -> str | None:
        """A welcome code, unless the customer wrote or was welcomed within the last 48 hours."""
        now, latest = self._state.now(), max(customer.last_message_at or 0, customer.welcomed_at or 0)
        if now < latest + WELCOME_PAUSE_SECONDS:
            return None
        code = secrets.token_urlsafe(24)
        self._welcome_codes[code] = (customer.external_userid, now)
        return code

    def redeem_welcome_code(self, code: object) -> Customer:
        """Use up a welcome code and return its customer; raises 40058 if unknown, used or older than 20 seconds."""
        external_userid, issued_at = self._welcome_codes.pop(str(code), ("", 0.0))
        if not external_userid or self._state.now() > issued_at + WELCOME_CODE_TTL_SECONDS:
            raise ApiError(40058, "the code is unknown, used or older than 20 seconds")
        return self.customers[external_userid]

    def sync(self, body: Json) -> Json:
        """kf/sync_msg: the messages after a cursor; the caller holds the lock."""
        self._check(body)
        start, now = self._position(body.get("cursor", "")), self._state.now()
        stop = min(start + self._page_length(body), len(self._queue))
        has_more = bool(self.empty_pages) or stop < len(self._queue)
        self.empty_pages = max(0, self.empty_pages - 1)
        cursor = secrets.token_hex(16)
        self._cursors[cursor] = stop
        messages = [each.message for each in self._queue[start:stop] if now < each.at + RETENTION_SECONDS]
        return {"next_cursor": cursor, "has_more": int(has_more), "msg_list": messages}

    def _page_length(self, body: Json) -> int:
        return 0 if self.empty_pages else min(int(body.get("limit", MAX_PAGE_SIZE)), self.page_size)

    def _check(self, body: Json) -> None:
        if body.get("open_kfid") != self.account.open_kfid:
            raise ApiError(95000, "invalid open_kfid")
        limit = body.get("limit", MAX_PAGE_SIZE)
        if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= MAX_PAGE_SIZE:
            raise ApiError(40058, f"limit is not within 1..{MAX_PAGE_SIZE}")
        token, now = body.get("token"), self._state.now()
        if token is None:
            if not self._tokenless_limit.allow("", now):
                raise ApiError(45009, "more than ten calls a minute without a token")
        elif now >= self.sync_tokens.get(str(token), float("-inf")) + SYNC_TOKEN_TTL_SECONDS:
            raise ApiError(95007, "the token is unknown or older than ten minutes", is_violation=False)

    def _position(self, cursor: object) -> int:
        """The position in the queue that a cursor stands for; cursors never expire."""
        if cursor == "":
            return 0
        if not isinstance(cursor, str) or len(cursor.encode()) > 64 or cursor not in self._cursors:
            raise ApiError(40058, "invalid cursor")
        return self._cursors[cursor]
