"""What the Official Account is set to, who follows it and what they hear, as records (protocol sheet, section 10)."""

from dataclasses import dataclass, field

from bot.devtools.simulator.core.records import Json

PLAIN, COMPATIBLE, SAFE = "plain", "compatible", "safe"
MODES = (PLAIN, COMPATIBLE, SAFE)
# How long, and how often, the account may speak after somebody's words, and after a click, a scan or a follow.
MESSAGE_WINDOW, EVENT_WINDOW = (48 * 3600.0, 5), (60.0, 3)


@dataclass(frozen=True)
class AccountProfile:
    """The account, as its console page would show it; `mode` is how callbacks are sent."""

    app_id: str = "wxPretendAccount01"
    original_id: str = "gh_pretendaccount"
    secret: str = "pretend-account-secret"
    token: str = "PretendAccountToken"
    encoding_aes_key: str = "PretendAccountEncodingAESKeyOfSimulator0001"
    callback_url: str = "http://127.0.0.1:8000/callbacks/official_account"
    mode: str = SAFE


@dataclass(frozen=True)
class Template:
    """A template that the console shows; `content` names its fields."""

    template_id: str
    title: str
    content: str


@dataclass
class Follower:
    """Somebody in WeChat. One who does not follow hears nothing; one who `refuses` hears no templates."""

    openid: str
    name: str
    follows: bool = True
    blocks_templates: bool = False
    replies_until: float = 0.0
    replies_left: int = 0
    received: list["AccountMessage"] = field(default_factory=list)


@dataclass(frozen=True)
class AccountMessage:
    """One message shown in WeChat; `by` tells a customer message from a template."""

    at: float
    sent_via: str
    msgtype: str
    text: str
    raw: Json
    media_id: str | None = None
