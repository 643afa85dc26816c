"""Records of WeChat customer service: the account, its customers and their messages."""

from dataclasses import dataclass, field
from typing import Any

from bot.devtools.simulator.core.records import Json

MEGABYTE = 1024 * 1024
MEDIA_LIMITS = {"image": 2 * MEGABYTE, "voice": 2 * MEGABYTE, "video": 10 * MEGABYTE, "file": 20 * MEGABYTE}
REPLY_WINDOW_SECONDS, MAX_REPLIES = 48 * 3600, 5
ORIGIN_CUSTOMER, ORIGIN_SYSTEM = 3, 4


@dataclass(frozen=True)
class KfAccount:
    """The one customer service account, as its page in the admin console shows it."""

    corp_id: str
    open_kfid: str = "wkPretendCustomerService0001"
    secret: str = "pretend-kf-secret"
    token: str = "PretendKfToken"
    encoding_aes_key: str = "PretendKfEncodingAESKeyOfTheSimulator000001"
    callback_url: str = "http://127.0.0.1:8000/callbacks/wecom_kf"
    agent_id: int | None = None


@dataclass
class Customer:
    """A WeChat user. `session_state` is new, waiting, assistant, servicer or ended. For a user with
    `blocks_messages` the platform answers success, delivers nothing and sends the event msg_send_fail."""

    external_userid: str
    name: str
    session_state: str = "new"
    blocks_messages: bool = False
    last_message_at: float | None = None
    welcomed_at: float | None = None
    replies_used: int = 0
    received: list["KfMessage"] = field(default_factory=list)

    def accepts_reply(self, now: float) -> bool:
        """The reply window: at most five messages within 48 hours of the customer's last message."""
        return (
            self.last_message_at is not None
            and now < self.last_message_at + REPLY_WINDOW_SECONDS
            and self.replies_used < MAX_REPLIES
        )


@dataclass(frozen=True)
class KfMessage:
    """One message shown in WeChat; `menu` holds the id of each menu item, by its label."""

    at: float
    msgtype: str
    text: str
    msgid: str
    raw: Json
    menu: dict[str, str] = field(default_factory=dict)
    media_id: str | None = None


@dataclass(frozen=True)
class QueuedMessage:
    """One message in the list that sync_msg returns."""

    at: float
    message: dict[str, Any]
