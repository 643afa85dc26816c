"""The commands of the smart bot over its WebSocket, and what the platform answers."""

import copy
import json
import secrets
from collections.abc import Callable

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.aibot_records import CLICK, ENTRY, MESSAGE, AibotCallback
from bot.devtools.simulator.core.aibot_uploads import MEDIA_OWNER
from bot.devtools.simulator.core.card_rules import check_card
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.field_checks import (
    byte_length,
    limit_bytes,
    optional_choice,
    optional_text,
    optional_texts,
    require_object,
    require_text,
)
from bot.devtools.simulator.core.records import Card, Delivery, GroupMessage, Json, PhoneMessage

ENDPOINT = "aibot"
TEXT_BYTES = 20480
RESPONSE_SECONDS, STREAM_SECONDS, EVENT_RESPONSE_SECONDS = 24 * 3600, 360, 5
MAX_TITLE_CHARACTERS, MAX_DESC_CHARACTERS = 26, 30

Command = Callable[[Cloud, Json, str], Json]


def respond(cloud: Cloud, body: Json, req_id: str) -> Json:
    """aibot_respond_msg: a reply to a message of the last 24 hours."""
    callback = _find_callback(cloud, req_id, MESSAGE, RESPONSE_SECONDS)
    if body.get("msgtype") == "stream":
        return _respond_stream(cloud, body, callback)
    text = _read(cloud, body)
    cloud.aibot.check_rate(callback.chatid or callback.userid)
    deliver(cloud, callback.chatid, callback.userid, body, text)
    callback.answered = True
    return {}


def _respond_stream(cloud: Cloud, body: Json, callback: AibotCallback) -> Json:
    """Each frame contains the whole text so far; the last must come within six minutes of the first."""
    stream = require_object(body, "stream")
    stream_id, now = require_text(stream, "id"), cloud.now()
    if stream_id not in callback.streams:
        cloud.aibot.check_rate(callback.chatid or callback.userid)
    if now >= callback.streams.setdefault(stream_id, now) + STREAM_SECONDS:
        raise ApiError(846608, "stream message update expired")
    text = limit_bytes(optional_text(stream, "content"), TEXT_BYTES, "stream.content")
    if "msg_item" in stream:
        raise ApiError(40058, "msg_item is not available over a WebSocket")
    if stream.get("finish") is True:
        deliver(cloud, callback.chatid, callback.userid, body, text)
        callback.answered = True
    return {}


def respond_welcome(cloud: Cloud, body: Json, req_id: str) -> Json:
    """aibot_respond_welcome_msg: within 5 seconds of enter_chat; the only command that accepts msgtype text."""
    callback = _find_callback(cloud, req_id, ENTRY, EVENT_RESPONSE_SECONDS)
    if body.get("msgtype") == "text":
        text = limit_bytes(require_text(require_object(body, "text"), "content", 44004), TEXT_BYTES, "text.content")
    else:
        text = _read(cloud, body)
    cloud.aibot.check_rate(callback.userid)
    deliver(cloud, "", callback.userid, body, text)
    return {}


def respond_update(cloud: Cloud, body: Json, req_id: str) -> Json:
    """aibot_respond_update_msg: within 5 seconds of a click, for the card that was clicked."""
    callback = _find_callback(cloud, req_id, CLICK, EVENT_RESPONSE_SECONDS)
    if body.get("response_type") != "update_template_card":
        raise ApiError(40058, "response_type is not update_template_card")
    card = require_object(body, "template_card")
    check_card(card)
    task_id = callback.body["event"]["template_card_event"]["task_id"]
    if card.get("task_id") != task_id:
        raise ApiError(40058, "task_id is not that of the card that was clicked")
    for holder in optional_texts(body, "userids") or cloud.aibot.cards.holders(task_id):
        shown = cloud.aibot.cards.find_copy(task_id, holder)
        if shown is not None:
            shown.content = copy.deepcopy(card)
            shown.replacement_text = optional_text(card, "replace_text") or None
    return {}


