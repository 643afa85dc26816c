"""Records of the simulated cloud: its app, members and robots, and the messages that arrive at them."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class App:
    """The one self-built app, as its page in the admin console shows it."""

    corp_id: str = "ww0123456789pretend"
    agent_id: int = 1000002
    secret: str = "pretend-app-secret"
    token: str = "PretendToken"
    # The last character carries non-zero spare bits, as many real keys do; a strict Base64 decoder rejects them.
    encoding_aes_key: str = "PretendEncodingAESKeyOfTheSimulator00000001"
    callback_url: str = "http://127.0.0.1:8000/callbacks/wecom_app"
    # Host (and port) that sign-in pages may redirect a browser to; empty allows any.
    trusted_domain: str = ""


@dataclass(frozen=True)
class Member:
    """A person in the app's visible range; `shows_cards` is False in the WeChat plug-in, which shows no cards."""

    userid: str
    name: str
    mobile: str = ""
    shows_cards: bool = True


@dataclass(frozen=True)
class Robot:
    """A group robot; its key alone permits posting into the group."""

    key: str
    group_name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Violation:
    """Something the bot did that the platform rejected or silently dropped; tests assert that there are none."""

    at: float
    endpoint: str
    errcode: int
    description: str


@dataclass
class Card:
    """One person's copy of a template card in its current state."""

    task_id: str
    userid: str
    content: Json
    replacement_text: str | None = None
    pressed_keys: list[str] = field(default_factory=list)
    from_aibot: bool = False

    @property
    def title(self) -> str:
        """The headline of the card."""
        return str(self.content.get("main_title", {}).get("title", ""))

    @property
    def buttons(self) -> dict[str, str]:
        """Text of each button that can be pressed, by key; none once a replacement text is shown."""
        if self.replacement_text is not None:
            return {}
        buttons = self.content.get("button_list", [])
        return {str(button["key"]): str(button["text"]) for button in buttons if button.get("type", 0) == 0}

    def press(self, key: str) -> None:
        """Record a press; raises ValueError if there is no such button to press."""
        if key not in self.buttons:
            raise ValueError(f"no button {key!r} to press on this card, only {list(self.buttons)}")
        self.pressed_keys.append(key)


@dataclass(frozen=True)
class PhoneMessage:
    """One message shown on a phone; `text` is what a person reads of it."""

    at: float
    msgtype: str
    text: str
    raw: Json
    msg_id: str
    card: Card | None = None
    media_id: str | None = None


@dataclass(frozen=True)
class OwnMessage:
    """One message that a person sent by the control API; `status` is 200 if the bot accepted it."""

    at: float
    msgtype: str
    text: str
    status: int
    media_id: str | None = None


@dataclass(frozen=True)
class GroupMessage:
    """One message shown in a group."""

    at: float
    msgtype: str
    text: str
    raw: Json
    mentioned_list: tuple[str, ...] = ()
    mentioned_mobile_list: tuple[str, ...] = ()
    articles: tuple[Json, ...] = ()
    media_id: str | None = None
    card: Card | None = None


@dataclass
class Group:
    """The group of a robot; `received` holds what the robot posted."""

    robot: Robot
    received: list[GroupMessage] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The group's name."""
        return self.robot.group_name

    @property
    def texts(self) -> list[str]:
        """The texts of all messages, in order."""
        return [message.text for message in self.received]


@dataclass(frozen=True)
class Delivery:
    """The outcome of one message for one recipient: shown, unseen (no cards), dropped, duplicate or lost."""

    at: float
    endpoint: str
    to: str
    msgtype: str
    state: str
    raw: Json
