"""What the pretend cloud knows and remembers, as plain records."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class App:
    """The one self-built app, as its console page would show it (protocol sheet, sections 1 and 2.1)."""

    corp_id: str = "ww0123456789pretend"
    agent_id: int = 1000002
    secret: str = "pretend-app-secret"
    token: str = "PretendToken"
    # The last character carries non-zero spare bits on purpose: real keys do (section 1.3).
    encoding_aes_key: str = "PretendEncodingAESKeyOfTheSimulator00000001"
    callback_url: str = "http://127.0.0.1:8000/callbacks/wecom_app"
    # Host (and port) that sign-in pages may send a browser back to; empty takes any.
    trusted_domain: str = ""


@dataclass(frozen=True)
class Member:
    """A person in the corp's address book who may use the app; `shows_cards` is off in the WeChat plug-in (4)."""

    userid: str
    name: str
    mobile: str = ""
    shows_cards: bool = True


@dataclass(frozen=True)
class Robot:
    """A group robot: whoever knows the key may post into the group (section 6)."""

    key: str
    group_name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Violation:
    """Something the bot did that the platform refused or swallowed; a story asserts that there are none."""

    at: float
    endpoint: str
    errcode: int
    description: str


@dataclass
class Card:
    """One person's copy of a template card, as it looks now (sections 4.1 and 4.2)."""

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
        """Key and text of every button that can still be pressed; none once a replacement is shown."""
        if self.replacement_text is not None:
            return {}
        buttons = self.content.get("button_list", [])
        return {str(button["key"]): str(button["text"]) for button in buttons if button.get("type", 0) == 0}


@dataclass(frozen=True)
class PhoneMessage:
    """One message shown on a phone; `text` is what a person would read of it."""

    at: float
    msgtype: str
    text: str
    raw: Json
    msg_id: str
    card: Card | None = None
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


@dataclass(frozen=True)
class Delivery:
    """What became of one message for one receiver: shown, unseen (no cards), dropped, duplicate or lost."""

    at: float
    endpoint: str
    to: str
    msgtype: str
    state: str
    raw: Json