def send_message(cloud: Cloud, body: Json, req_id: str) -> Json:
    """aibot_send_msg: to a group with the bot in it, or to a person who has written to the bot before."""
    chatid, kind = require_text(body, "chatid"), optional_choice(body, "chat_type", (0, 1, 2))
    group = chatid in cloud.aibot.chats and kind != 1
    single = chatid in cloud.aibot.known_userids and kind != 2
    if not group and not single:
        raise ApiError(93006, "invalid chatid")
    if body.get("msgtype") == "stream":
        raise ApiError(40008, "invalid message type")
    text = _read(cloud, body)
    cloud.aibot.check_rate(chatid)
    deliver(cloud, chatid if group else "", "" if group else chatid, body, text)
    return {}


def deliver(cloud: Cloud, chatid: str, userid: str, body: Json, text: str) -> None:
    """Show a message in a group or, with an empty chatid, on a member's phone."""
    card = _add_card_copy(cloud, chatid or userid, body)
    raw, msgtype = json.loads(json.dumps(body)), str(body["msgtype"])
    now, media_id = cloud.now(), body.get(msgtype, {}).get("media_id")
    if chatid:
        message = GroupMessage(now, msgtype, text, raw, media_id=media_id, card=card)
        cloud.aibot.chats[chatid].received.append(message)
    else:
        phone = cloud.phone(userid)
        phone.received.append(PhoneMessage(now, msgtype, text, raw, secrets.token_hex(8), card, media_id))
    cloud.deliveries.append(Delivery(now, ENDPOINT, chatid or userid, msgtype, "shown", raw))


def _add_card_copy(cloud: Cloud, holder: str, body: Json) -> Card | None:
    if body["msgtype"] != "template_card":
        return None
    content, cards = body["template_card"], cloud.aibot.cards
    card = cards.add_copy(cards.reserve_task_id(content.get("task_id")), holder, content)
    card.from_aibot = True
    return card


def _find_callback(cloud: Cloud, req_id: str, kind: str, seconds: float) -> AibotCallback:
    callback = cloud.aibot.callbacks.get(req_id)
    if callback is None or callback.kind != kind or cloud.now() >= callback.at + seconds:
        raise ApiError(846605, "invalid req_id", is_violation=False)
    return callback


def _read(cloud: Cloud, body: Json) -> str:
    """What a person reads of a message; raises for what the platform does not accept."""
    msgtype = str(body.get("msgtype"))
    if msgtype == "markdown":
        text = require_text(require_object(body, "markdown"), "content", 44004)
        if byte_length(text) > TEXT_BYTES:
            raise ApiError(45002, "markdown.content exceed max length")
        return text
    if msgtype == "template_card":
        return _read_card(cloud, require_object(body, "template_card"))
    if msgtype in ("file", "image", "voice", "video"):
        content = require_object(body, msgtype)
        media = cloud.media.find(require_text(content, "media_id", 41006), cloud.now(), MEDIA_OWNER)
        if media.kind != msgtype:
            raise ApiError(40007, "media_id is of another type")
        return optional_text(content, "title") or media.filename
    raise ApiError(40008, "invalid message type")


def _read_card(cloud: Cloud, card: Json) -> str:
    check_card(card)
    title = card.get("main_title", {})
    for name, limit in (("title", MAX_TITLE_CHARACTERS), ("desc", MAX_DESC_CHARACTERS)):
        if len(title.get(name, "")) > limit:
            cloud.record_violation(ENDPOINT, 0, f"a card's {name} over {limit} characters is truncated")
    return "\n".join(filter(None, (title.get("title"), title.get("desc"), optional_text(card, "sub_title_text"))))


COMMANDS: dict[str, Command] = {
    "ping": lambda _cloud, _body, _req_id: {},
    "aibot_respond_msg": respond,
    "aibot_respond_welcome_msg": respond_welcome,
    "aibot_respond_update_msg": respond_update,
    "aibot_send_msg": send_message,
    "aibot_upload_media_init": lambda cloud, body, _req_id: cloud.aibot.uploads.start(body),
    "aibot_upload_media_chunk": lambda cloud, body, _req_id: cloud.aibot.uploads.add_chunk(body),
    "aibot_upload_media_finish": lambda cloud, body, _req_id: cloud.aibot.uploads.finish(body),
}
