"""A person with nothing but WeChat, in the chat with customer service (protocol sheet, section 9)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.kf_records import MEDIA_LIMITS, ORIGIN_CUSTOMER, Customer, KfMessage
from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.phone import JPEG
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

MEDIA_LABELS = {"image": "图片", "voice": "语音", "video": "视频", "file": "文件"}


@dataclass
class KfSentMessage:
    """One thing said, and how the bot's door answered its bell; nothing when the bell was lost."""

    msg_id: str
    media_id: str | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def status(self) -> int | None:
        """HTTP status of the bell's last posting; None when none was rung."""
        return self.statuses[-1] if self.statuses else None


class KfPhone:
    """What one customer does and hears; made by `cloud.kf.phone(external_userid)`."""

    def __init__(self, cloud: "Cloud", customer: Customer) -> None:
        self._cloud, self._desk, self.customer = cloud, cloud.kf, customer

    @property
    def received(self) -> list[KfMessage]:
        """Everything that was shown, in order."""
        return self.customer.received

    @property
    def texts(self) -> list[str]:
        """Everything readable that was heard, in order."""
        return [heard.text for heard in self.customer.received]

    def enters(self, scene: str = "", scene_param: str = "", at: float | None = None) -> KfSentMessage:
        """Open the chat by a link; the link may have brought a parameter along."""
        own: Json = {"event_type": "enter_session", "scene": scene, "scene_param": scene_param}
        code = self._desk.issue_welcome_code(self.customer)
        own |= {"welcome_code": code} if code else {}
        return KfSentMessage("", statuses=self._desk.add_event(self.customer.external_userid, own, at))

    def says(self, text: str, at: float | None = None) -> KfSentMessage:
        """Send a text."""
        return self._sends("text", {"content": text}, at)

    def taps(self, label: str, at: float | None = None) -> KfSentMessage:
        """Tap a line of the latest menu that shows it."""
        menu = next(heard.menu for heard in reversed(self.customer.received) if label in heard.menu)
        return self._sends("text", {"content": label, "menu_id": menu[label]}, at)

    def sends_film(self, film: Payload, filename: str | None = None, at: float | None = None) -> KfSentMessage:
        """Send a video; above 10 MB only a notice of it is handed on."""
        return self._sends_media("video", film, filename or "video.mp4", at)

    def sends_photo(self, photo: Payload = JPEG, filename: str | None = None, at: float | None = None) -> KfSentMessage:
        """Send a picture."""
        return self._sends_media("image", photo, filename or "photo.jpg", at)

    def sends_file(self, file: Payload, filename: str | None = None, at: float | None = None) -> KfSentMessage:
        """Send a file; the message tells no name."""
        name = filename or (file.name if isinstance(file, Path) else "file.bin")
        return self._sends_media("file", file, name, at)

    def sends_voice(self, voice: Payload = b"#!AMR\n\x3c\x55", at: float | None = None) -> KfSentMessage:
        """Send a voice message."""
        return self._sends_media("voice", voice, "voice.amr", at)

    def sends_location(self, latitude: float, longitude: float, label: str, at: float | None = None) -> KfSentMessage:
        """Send a place."""
        place = {"latitude": latitude, "longitude": longitude, "name": label, "address": label}
        return self._sends("location", place, at)

    def sends_raw(self, message: Json, at: float | None = None) -> KfSentMessage:
        """A message with these fields over the usual ones."""
        usual = self._message("text", {"content": ""}, at)
        statuses = self._desk.add_message({**usual, **message}, self._cloud.now() if at is None else at)
        return KfSentMessage(str(message.get("msgid", usual["msgid"])), statuses=statuses)

    def recalls(self, sent: KfSentMessage, at: float | None = None) -> KfSentMessage:
        """Take back what was said."""
        own = {"event_type": "user_recall_msg", "recall_msgid": sent.msg_id}
        return KfSentMessage("", statuses=self._desk.add_event(self.customer.external_userid, own, at))

    def _sends_media(self, msgtype: str, payload: Payload, name: str, at: float | None) -> KfSentMessage:
        with self._cloud.lock:
            media = self._cloud.media.add(payload, msgtype, name, self._cloud.now())
        if media.size > MEDIA_LIMITS[msgtype]:
            notice = f"[{MEDIA_LABELS[msgtype]}] 该{MEDIA_LABELS[msgtype]}超过大小限制，请在手机上查看"
            return self._sends("text", {"content": notice}, at)
        sent = self._sends(msgtype, {"media_id": media.media_id}, at)
        sent.media_id = media.media_id
        return sent

    def _sends(self, msgtype: str, content: Json, at: float | None) -> KfSentMessage:
        """Whoever speaks may be answered again, and comes first to the assistant."""
        message, now = self._message(msgtype, content, at), self._cloud.now() if at is None else at
        self.customer.last_message_at, self.customer.replies_used = now, 0
        if self.customer.session_state in ("new", "ended"):
            self.customer.session_state = "assistant"
        return KfSentMessage(str(message["msgid"]), statuses=self._desk.add_message(message, now))

    def _message(self, msgtype: str, content: Json, at: float | None) -> Json:
        return {
            "msgid": self._desk.new_msgid(), "open_kfid": self._desk.account.open_kfid,
            "external_userid": self.customer.external_userid, "origin": ORIGIN_CUSTOMER, "msgtype": msgtype,
            "send_time": int(self._cloud.now() if at is None else at), msgtype: content,
        }  # fmt: skip
