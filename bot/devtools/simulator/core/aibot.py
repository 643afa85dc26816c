"""The smart bot (智能机器人): its group chats, what people send to it, and the connection it pushes through."""

import secrets
from collections.abc import Sequence

from bot.devtools.simulator.core.aibot_media import EncryptedMedia
from bot.devtools.simulator.core.aibot_records import CLICK, ENTRY, MESSAGE, AibotCallback, BotIdentity, Chat, GroupPost
from bot.devtools.simulator.core.aibot_uploads import Uploads
from bot.devtools.simulator.core.card_store import CardStore
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.media import Payload, payload_size
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import Card, Json
from bot.devtools.simulator.core.servers import WebSocketServer
from bot.devtools.simulator.core.state import CloudState

MAX_PENDING, PENDING_SECONDS = 3, 60
MAX_MEDIA_BYTES = 100 * 1024 * 1024


class Aibot:
    """The platform's side of one smart bot. Media reach the bot from single chats only, not from groups."""

    def __init__(self, state: CloudState) -> None:
        self._state = state
        self.identity = BotIdentity()
        self.gateway: WebSocketServer | None = None
        self.login_limit = RateLimit(20, 60)
        self.chats: dict[str, Chat] = {}
        self.reset()

    def reset(self) -> None:
        """Delete messages, media and counters; the bot, its connection and its groups stay."""
        self.callbacks: dict[str, AibotCallback] = {}
        self.known_userids: set[str] = set()
        self.media = EncryptedMedia(self._state)
        self.uploads = Uploads(self._state)
        self.cards = CardStore()
        self.login_count = self.kick_count = 0
        self._minute_limit, self._hour_limit = RateLimit(30, 60), RateLimit(1000, 3600)
        for chat in self.chats.values():
            chat.received.clear()

    def close(self) -> None:
        """Stop serving."""
        gateway, self.gateway = self.gateway, None
        if gateway is not None:
            gateway.close()

    @property
    def settings(self) -> dict[str, str]:
        """The bot's settings for this gateway, by the names used in its .env file."""
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
        """Add a group that the bot is in; without members every user may write there."""
        self.chats[chatid] = Chat(chatid, name, tuple(members))
        return self.chats[chatid]

    def check_rate(self, chat: str) -> None:
        """Count one reply or push to a chat; raises 45009 above 30 a minute or 1000 an hour."""
        now = self._state.now()
        if not (self._minute_limit.allow(chat, now) and self._hour_limit.allow(chat, now)):
            raise ApiError(45009, "api freq out of limit")

    # What people do

    def says(self, userid: str, text: str, chat: str = "", quote: GroupPost | None = None) -> AibotCallback:
        """Write to the bot: in the single chat, or in a group with the mention in front."""
        quoted = {"quote": {"msgtype": quote.msgtype, quote.msgtype: quote.content}} if quote else {}
        content = {"msgtype": "text", "text": {"content": self._mention(text, chat)}, **quoted}
        return self.sends_raw(userid, chat, content)

    def sends_film(self, userid: str, film: Payload, name: str = "video.mp4") -> AibotCallback:
        """Send a video in the single chat."""
        return self.sends_raw(userid, "", {"msgtype": "video", "video": self.media.add(film, name)}, payload_size(film))

    def sends_file(self, userid: str, file: Payload, name: str = "file.bin") -> AibotCallback:
        """Send a file in the single chat."""
        return self.sends_raw(userid, "", {"msgtype": "file", "file": self.media.add(file, name)}, payload_size(file))

    def sends_photo(self, userid: str, photo: Payload) -> AibotCallback:
        """Send a picture in the single chat."""
        return self.sends_raw(userid, "", {"msgtype": "image", "image": self.media.add(photo, "photo.jpg")})

    def sends_voice(self, userid: str, transcript: str) -> AibotCallback:
        """Send a voice message in the single chat; only its transcript reaches the bot."""
        return self.sends_raw(userid, "", {"msgtype": "voice", "voice": {"content": transcript}})

    def sends_mixed(self, userid: str, text: str, photos: Sequence[Payload], chat: str = "") -> AibotCallback:
        """Send text and pictures in one message."""
        pictures = [{"msgtype": "image", "image": self.media.add(photo, "photo.jpg")} for photo in photos]
        items: list[Json] = [{"msgtype": "text", "text": {"content": self._mention(text, chat)}}, *pictures]
        return self.sends_raw(userid, chat, {"msgtype": "mixed", "mixed": {"msg_item": items}})

    def posts_unmentioned(self, film: Payload, msgtype: str = "video") -> GroupPost:
        """Post in a group without a mention: the bot receives nothing until a member quotes it."""
        return GroupPost(msgtype, self.media.add(film, f"{msgtype}.bin"))

    def enters(self, userid: str) -> AibotCallback:
        """Open the single chat for the first time of the day."""
        return self._sends_event(userid, "", ENTRY, "enter_chat", {})

    def presses(self, userid: str, card: Card, key: str) -> AibotCallback:
        """Press a button of a card that the bot sent."""
        card.press(key)
        chat = card.userid if card.userid in self.chats else ""
        event = {"card_type": card.content["card_type"], "event_key": key, "task_id": card.task_id}
        return self._sends_event(userid, chat, CLICK, "template_card_event", {"template_card_event": event})

    def sends_raw(self, userid: str, chat: str, content: Json, size: int = 0) -> AibotCallback:
        """Send a message with this content; media over 100 MB and a fourth unanswered message are not delivered."""
        now = self._state.now()
        if chat:
            self._check_member(chat, userid)
        callback = AibotCallback(_new_req_id(), userid, chat, MESSAGE, now, self._body(userid, chat, content))
        with self._state.lock:
            pending = [each for each in self.callbacks.values() if each.userid == userid and _is_pending(each, now)]
            if len(pending) >= MAX_PENDING or size > MAX_MEDIA_BYTES:
                return callback
            self.known_userids |= set() if chat else {userid}
            self.callbacks[callback.req_id] = callback
        callback.delivered = self._push("aibot_msg_callback", callback)
        return callback

    def redeliver(self, callback: AibotCallback) -> bool:
        """Push the same message again, as the platform sometimes does; False when no client is connected."""
        return self._push("aibot_msg_callback", callback)

    def event_frame(self, event: str, extra_fields: Json) -> Json:
        """The frame of an event that no person caused."""
        body = {
            "msgtype": "event",
            "event": {"eventtype": event, **extra_fields},
            "create_time": int(self._state.now()),
        }
        return {"cmd": "aibot_event_callback", "headers": {"req_id": _new_req_id()}, "body": body}

    def _sends_event(self, userid: str, chat: str, kind: str, event: str, extra_fields: Json) -> AibotCallback:
        body = self._body(userid, chat, {"msgtype": "event", "event": {"eventtype": event, **extra_fields}})
        callback = AibotCallback(_new_req_id(), userid, chat, kind, self._state.now(), body)
        self.callbacks[callback.req_id] = callback
        if not chat:
            self.known_userids.add(userid)
        callback.delivered = self._push("aibot_event_callback", callback)
        return callback

    def _mention(self, text: str, chat: str) -> str:
        return f"@{self.identity.name} {text}" if chat else text

    def _check_member(self, chat: str, userid: str) -> None:
        members = self.chats[chat].members
        if members and userid not in members:
            raise ValueError(f"{userid} is not in the group {chat}")

    def _body(self, userid: str, chat: str, content: Json) -> Json:
        where = {"chatid": chat, "chattype": "group"} if chat else {"chattype": "single"}
        common = {
            "msgid": secrets.token_hex(12),
            "aibotid": self.identity.bot_id,
            "create_time": int(self._state.now()),
        }
        return {**common, **where, "from": {"userid": userid}, **content}

    def _push(self, cmd: str, callback: AibotCallback) -> bool:
        frame = {"cmd": cmd, "headers": {"req_id": callback.req_id}, "body": callback.body}
        return self.gateway is not None and self.gateway.push(frame)


def _new_req_id() -> str:
    return secrets.token_urlsafe(16)


def _is_pending(callback: AibotCallback, now: float) -> bool:
    return callback.kind == MESSAGE and not callback.answered and now < callback.at + PENDING_SECONDS
