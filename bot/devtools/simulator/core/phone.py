"""A person's phone: says things to the app and hears what the app says (protocol sheet, sections 1.4 and 1.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.callback import Value
from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.records import Card, Heard, Member

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"


@dataclass
class Sent:
    """One thing sent to the bot: its plain XML and how the bot's door answered each posting of it."""

    cloud: "Cloud"
    xml: str
    msg_id: str | None = None
    media_id: str | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        """HTTP status of the last posting; 0 when there was no answer."""
        return self.statuses[-1]

    def repeat(self) -> "Sent":
        """Post the same message again: same MsgId, new nonce and signature (1.2)."""
        self.statuses.extend(self.cloud.courier.post(self.xml))
        return self


class Phone:
    """What one member does and hears; made by `cloud.phone(userid)`."""

    def __init__(self, cloud: "Cloud", userid: str) -> None:
        self._cloud = cloud
        self.userid = userid
        self.heard: list[Heard] = []

    @property
    def member(self) -> Member:
        """Whose phone it is."""
        return self._cloud.members[self.userid]

    @property
    def texts(self) -> list[str]:
        """Everything readable that was heard, in order."""
        return [heard.text for heard in self.heard]

    @property
    def cards(self) -> list[Card]:
        """The cards shown on this phone, as they look now."""
        return [heard.card for heard in self.heard if heard.card is not None]

    def says(self, text: str, at: float | None = None) -> Sent:
        """Send a text."""
        return self._sends("text", {"Content": text}, at)

    def sends_film(self, film: Payload, filename: str | None = None, at: float | None = None) -> Sent:
        """Send a video; the message itself tells nothing of its size or name (1.4)."""
        thumb = self._keep(JPEG, "image", "thumb.jpg")
        return self._sends_media("video", film, filename or "video.mp4", at, {"ThumbMediaId": thumb})

    def sends_photo(self, photo: Payload = JPEG, filename: str | None = None, at: float | None = None) -> Sent:
        """Send a picture."""
        picture = self._keep(photo, "image", filename or "photo.jpg")
        own: dict[str, Value] = {"PicUrl": f"{self._cloud.url}/pictures/{picture}", "MediaId": picture}
        return self._sends("image", own, at, picture)

    def sends_file(self, file: Payload, filename: str | None = None, at: float | None = None) -> Sent:
        """Send a file (seen in the official plugin, not in the documents)."""
        name = filename or (file.name if isinstance(file, Path) else "file.bin")
        return self._sends_media("file", file, name, at, {"FileName": name})

    def sends_voice(self, voice: Payload = b"#!AMR\n\x3c\x55", at: float | None = None) -> Sent:
        """Send a voice message."""
        return self._sends_media("voice", voice, "voice.amr", at, {"Format": "amr"})

    def sends_location(self, latitude: float, longitude: float, label: str, at: float | None = None) -> Sent:
        """Send a place."""
        place: dict[str, Value] = {"Location_X": str(latitude), "Location_Y": str(longitude), "Scale": 15}
        return self._sends("location", {**place, "Label": label, "AppType": "wxwork"}, at)

    def sends_link(self, title: str, url: str, description: str = "", at: float | None = None) -> Sent:
        """Send a link."""
        own: dict[str, Value] = {"Title": title, "Description": description, "Url": url}
        return self._sends("link", {**own, "PicUrl": ""}, at)

    def enters(self, at: float | None = None) -> Sent:
        """Open the app: the event enter_agent (1.5)."""
        return self.sends_event("enter_agent", {"EventKey": ""}, at)

    def presses(self, card: Card | Heard | str, key: str, at: float | None = None) -> Sent:
        """Press a button of a card of the app on this phone; the event brings a fresh ResponseCode (4.1)."""
        shown = self._card(card)
        if key not in shown.buttons:
            raise ValueError(f"no button {key!r} to press on this card, only {list(shown.buttons)}")
        shown.pressed.append(key)
        with self._cloud.lock:
            code = self._cloud.cards.issue(shown.task_id, self._cloud.now())
        own: dict[str, Value] = {"EventKey": key, "TaskId": shown.task_id}
        own |= {"CardType": str(shown.content["card_type"]), "ResponseCode": code}
        return self.sends_event("template_card_event", own, at)

    def sends_event(self, event: str, own: Mapping[str, Value], at: float | None = None) -> Sent:
        """Any event; events carry no MsgId (1.2)."""
        fields = self._common("event", at) | {"Event": event} | dict(own)
        return self._post({**fields, "AgentID": self._cloud.app.agent_id})

    def sends_raw(self, xml_fields: Mapping[str, Value | None], at: float | None = None) -> Sent:
        """A message with these fields over the usual ones; None leaves a usual one out."""
        msg_id = self._cloud.next_msg_id()
        usual = {**self._common("text", at), "MsgId": msg_id, "AgentID": self._cloud.app.agent_id}
        merged = {**usual, **xml_fields}
        fields = {name: value for name, value in merged.items() if value is not None}
        return self._post(fields, str(fields["MsgId"]) if "MsgId" in fields else None)

    def sends_xml(self, xml: str) -> Sent:
        """Exactly this plain text, well-formed or not, inside a proper envelope."""
        return self._posted(Sent(self._cloud, xml))

    def _sends_media(self, msgtype: str, payload: Payload, name: str, at: float | None, own: dict[str, Value]) -> Sent:
        media_id = self._keep(payload, msgtype, name)
        return self._sends(msgtype, {"MediaId": media_id, **own}, at, media_id)

    def _keep(self, payload: Payload, kind: str, name: str) -> str:
        with self._cloud.lock:
            return self._cloud.media.add(payload, kind, name, self._cloud.now()).media_id

    def _sends(self, msgtype: str, own: Mapping[str, Value], at: float | None, media_id: str | None = None) -> Sent:
        msg_id = self._cloud.next_msg_id()
        tail: dict[str, Value] = {"MsgId": msg_id, "AgentID": self._cloud.app.agent_id}
        return self._post({**self._common(msgtype, at), **own, **tail}, str(msg_id), media_id)

    def _common(self, msgtype: str, at: float | None) -> dict[str, Value]:
        created = int(self._cloud.now() if at is None else at)
        names: dict[str, Value] = {"ToUserName": self._cloud.app.corp_id, "FromUserName": self.userid}
        return {**names, "CreateTime": created, "MsgType": msgtype}

    def _post(self, fields: Mapping[str, Value], msg_id: str | None = None, media_id: str | None = None) -> Sent:
        return self._posted(Sent(self._cloud, self._cloud.courier.write(fields), msg_id, media_id))

    def _posted(self, sent: Sent) -> Sent:
        sent.statuses.extend(self._cloud.courier.post(sent.xml))
        return sent

    def _card(self, card: Card | Heard | str) -> Card:
        if isinstance(card, Card):
            return card
        if isinstance(card, Heard):
            card = card.card.task_id if card.card else ""
        found = self._cloud.cards.copy_of(card, self.userid)
        if found is None:
            raise ValueError(f"{self.userid} was shown no card {card!r}")
        return found
