"""Records of the Official Account: its profile, templates, followers and messages."""

from dataclasses import dataclass, field

from bot.devtools.simulator.core.records import Json

PLAIN, COMPATIBLE, SAFE = "plain", "compatible", "safe"
MODES = (PLAIN, COMPATIBLE, SAFE)
# Reply window in seconds and number of replies: after a message, and after a click, a scan or a follow.
MESSAGE_WINDOW, EVENT_WINDOW = (48 * 3600.0, 5), (60.0, 3)


@dataclass(frozen=True)
class AccountProfile:
    """The account as the admin console shows it; `mode` is one of MODES, the format of its callbacks."""

    app_id: str = "wxPretendAccount01"
    original_id: str = "gh_pretendaccount"
    secret: str = "pretend-account-secret"
    token: str = "PretendAccountToken"
    encoding_aes_key: str = "PretendAccountEncodingAESKeyOfSimulator0001"
    callback_url: str = "http://127.0.0.1:8000/callbacks/official_account"
    mode: str = SAFE


@dataclass(frozen=True)
class Template:
    """A template of the account; `content` names its fields as {{name.DATA}}."""

    template_id: str
    title: str
    content: str


@dataclass
class Follower:
    """A WeChat user. Nothing is delivered to one who does not follow; `blocks_templates` blocks templates only."""

    openid: str
    name: str
    follows: bool = True
    blocks_templates: bool = False
    replies_until: float = 0.0
    replies_left: int = 0
    received: list["AccountMessage"] = field(default_factory=list)


@dataclass(frozen=True)
class AccountMessage:
    """One message shown in WeChat; `sent_via` is "custom" or "template"."""

    at: float
    sent_via: str
    msgtype: str
    text: str
    raw: Json
    media_id: str | None = None
