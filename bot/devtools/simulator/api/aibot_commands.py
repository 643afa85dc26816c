"""What the smart bot may say over its connection, and what the platform answers (protocol sheet, section 7.5)."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

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
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

TEXT_BYTES = 20480
RESPONSE_SECONDS, STREAM_SECONDS, EVENT_RESPONSE_SECONDS = 24 * 3600, 360, 5
MAX_TITLE_CHARACTERS, MAX_DESC_CHARACTERS = 26, 30

Command = Callable[["Cloud", Json, str], Json]


def respond(cloud: "Cloud", body: Json, req_id: str) -> Json:
    """aibot_respond_msg: an answer to a message of the last 24 hours."""
    said = _asked(cloud, req_id, MESSAGE, RESPONSE_SECONDS)
    if body.get("msgtype") == "stream":
        return _stream(cloud, body, said)
    text = _content(cloud, body)
    cloud.aibot.check_rate(said.chatid or said.userid)
    cloud.aibot.deliver(said.chatid, said.userid, body, text)
    said.answered = True
    return {}


def _stream(cloud: "Cloud", body: Json, said: AibotCallback) -> Json:
    """Always the whole text so far; finished within six minutes of the first frame."""
    stream = require_object(body, "stream")
    stream_id, now = require_text(stream, "id"), cloud.now()
    if stream_id not in said.streams:
        cloud.aibot.check_rate(said.chatid or said.userid)
    if now >= said.streams.setdefault(stream_id, now) + STREAM_SECONDS:
        raise ApiError(846608, "stream message update expired")
    text = limit_bytes(optional_text(stream, "content"), TEXT_BYTES, "stream.content")
    if "msg_item" in stream:
        raise ApiError(40058, "msg_item is not available over a WebSocket")
    if stream.get("finish") is True:
        cloud.aibot.deliver(said.chatid, said.userid, body, text)
        said.answered = True
    return {}


def respond_welcome(cloud: "Cloud", body: Json, req_id: str) -> Json:
    """aibot_respond_welcome_msg: within 5 seconds of somebody's entry; the only place where `text` is taken."""
    said = _asked(cloud, req_id, ENTRY, EVENT_RESPONSE_SECONDS)
    if body.get("msgtype") == "text":
        text = limit_bytes(require_text(require_object(body, "text"), "content", 44004), TEXT_BYTES, "text.content")
    else:
        text = _content(cloud, body)
    cloud.aibot.check_rate(said.userid)
    cloud.aibot.deliver("", said.userid, body, text)
    return {}


def respond_update(cloud: "Cloud", body: Json, req_id: str) -> Json:
    """aibot_respond_update_msg: within 5 seconds of the click, for the card that was clicked."""
    said = _asked(cloud, req_id, CLICK, EVENT_RESPONSE_SECONDS)
    if body.get("response_type") != "update_template_card":
        raise ApiError(40058, "response_type is not update_template_card")
    card = require_object(body, "template_card")
    check_card(card)
    clicked = said.body["event"]["template_card_event"]["task_id"]
    if card.get("task_id") != clicked:
        raise ApiError(40058, "task_id is not that of the card that was clicked")
    for holder in optional_texts(body, "userids") or cloud.aibot.cards.holders(clicked):
        copied = cloud.aibot.cards.find_copy(clicked, holder)
        if copied is not None:
            copied.content = copy.deepcopy(card)
            copied.replacement_text = optional_text(card, "replace_text") or None
    return {}


def send_message(cloud: "Cloud", body: Json, req_id: str) -> Json:
    """aibot_send_msg: into a group where the bot is, or to a person who has spoken to it before."""
    chatid, kind = require_text(body, "chatid"), optional_choice(body, "chat_type", (0, 1, 2))
    group = chatid in cloud.aibot.chats and kind != 1
    single = chatid in cloud.aibot.known_userids and kind != 2
    if not group and not single:
        raise ApiError(93006, "invalid chatid")
    if body.get("msgtype") == "stream":
        raise ApiError(40008, "invalid message type")
    text = _content(cloud, body)
    cloud.aibot.check_rate(chatid)
    cloud.aibot.deliver(chatid if group else "", "" if group else chatid, body, text)
    return {}


def _asked(cloud: "Cloud", req_id: str, kind: str, seconds: float) -> AibotCallback:
    said = cloud.aibot.callbacks.get(req_id)
    if said is None or said.kind != kind or cloud.now() >= said.at + seconds:
        raise ApiError(846605, "invalid req_id", is_violation=False)
    return said


def _content(cloud: "Cloud", body: Json) -> str:
    """What a person would read of a message; raises for what this platform does not take."""
    msgtype = str(body.get("msgtype"))
    if msgtype == "markdown":
        text = require_text(require_object(body, "markdown"), "content", 44004)
        if byte_length(text) > TEXT_BYTES:
            raise ApiError(45002, "markdown.content exceed max length")
        return text
    if msgtype == "template_card":
        return _card(cloud, require_object(body, "template_card"))
    if msgtype in ("file", "image", "voice", "video"):
        media = cloud.media.find(
            require_text(require_object(body, msgtype), "media_id", 41006), cloud.now(), MEDIA_OWNER
        )
        if media.kind != msgtype:
            raise ApiError(40007, "media_id is of another type")
        return optional_text(require_object(body, msgtype), "title") or media.filename
    raise ApiError(40008, "invalid message type")


def _card(cloud: "Cloud", card: Json) -> str:
    check_card(card)
    title = card.get("main_title", {})
    if len(title.get("title", "")) > MAX_TITLE_CHARACTERS or len(title.get("desc", "")) > MAX_DESC_CHARACTERS:
        cloud.record_violation(
            "aibot", 0, f"a card's title over {MAX_TITLE_CHARACTERS} or desc over {MAX_DESC_CHARACTERS} is shown cut"
        )
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
