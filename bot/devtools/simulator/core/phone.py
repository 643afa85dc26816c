"""A member's phone: sends messages and events to the app and shows what the app sends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.devtools.simulator.core.callback import CallbackSender, XmlValue
from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.records import Card, Member, PhoneMessage
from bot.devtools.simulator.core.state import CloudState

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
VOICE = b"#!AMR\n\x3c\x55"


@dataclass
class SentMessage:
    """One message sent to the bot: its plain XML and the HTTP status of each attempt to post it."""

    callback_sender: CallbackSender
    xml: str
    msg_id: str | None = None
    media_id: str | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        """HTTP status of the last attempt; 0 if there was no response."""
        return self.statuses[-1]

    def repeat(self) -> "SentMessage":
        """Post the message, again with the same MsgId but a new nonce and signature."""
        self.statuses.extend(self.callback_sender.post(self.xml))
        return self


class Phone:
    """What one member does and receives."""

    def __init__(self, state: CloudState, callback_sender: CallbackSender, userid: str) -> None:
        self._state, self._callback_sender = state, callback_sender
        self.userid = userid
        self.received: list[PhoneMessage] = []

    @property
    def member(self) -> Member:
        """Whose phone it is."""
        return self._state.members[self.userid]

    @property
    def texts(self) -> list[str]:
        """The texts of all messages, in order."""
        return [message.text for message in self.received]

    @property
    def cards(self) -> list[Card]:
        """The cards on this phone in their current state."""
        return [message.card for message in self.received if message.card is not None]

    def says(self, text: str, at: float | None = None) -> SentMessage:
        """Send a text."""
        return self._sends("text", {"Content": text}, at)

    def sends_film(self, film: Payload, filename: str | None = None, at: float | None = None) -> SentMessage:
        """Send a video; the message contains neither its size nor its name."""
        thumb = self._store(JPEG, "image", "thumb.jpg")
        return self._sends_media("video", film, filename or "video.mp4", at, {"ThumbMediaId": thumb})

    def sends_photo(self, photo: Payload = JPEG, filename: str | None = None, at: float | None = None) -> SentMessage:
        picture = self._store(photo, "image", filename or "photo.jpg")
        fields: dict[str, XmlValue] = {"PicUrl": f"{self._state.url}/pictures/{picture}", "MediaId": picture}
        return self._sends("image", fields, at, picture)

    def sends_file(self, file: Payload, filename: str | None = None, at: float | None = None) -> SentMessage:
        """Send a file; Tencent's own plugin handles this msgtype, the documentation does not mention it."""
        name = filename or (file.name if isinstance(file, Path) else "file.bin")
        return self._sends_media("file", file, name, at, {"FileName": name})

    def sends_voice(self, voice: Payload = VOICE, at: float | None = None) -> SentMessage:
        return self._sends_media("voice", voice, "voice.amr", at, {"Format": "amr"})

    def sends_location(self, latitude: float, longitude: float, label: str, at: float | None = None) -> SentMessage:
        location: dict[str, XmlValue] = {"Location_X": str(latitude), "Location_Y": str(longitude), "Scale": 15}
        return self._sends("location", {**location, "Label": label, "AppType": "wxwork"}, at)

    def sends_link(self, title: str, url: str, description: str = "", at: float | None = None) -> SentMessage:
        fields: dict[str, XmlValue] = {"Title": title, "Description": description, "Url": url, "PicUrl": ""}
        return self._sends("link", fields, at)

    def enters(self, at: float | None = None) -> SentMessage:
        """Open the app: the event enter_agent."""
        return self.sends_event("enter_agent", {"EventKey": ""}, at)

    def presses(self, card: Card | PhoneMessage | str, key: str, at: float | None = None) -> SentMessage:
        """Press a button of a card on this phone; the event carries a new ResponseCode for an update."""
        shown = self._find_card(card)
        shown.press(key)
        with self._state.lock:
            code = self._state.cards.issue_code(shown.task_id, self._state.now())
        fields: dict[str, XmlValue] = {"EventKey": key, "TaskId": shown.task_id}
        fields |= {"CardType": str(shown.content["card_type"]), "ResponseCode": code}
        return self.sends_event("template_card_event", fields, at)

    def sends_event(self, event: str, extra_fields: Mapping[str, XmlValue], at: float | None = None) -> SentMessage:
        """Send an event; events have no MsgId."""
        fields = self._common("event", at) | {"Event": event} | dict(extra_fields)
        return self._post({**fields, "AgentID": self._state.app.agent_id})

    def sends_raw(self, xml_fields: Mapping[str, XmlValue | None], at: float | None = None) -> SentMessage:
        """Send a message in which these fields replace the usual ones; None removes a field."""
        msg_id = self._state.next_msg_id()
        usual = {**self._common("text", at), "MsgId": msg_id, "AgentID": self._state.app.agent_id}
        merged = {**usual, **xml_fields}
        fields = {name: value for name, value in merged.items() if value is not None}
        return self._post(fields, str(fields["MsgId"]) if "MsgId" in fields else None)

    def sends_xml(self, xml: str) -> SentMessage:
        """Send this plain text, which need not be well-formed, in a valid envelope."""
        return SentMessage(self._callback_sender, xml).repeat()

    def _sends_media(
        self, msgtype: str, payload: Payload, name: str, at: float | None, extra: dict[str, XmlValue]
    ) -> SentMessage:
        media_id = self._store(payload, msgtype, name)
        return self._sends(msgtype, {"MediaId": media_id, **extra}, at, media_id)

    def _store(self, payload: Payload, kind: str, name: str) -> str:
        with self._state.lock:
            return self._state.media.add(payload, kind, name, self._state.now()).media_id

    def _sends(
        self, msgtype: str, content: Mapping[str, XmlValue], at: float | None, media_id: str | None = None
    ) -> SentMessage:
        msg_id = self._state.next_msg_id()
        ids: dict[str, XmlValue] = {"MsgId": msg_id, "AgentID": self._state.app.agent_id}
        return self._post({**self._common(msgtype, at), **content, **ids}, str(msg_id), media_id)

    def _common(self, msgtype: str, at: float | None) -> dict[str, XmlValue]:
        return {
            "ToUserName": self._state.app.corp_id,
            "FromUserName": self.userid,
            "CreateTime": int(self._state.now() if at is None else at),
            "MsgType": msgtype,
        }

    def _post(
        self, fields: Mapping[str, XmlValue], msg_id: str | None = None, media_id: str | None = None
    ) -> SentMessage:
        xml = self._callback_sender.to_xml(fields)
        return SentMessage(self._callback_sender, xml, msg_id, media_id).repeat()

    def _find_card(self, card: Card | PhoneMessage | str) -> Card:
        if isinstance(card, Card):
            return card
        if isinstance(card, PhoneMessage):
            card = card.card.task_id if card.card else ""
        copy = self._state.cards.find_copy(card, self.userid)
        if copy is None:
            raise ValueError(f"{self.userid} was shown no card {card!r}")
        return copy
