"""The smart bot (智能机器人) of the pretend cloud: its groups, what people say to it, what it says (section 7)."""

import json
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.devtools.simulator.api.aibot_gateway import WebSocketServer
from bot.devtools.simulator.core.aibot_media import EncryptedMedia
from bot.devtools.simulator.core.aibot_records import CLICK, ENTRY, MESSAGE, AibotCallback, BotIdentity, Chat, GroupPost
from bot.devtools.simulator.core.aibot_uploads import Uploads
from bot.devtools.simulator.core.card_store import CardStore
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import Card, Delivery, GroupMessage, Json, PhoneMessage

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

ENDPOINT = "aibot"
MAX_PENDING, PENDING_SECONDS = 3, 60
MAX_MEDIA_BYTES = 100 * 1024 * 1024


class Aibot:
    """The platform's side of one smart bot."""

    def __init__(self, state: "Cloud") -> None:
        self._cloud = state
        self.identity = BotIdentity()
        self.gateway: WebSocketServer | None = None
        self.chats: dict[str, Chat] = {}
        self.reset()

    def reset(self) -> None:
        """Forget everything said; the bot and its groups stay."""
        self.callbacks: dict[str, AibotCallback] = {}
        self.known_userids: set[str] = set()
        self.media: EncryptedMedia = EncryptedMedia(self._cloud)
        self.uploads: Uploads = Uploads(self._cloud)
        self.cards: CardStore = CardStore()
        self.login_count = self.kick_count = 0
        self._minute, self._hour = RateLimit(30, 60), RateLimit(1000, 3600)
        for chat in self.chats.values():
            chat.received.clear()

    def serve(self, port: int = 0) -> str:
        """Take connections from now on; the address."""
        if self.gateway is None:
            self.gateway = WebSocketServer(self._cloud, port)
        return self.gateway.url

    def close(self) -> None:
        """Take no more connections."""
        gateway, self.gateway = self.gateway, None
        if gateway is not None:
            gateway.close()

    @property
    def settings(self) -> dict[str, str]:
        """The bot's settings for this gateway, by the names of its .env file."""
        url = self.gateway.url if self.gateway else "ws://simulator.invalid"
        return {
            "WECOM_AIBOT_ID": self.identity.bot_id,
            "WECOM_AIBOT_SECRET": self.identity.secret,
            "WECOM_AIBOT_URL": url,
        }

    @property
    def is_connected(self) -> bool:
        """Whether the bot is logged in."""
        return self.gateway is not None and self.gateway.connection is not None

    def add_chat(self, chatid: str, name: str, members: Sequence[str] = ()) -> Chat:
        """Put the bot into a group."""
        self.chats[chatid] = Chat(chatid, name, tuple(members))
        return self.chats[chatid]

    # What people do

    def says(self, userid: str, text: str, chat: str = "", quote: GroupPost | None = None) -> AibotCallback:
        """Write to the bot: in a single chat, or in a group with the mention in front (7.1)."""
        content = f"@{self.identity.name} {text}" if chat else text
        quoted = {"quote": {"msgtype": quote.msgtype, quote.msgtype: quote.content}} if quote else {}
        return self._message(userid, chat, {"msgtype": "text", "text": {"content": content}, **quoted})

    def sends_film(self, userid: str, film: Payload, name: str = "video.mp4") -> AibotCallback:
        """Send a video in the single chat; in a group it would never reach the bot: `posts` it there (7.1)."""
        return self._message(userid, "", {"msgtype": "video", "video": self.media.add(film, name)}, payload_size(film))

    def sends_file(self, userid: str, file: Payload, name: str = "file.bin") -> AibotCallback:
        """Send a file in the single chat."""
        return self._message(userid, "", {"msgtype": "file", "file": self.media.add(file, name)}, payload_size(file))

    def sends_photo(self, userid: str, photo: Payload) -> AibotCallback:
        """Send a picture in the single chat."""
        return self._message(userid, "", {"msgtype": "image", "image": self.media.add(photo, "photo.jpg")})

    def sends_voice(self, userid: str, transcript: str) -> AibotCallback:
        """Speak in the single chat: only the transcript arrives (7.1)."""
        return self._message(userid, "", {"msgtype": "voice", "voice": {"content": transcript}})

    def sends_mixed(self, userid: str, text: str, photos: Sequence[Payload], chat: str = "") -> AibotCallback:
        """Words and pictures in one message."""
        content = f"@{self.identity.name} {text}" if chat else text
        pictures = [{"msgtype": "image", "image": self.media.add(photo, "photo.jpg")} for photo in photos]
        items: list[Json] = [{"msgtype": "text", "text": {"content": content}}, *pictures]
        return self._message(userid, chat, {"msgtype": "mixed", "mixed": {"msg_item": items}})

    def posts_unmentioned(self, film: Payload, msgtype: str = "video") -> GroupPost:
        """Post something in a group without a mention: the bot hears nothing of it until somebody quotes it."""
        return GroupPost(msgtype, self.media.add(film, f"{msgtype}.bin"))

    def enters(self, userid: str) -> AibotCallback:
        """Open the single chat for the first time of the day."""
        return self._event(userid, "", ENTRY, "enter_chat", {})

    def presses(self, userid: str, card: Card, key: str) -> AibotCallback:
        """Press a button of a card that the bot has sent."""
        if key not in card.buttons:
            raise ValueError(f"no button {key!r} to press on this card, only {list(card.buttons)}")
        card.pressed_keys.append(key)
        chat = card.userid if card.userid in self.chats else ""
        told = {"card_type": card.content["card_type"], "event_key": key, "task_id": card.task_id}
        return self._event(userid, chat, CLICK, "template_card_event", {"template_card_event": told})

    def _message(self, userid: str, chat: str, content: Json, size: int = 0) -> AibotCallback:
        """One message; what is over 100 MB, or the fourth under way, never reaches the bot (7.1, 7.3)."""
        now = self._cloud.now()
        if chat:
            self._check_member(chat, userid)
        said = AibotCallback(_req_id(), userid, chat, MESSAGE, now, self._body(userid, chat, content))
        with self._cloud.lock:
            others = [each for each in self.callbacks.values() if each.userid == userid and _is_under_way(each, now)]
            if len(others) >= MAX_PENDING or size > MAX_MEDIA_BYTES:
                return said
            self.known_userids |= set() if chat else {userid}
            self.callbacks[said.req_id] = said
        said.delivered = self._push("aibot_msg_callback", said)
        return said

    def redeliver(self, callback: AibotCallback) -> bool:
        """Say the very same message again, as the platform does now and then (7.2)."""
        return self._push("aibot_msg_callback", callback)

    def _event(self, userid: str, chat: str, kind: str, event: str, own: Json) -> AibotCallback:
        body = self._body(userid, chat, {"msgtype": "event", "event": {"eventtype": event, **own}})
        said = AibotCallback(_req_id(), userid, chat, kind, self._cloud.now(), body)
        self.callbacks[said.req_id] = said
        if not chat:
            self.known_userids.add(userid)
        said.delivered = self._push("aibot_event_callback", said)
        return said

    def _check_member(self, chat: str, userid: str) -> None:
        members = self.chats[chat].members
        if members and userid not in members:
            raise ValueError(f"{userid} is not in the group {chat}")

    def _body(self, userid: str, chat: str, content: Json) -> Json:
        where = {"chatid": chat, "chattype": "group"} if chat else {"chattype": "single"}
        common = {
            "msgid": secrets.token_hex(12),
            "aibotid": self.identity.bot_id,
            "create_time": int(self._cloud.now()),
        }
        return {**common, **where, "from": {"userid": userid}, **content}

    def _push(self, cmd: str, said: AibotCallback) -> bool:
        frame = {"cmd": cmd, "headers": {"req_id": said.req_id}, "body": said.body}
        return self.gateway is not None and self.gateway.push(frame)

    def event_frame(self, event: str, extra_fields: Json) -> Json:
        """A frame that tells of something that nobody did."""
        body = {
            "msgtype": "event",
            "event": {"eventtype": event, **extra_fields},
            "create_time": int(self._cloud.now()),
        }
        return {"cmd": "aibot_event_callback", "headers": {"req_id": _req_id()}, "body": body}

    # What the bot does; called by the gateway, which holds the cloud's lock

    def check_rate(self, chat: str) -> None:
        """Answers and pushes of one chat together: 30 a minute, 1000 an hour."""
        now = self._cloud.now()
        if not (self._minute.allow(chat, now) and self._hour.allow(chat, now)):
            raise ApiError(45009, "api freq out of limit")

    def deliver(self, chatid: str, userid: str, body: Json, text: str) -> None:
        """Let a group or a phone hear it."""
        card = self._hand_out(chatid or userid, body)
        raw, msgtype = json.loads(json.dumps(body)), str(body["msgtype"])
        now, media_id = self._cloud.now(), body.get(msgtype, {}).get("media_id")
        if chatid:
            self.chats[chatid].received.append(GroupMessage(now, msgtype, text, raw, media_id=media_id, card=card))
        else:
            heard = PhoneMessage(now, msgtype, text, raw, secrets.token_hex(8), card, media_id)
            self._cloud.phone(userid).received.append(heard)
        self._cloud.deliveries.append(Delivery(now, ENDPOINT, chatid or userid, msgtype, "shown", raw))

    def _hand_out(self, holder: str, body: Json) -> Card | None:
        if body["msgtype"] != "template_card":
            return None
        content = body["template_card"]
        card = self.cards.add_copy(self.cards.reserve_task_id(content.get("task_id")), holder, content)
        card.from_aibot = True
        return card


def payload_size(payload: Payload) -> int:
    """Length in bytes of what somebody sends."""
    return len(payload) if isinstance(payload, bytes) else payload.stat().st_size


def _req_id() -> str:
    return secrets.token_urlsafe(16)


def _is_under_way(said: AibotCallback, now: float) -> bool:
    return said.kind == MESSAGE and not said.answered and now < said.at + PENDING_SECONDS
