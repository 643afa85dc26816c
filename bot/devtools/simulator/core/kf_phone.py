"""The WeChat client of a customer in the customer service chat."""

from dataclasses import dataclass, field
from pathlib import Path

from bot.devtools.simulator.core.kf import CustomerService
from bot.devtools.simulator.core.kf_records import MEDIA_LIMITS, ORIGIN_CUSTOMER, Customer, KfMessage
from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.phone import JPEG, VOICE
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.state import CloudState

MEDIA_LABELS = {"image": "图片", "voice": "语音", "video": "视频", "file": "文件"}


@dataclass
class KfSentMessage:
    """One message or event sent, with the HTTP statuses of its notification; none if the notification was lost."""

    msg_id: str
    media_id: str | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def status(self) -> int | None:
        """HTTP status of the last attempt; None if the notification was lost."""
        return self.statuses[-1] if self.statuses else None


class KfPhone:
    """What one customer does and receives."""

    def __init__(self, state: CloudState, kf: CustomerService, customer: Customer) -> None:
        self._state, self._kf, self.customer = state, kf, customer

    @property
    def received(self) -> list[KfMessage]:
        """All messages shown, in order."""
        return self.customer.received

    @property
    def texts(self) -> list[str]:
        """The texts of all messages, in order."""
        return [message.text for message in self.customer.received]

    def enters(self, scene: str = "", scene_param: str = "", at: float | None = None) -> KfSentMessage:
        """Open the chat through a link, which may carry a parameter."""
        fields: Json = {"event_type": "enter_session", "scene": scene, "scene_param": scene_param}
        code = self._kf.issue_welcome_code(self.customer)
        return self._sends_event(fields | ({"welcome_code": code} if code else {}), at)

    def says(self, text: str, at: float | None = None) -> KfSentMessage:
        """Send a text."""
        return self._sends("text", {"content": text}, at)

    def taps(self, label: str, at: float | None = None) -> KfSentMessage:
        """Tap an item of the latest menu that has it; raises StopIteration if none has."""
        menu = next(message.menu for message in reversed(self.customer.received) if label in message.menu)
        return self._sends("text", {"content": label, "menu_id": menu[label]}, at)

    def sends_film(self, film: Payload, filename: str | None = None, at: float | None = None) -> KfSentMessage:
        """Send a video; above 10 MB the bot receives only a text that says so."""
        return self._sends_media("video", film, filename or "video.mp4", at)

    def sends_photo(self, photo: Payload = JPEG, filename: str | None = None, at: float | None = None) -> KfSentMessage:
        return self._sends_media("image", photo, filename or "photo.jpg", at)

    def sends_file(self, file: Payload, filename: str | None = None, at: float | None = None) -> KfSentMessage:
        """Send a file; the message does not contain its name."""
        name = filename or (file.name if isinstance(file, Path) else "file.bin")
        return self._sends_media("file", file, name, at)

    def sends_voice(self, voice: Payload = VOICE, at: float | None = None) -> KfSentMessage:
        return self._sends_media("voice", voice, "voice.amr", at)

    def sends_location(self, latitude: float, longitude: float, label: str, at: float | None = None) -> KfSentMessage:
        location = {"latitude": latitude, "longitude": longitude, "name": label, "address": label}
        return self._sends("location", location, at)

    def sends_raw(self, message: Json, at: float | None = None) -> KfSentMessage:
        """Send a message in which these fields replace the usual ones."""
        usual = self._message("text", {"content": ""}, at)
        statuses = self._kf.add_message({**usual, **message}, self._state.now() if at is None else at)
        return KfSentMessage(str(message.get("msgid", usual["msgid"])), statuses=statuses)

    def recalls(self, sent: KfSentMessage, at: float | None = None) -> KfSentMessage:
        return self._sends_event({"event_type": "user_recall_msg", "recall_msgid": sent.msg_id}, at)

    def _sends_event(self, fields: Json, at: float | None) -> KfSentMessage:
        return KfSentMessage("", statuses=self._kf.add_event(self.customer.external_userid, fields, at))

    def _sends_media(self, msgtype: str, payload: Payload, name: str, at: float | None) -> KfSentMessage:
        with self._state.lock:
            media = self._state.media.add(payload, msgtype, name, self._state.now())
        if media.size > MEDIA_LIMITS[msgtype]:
            notice = f"[{MEDIA_LABELS[msgtype]}] 该{MEDIA_LABELS[msgtype]}超过大小限制，请在手机上查看"
            return self._sends("text", {"content": notice}, at)
        sent = self._sends(msgtype, {"media_id": media.media_id}, at)
        sent.media_id = media.media_id
        return sent

    def _sends(self, msgtype: str, content: Json, at: float | None) -> KfSentMessage:
        """Every message reopens the reply window; a new or ended session goes to the assistant."""
        message, now = self._message(msgtype, content, at), self._state.now() if at is None else at
        self.customer.last_message_at, self.customer.replies_used = now, 0
        if self.customer.session_state in ("new", "ended"):
            self.customer.session_state = "assistant"
        return KfSentMessage(str(message["msgid"]), statuses=self._kf.add_message(message, now))

    def _message(self, msgtype: str, content: Json, at: float | None) -> Json:
        return {
            "msgid": self._kf.new_msgid(),
            "open_kfid": self._kf.account.open_kfid,
            "external_userid": self.customer.external_userid,
            "origin": ORIGIN_CUSTOMER,
            "msgtype": msgtype,
            "send_time": int(self._state.now() if at is None else at),
            msgtype: content,
        }
