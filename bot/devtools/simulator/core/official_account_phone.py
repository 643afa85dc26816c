"""The WeChat client of a follower of the Official Account."""

from dataclasses import dataclass, field

from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.official_account import OfficialAccount
from bot.devtools.simulator.core.official_account_callback import AccountCallbackSender
from bot.devtools.simulator.core.official_account_records import EVENT_WINDOW, MESSAGE_WINDOW, AccountMessage, Follower
from bot.devtools.simulator.core.phone import JPEG, VOICE

Fields = dict[str, str | int]


@dataclass
class AccountSentMessage:
    """One message or event sent to the bot, and the HTTP status of each attempt to post it."""

    callback_sender: AccountCallbackSender
    fields: Fields
    msg_id: str | None = None
    media_id: str | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        """HTTP status of the last attempt; 0 if there was no response."""
        return self.statuses[-1]

    def repeat(self) -> "AccountSentMessage":
        """Post the message, again with the same MsgId but a new nonce and signature."""
        self.statuses.extend(self.callback_sender.post(self.fields))
        return self


class FollowerPhone:
    """What one follower does and receives."""

    def __init__(self, account: OfficialAccount, follower: Follower) -> None:
        self._account, self.follower = account, follower

    @property
    def received(self) -> list[AccountMessage]:
        """All messages shown, in order."""
        return self.follower.received

    @property
    def texts(self) -> list[str]:
        """The texts of all messages, in order."""
        return [message.text for message in self.follower.received]

    def says(self, text: str, at: float | None = None) -> AccountSentMessage:
        """Send a text."""
        return self._sends("text", {"Content": text}, at)

    def sends_film(self, film: Payload, filename: str | None = None, at: float | None = None) -> AccountSentMessage:
        """Send a video; the message contains neither its size nor its name."""
        return self._sends_media("video", film, filename or "video.mp4", at)

    def sends_short_film(self, film: Payload, at: float | None = None) -> AccountSentMessage:
        """Send a video recorded with the chat's own camera (小视频)."""
        return self._sends_media("shortvideo", film, "shortvideo.mp4", at)

    def sends_photo(
        self, photo: Payload = JPEG, filename: str | None = None, at: float | None = None
    ) -> AccountSentMessage:
        return self._sends_media("image", photo, filename or "photo.jpg", at)

    def sends_voice(self, voice: Payload = VOICE, at: float | None = None) -> AccountSentMessage:
        return self._sends_media("voice", voice, "voice.amr", at)

    def follows(self, scene: str = "", at: float | None = None) -> AccountSentMessage:
        """Follow the account, through its QR code with a parameter if `scene` is given."""
        self.follower.follows = True
        return self._sends_event("subscribe", f"qrscene_{scene}" if scene else "", at)

    def scans(self, scene: str, at: float | None = None) -> AccountSentMessage:
        """Scan the QR code with a parameter as an existing follower."""
        return self._sends_event("SCAN", scene, at)

    def clicks(self, key: str, at: float | None = None) -> AccountSentMessage:
        """Press a button of the account's menu."""
        return self._sends_event("CLICK", key, at)

    def unfollows(self, at: float | None = None) -> AccountSentMessage:
        """Unfollow; from then on nothing is delivered."""
        self.follower.follows, self.follower.replies_until = False, 0.0
        return self._post(self._event("unsubscribe", "", at))

    def _open_reply_window(self, seconds: float, replies: int, at: float | None) -> None:
        now = self._account.now() if at is None else at
        if now + seconds >= self.follower.replies_until or self.follower.replies_left == 0:
            self.follower.replies_until, self.follower.replies_left = now + seconds, replies

    def _sends_media(self, msgtype: str, payload: Payload, name: str, at: float | None) -> AccountSentMessage:
        media = self._account.media.add(payload, msgtype, name, self._account.now())
        content: Fields = {"MediaId": media.media_id}
        if msgtype in ("video", "shortvideo"):
            thumb = self._account.media.add(JPEG, "image", "thumb.jpg", self._account.now())
            content["ThumbMediaId"] = thumb.media_id
        return self._sends(msgtype, content, at, media.media_id)

    def _sends(
        self, msgtype: str, content: Fields, at: float | None, media_id: str | None = None
    ) -> AccountSentMessage:
        self._open_reply_window(*MESSAGE_WINDOW, at)
        msg_id = str(self._account.next_msg_id())
        return self._post(self._common(msgtype, at) | content | {"MsgId": int(msg_id)}, msg_id, media_id)

    def _sends_event(self, event: str, key: str, at: float | None) -> AccountSentMessage:
        self._open_reply_window(*EVENT_WINDOW, at)
        return self._post(self._event(event, key, at))

    def _event(self, event: str, key: str, at: float | None) -> Fields:
        return self._common("event", at) | {"Event": event, "EventKey": key}

    def _common(self, msgtype: str, at: float | None) -> Fields:
        return {
            "ToUserName": self._account.profile.original_id,
            "FromUserName": self.follower.openid,
            "CreateTime": int(self._account.now() if at is None else at),
            "MsgType": msgtype,
        }

    def _post(self, fields: Fields, msg_id: str | None = None, media_id: str | None = None) -> AccountSentMessage:
        return AccountSentMessage(self._account.callback_sender, fields, msg_id, media_id).repeat()
