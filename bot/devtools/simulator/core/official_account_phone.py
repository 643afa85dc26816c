"""A follower's WeChat, in the chat with the account (protocol sheet, section 10)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.official_account_records import EVENT_WINDOW, MESSAGE_WINDOW, AccountMessage, Follower
from bot.devtools.simulator.core.phone import JPEG

if TYPE_CHECKING:
    from bot.devtools.simulator.core.official_account import OfficialAccount


@dataclass
class AccountSentMessage:
    """One thing sent to the account, and how the bot's door answered each posting of it."""

    callback_sender: "OfficialAccount"
    fields: dict[str, str | int]
    msg_id: str | None = None
    media_id: str | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        """HTTP status of the last posting."""
        return self.statuses[-1]

    def repeat(self) -> "AccountSentMessage":
        """Post the same message again: same MsgId, new nonce and signature."""
        self.statuses.extend(self.callback_sender.callback_sender.post(self.fields))
        return self


class FollowerPhone:
    """What one follower does and hears; made by `desk.phone(openid)`."""

    def __init__(self, account: "OfficialAccount", follower: Follower) -> None:
        self._desk, self.follower = account, follower

    @property
    def received(self) -> list[AccountMessage]:
        """Everything that was shown, in order."""
        return self.follower.received

    @property
    def texts(self) -> list[str]:
        """Everything readable that was heard, in order."""
        return [heard.text for heard in self.follower.received]

    def says(self, text: str, at: float | None = None) -> AccountSentMessage:
        """Send a text."""
        return self._sends("text", {"Content": text}, at)

    def sends_film(self, film: Payload, filename: str | None = None, at: float | None = None) -> AccountSentMessage:
        """Send a video; the message tells nothing of its size or name."""
        return self._sends_media("video", film, filename or "video.mp4", at)

    def sends_short_film(self, film: Payload, at: float | None = None) -> AccountSentMessage:
        """Film with the chat's own camera (小视频)."""
        return self._sends_media("shortvideo", film, "shortvideo.mp4", at)

    def sends_photo(
        self, photo: Payload = JPEG, filename: str | None = None, at: float | None = None
    ) -> AccountSentMessage:
        """Send a picture."""
        return self._sends_media("image", photo, filename or "photo.jpg", at)

    def sends_voice(self, voice: Payload = b"#!AMR\n\x3c\x55", at: float | None = None) -> AccountSentMessage:
        """Hold the button and speak."""
        return self._sends_media("voice", voice, "voice.amr", at)

    def follows(self, scene: str = "", at: float | None = None) -> AccountSentMessage:
        """Follow the account, perhaps by scanning its QR code with a parameter."""
        self.follower.follows = True
        self._opens(*EVENT_WINDOW, at)
        return self._event("subscribe", {"EventKey": f"qrscene_{scene}" if scene else ""}, at)

    def scans(self, scene: str, at: float | None = None) -> AccountSentMessage:
        """Scan the QR code with a parameter, being a follower already."""
        self._opens(*EVENT_WINDOW, at)
        return self._event("SCAN", {"EventKey": scene}, at)

    def clicks(self, key: str, at: float | None = None) -> AccountSentMessage:
        """Press a button of the account's menu."""
        self._opens(*EVENT_WINDOW, at)
        return self._event("CLICK", {"EventKey": key}, at)

    def unfollows(self, at: float | None = None) -> AccountSentMessage:
        """Unfollow: from now on nothing arrives."""
        self.follower.follows, self.follower.replies_until = False, 0.0
        return self._event("unsubscribe", {"EventKey": ""}, at)

    def _opens(self, seconds: float, messages: int, at: float | None) -> None:
        now = self._desk.now() if at is None else at
        if now + seconds >= self.follower.replies_until or self.follower.replies_left == 0:
            self.follower.replies_until, self.follower.replies_left = now + seconds, messages

    def _sends_media(self, msgtype: str, payload: Payload, name: str, at: float | None) -> AccountSentMessage:
        media = self._desk.media.add(payload, msgtype, name, self._desk.now())
        own: dict[str, str | int] = {"MediaId": media.media_id}
        if msgtype in ("video", "shortvideo"):
            thumb = self._desk.media.add(JPEG, "image", "thumb.jpg", self._desk.now())
            own["ThumbMediaId"] = thumb.media_id
        return self._sends(msgtype, own, at, media.media_id)

    def _sends(
        self, msgtype: str, own: dict[str, str | int], at: float | None, media_id: str | None = None
    ) -> AccountSentMessage:
        self._opens(*MESSAGE_WINDOW, at)
        msg_id = str(self._desk.next_msg_id())
        return self._posted(self._common(msgtype, at) | own | {"MsgId": int(msg_id)}, msg_id, media_id)

    def _event(self, event: str, own: dict[str, str | int], at: float | None) -> AccountSentMessage:
        return self._posted(self._common("event", at) | {"Event": event} | own)

    def _common(self, msgtype: str, at: float | None) -> dict[str, str | int]:
        now = int(self._desk.now() if at is None else at)
        to, sender = self._desk.profile.original_id, self.follower.openid
        return {"ToUserName": to, "FromUserName": sender, "CreateTime": now, "MsgType": msgtype}

    def _posted(
        self, fields: dict[str, str | int], msg_id: str | None = None, media_id: str | None = None
    ) -> AccountSentMessage:
        sent = AccountSentMessage(self._desk, fields, msg_id, media_id)
        sent.statuses.extend(self._desk.callback_sender.post(fields))
        return sent
