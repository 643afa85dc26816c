"""A person's phone: says things to the app and hears what the app says (protocol sheet, sections 1.4 and 1.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.callback import XmlValue
from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.records import Card, Member, PhoneMessage

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"


@dataclass
class SentMessage:
    """One thing sent to the bot: its plain XML and how the bot's door answered each posting of it."""

    callback_sender: "Cloud"
    xml: str
    msg_id: str | None = None
    media_id: str | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        """HTTP status of the last posting; 0 when there was no answer."""
        return self.statuses[-1]

    def repeat(self) -> "SentMessage":
        """Post the same message again: same MsgId, new nonce and signature (1.2)."""
        self.statuses.extend(self.callback_sender.callback_sender.post(self.xml))
        return self


class Phone:
    """What one member does and hears; made by `cloud.phone(userid)`."""

    def __init__(self, cloud: "Cloud", userid: str) -> None:
        self._cloud = cloud
        self.userid = userid
        self.received: list[PhoneMessage] = []

    @property
    def member(self) -> Member:
        """Whose phone it is."""
        return self._cloud.members[self.userid]

    @property
    def texts(self) -> list[str]:
        """Everything readable that was heard, in order."""
        return [heard.text for heard in self.received]

    @property
    def cards(self) -> list[Card]:
        """The cards shown on this phone, as they look now."""
        return [heard.card for heard in self.received if heard.card is not None]

    def says(self, text: str, at: float | None = None) -> SentMessage:
        """Send a text."""
        return self._sends("text", {"Content": text}, at)

    def sends_film(self, film: Payload, filename: str | None = None, at: float | None = None) -> SentMessage:
        """Send a video; the message itself tells nothing of its size or name (1.4)."""
        thumb = self._keep(JPEG, "image", "thumb.jpg")
        return self._sends_media("video", film, filename or "video.mp4", at, {"ThumbMediaId": thumb})

    def sends_photo(self, photo: Payload = JPEG, filename: str | None = None, at: float | None = None) -> SentMessage:
        """Send a picture."""
        picture = self._keep(photo, "image", filename or "photo.jpg")
        own: dict[str, XmlValue] = {"PicUrl": f"{self._cloud.url}/pictures/{picture}", "MediaId": picture}
        return self._sends("image", own, at, picture)

    def sends_file(self, file: Payload, filename: str | None = None, at: float | None = None) -> SentMessage:
        """Send a file (seen in the official plugin, not in the documents)."""
        name = filename or (file.name if isinstance(file, Path) else "file.bin")
        return self._sends_media("file", file, name, at, {"FileName": name})

    def sends_voice(self, voice: Payload = b"#!AMR\n\x3c\x55", at: float | None = None) -> SentMessage:
        """Send a voice message."""
        return self._sends_media("voice", voice, "voice.amr", at, {"Format": "amr"})

    def sends_location(self, latitude: float, longitude: float, label: str, at: float | None = None) -> SentMessage:
        """Send a place."""
        place: dict[str, XmlValue] = {"Location_X": str(latitude), "Location_Y": str(longitude), "Scale": 15}
        return self._sends("location", {**place, "Label": label, "AppType": "wxwork"}, at)

    def sends_link(self, title: str, url: str, description: str = "", at: float | None = None) -> SentMessage:
        """Send a link."""
        own: dict[str, XmlValue] = {"Title": title, "Description": description, "Url": url}
        return self._sends("link", {**own, "PicUrl": ""}, at)

    def enters(self, at: float | None = None) -> SentMessage:
        """Open the app: the event enter_agent (1.5)."""
        return self.sends_event("enter_agent", {"EventKey": ""}, at)

    def presses(self, card: Card | PhoneMessage | str, key: str, at: float | None = None) -> SentMessage:
        """Press a button of a card of the app on this phone; the event brings a fresh ResponseCode (4.1)."""
        shown = self._card(card)
        if key not in shown.buttons:
            raise ValueError(f"no button {key!r} to press on this card, only {list(shown.buttons)}")
        shown.pressed_keys.append(key)
        with self._cloud.lock:
            code = self._cloud.cards.issue_code(shown.task_id, self._cloud.now())
        own: dict[str, XmlValue] = {"EventKey": key, "TaskId": shown.task_id}
        own |= {"CardType": str(shown.content["card_type"]), "ResponseCode": code}
        return self.sends_event("template_card_event", own, at)

    def sends_event(self, event: str, extra_fields: Mapping[str, XmlValue], at: float | None = None) -> SentMessage:
        """Any event; events carry no MsgId (1.2)."""
        fields = self._common("event", at) | {"Event": event} | dict(extra_fields)
        return self._post({**fields, "AgentID": self._cloud.app.agent_id})

    def sends_raw(self, xml_fields: Mapping[str, XmlValue | None], at: float | None = None) -> SentMessage:
        """A message with these fields over the usual ones; None leaves a usual one out."""
        msg_id = self._cloud.next_msg_id()
        usual = {**self._common("text", at), "MsgId": msg_id, "AgentID": self._cloud.app.agent_id}
        merged = {**usual, **xml_fields}
        fields = {name: value for name, value in merged.items() if value is not None}
        return self._post(fields, str(fields["MsgId"]) if "MsgId" in fields else None)

    def sends_xml(self, xml: str) -> SentMessage:
        """Exactly this plain text, well-formed or not, inside a proper envelope."""
        return self._posted(SentMessage(self._cloud, xml))

    def _sends_media(
        self, msgtype: str, payload: Payload, name: str, at: float | None, own: dict[str, XmlValue]
    ) -> SentMessage:
        media_id = self._keep(payload, msgtype, name)
        return self._sends(msgtype, {"MediaId": media_id, **own}, at, media_id)

    def _keep(self, payload: Payload, kind: str, name: str) -> str:
        with self._cloud.lock:
            return self._cloud.media.add(payload, kind, name, self._cloud.now()).media_id

    def _sends(
        self, msgtype: str, own: Mapping[str, XmlValue], at: float | None, media_id: str | None = None
    ) -> SentMessage:
        msg_id = self._cloud.next_msg_id()
        tail: dict[str, XmlValue] = {"MsgId": msg_id, "AgentID": self._cloud.app.agent_id}
        return self._post({**self._common(msgtype, at), **own, **tail}, str(msg_id), media_id)

    def _common(self, msgtype: str, at: float | None) -> dict[str, XmlValue]:
        created = int(self._cloud.now() if at is None else at)
        names: dict[str, XmlValue] = {"ToUserName": self._cloud.app.corp_id, "FromUserName": self.userid}
        return {**names, "CreateTime": created, "MsgType": msgtype}

    def _post(
        self, fields: Mapping[str, XmlValue], msg_id: str | None = None, media_id: str | None = None
    ) -> SentMessage:
        return self._posted(SentMessage(self._cloud, self._cloud.callback_sender.to_xml(fields), msg_id, media_id))

    def _posted(self, sent: SentMessage) -> SentMessage:
        sent.statuses.extend(self._cloud.callback_sender.post(sent.xml))
        return sent

    def _card(self, card: Card | PhoneMessage | str) -> Card:
        if isinstance(card, Card):
            return card
        if isinstance(card, PhoneMessage):
            card = card.card.task_id if card.card else ""
        found = self._cloud.cards.find_copy(card, self.userid)
        if found is None:
            raise ValueError(f"{self.userid} was shown no card {card!r}")
        return found
