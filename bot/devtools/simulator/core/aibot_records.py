"""The smart bot's console page, its groups, and what people say to it, as plain records (protocol sheet, section 7)."""

from dataclasses import dataclass, field

from bot.devtools.simulator.core.records import GroupMessage, Json

MESSAGE, CLICK, ENTRY = "message", "click", "entry"


@dataclass(frozen=True)
class BotIdentity:
    """The bot as the console shows it."""

    bot_id: str = "aibPretendBot0001"
    secret: str = "pretend-aibot-secret"
    name: str = "夜巡机器人"


@dataclass
class Chat:
    """A work group in which the bot sits; `heard` is what everybody in it sees of the bot."""

    chatid: str
    name: str
    members: tuple[str, ...]
    received: list[GroupMessage] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Everything readable that was heard, in order."""
        return [heard.text for heard in self.received]


@dataclass
class GroupPost:
    """Something a person posted in a group without mentioning the bot: it reaches the bot only when quoted (7.1)."""

    msgtype: str
    content: Json


@dataclass
class AibotCallback:
    """One thing said to the bot. `reached` is false when no connection was there, or it was one too many (7.1)."""

    req_id: str
    userid: str
    chatid: str
    kind: str
    at: float
    body: Json
    delivered: bool = False
    answered: bool = False
    streams: dict[str, float] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """200 when it reached the bot, as with the app's callback; 0 when it did not."""
        return 200 if self.delivered else 0

    @property
    def statuses(self) -> list[int]:
        """The same as a list: it is said once only."""
        return [self.status]
