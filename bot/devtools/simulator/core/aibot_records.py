"""Records of the smart bot: its identity, its group chats and the callbacks sent to it."""

from dataclasses import dataclass, field

from bot.devtools.simulator.core.records import GroupMessage, Json

MESSAGE, CLICK, ENTRY = "message", "click", "entry"


@dataclass(frozen=True)
class BotIdentity:
    """The bot as the admin console shows it."""

    bot_id: str = "aibPretendBot0001"
    secret: str = "pretend-aibot-secret"
    name: str = "夜巡机器人"


@dataclass
class Chat:
    """A group chat with the bot in it; `received` holds what the bot sent there."""

    chatid: str
    name: str
    members: tuple[str, ...]
    received: list[GroupMessage] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The texts of all messages, in order."""
        return [message.text for message in self.received]


@dataclass
class GroupPost:
    """A message in a group without a mention of the bot; it reaches the bot only as a quote."""

    msgtype: str
    content: Json


@dataclass
class AibotCallback:
    """One message or event for the bot. `delivered` is False if no client was connected or a limit was exceeded."""

    req_id: str
    userid: str
    chatid: str
    kind: str
    at: float
    body: Json
    delivered: bool = False
    answered: bool = False
    streams: dict[str, float] = field(default_factory=dict)
    """Start time of each streamed reply, by stream id."""

    @property
    def status(self) -> int:
        """200 if delivered, else 0: the same meaning as the HTTP status of the app's callback."""
        return 200 if self.delivered else 0

    @property
    def statuses(self) -> list[int]:
        """The status as a list; there are no retries over a WebSocket."""
        return [self.status]
