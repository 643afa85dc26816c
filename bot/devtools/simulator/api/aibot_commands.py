"""What the smart bot may say over its connection, and what the platform answers (protocol sheet, section 7.5)."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.aibot_records import CLICK, ENTRY, MESSAGE, Said
from bot.devtools.simulator.core.aibot_uploads import OWNER
from bot.devtools.simulator.core.card_rules import check_card
from bot.devtools.simulator.core.errors import Refusal
from bot.devtools.simulator.core.field_checks import at_most, maybe_words, one_of, part, size, texts, words
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

TEXT_BYTES = 20480
ANSWER_SECONDS, STREAM_SECONDS, QUICK_SECONDS = 24 * 3600, 360, 5
LONGEST_TITLE, LONGEST_DESC = 26, 30

Command = Callable[["Cloud", Json, str], Json]


def respond(cloud: "Cloud", body: Json, req_id: str) -> Json:
    """aibot_respond_msg: an answer to a message of the last 24 hours."""
    said = _asked(cloud, req_id, MESSAGE, ANSWER_SECONDS)
    if body.get("msgtype") == "stream":
        return _stream(cloud, body, said)
    text = _content(cloud, body)
    cloud.aibot.count(said.chatid or said.userid)
    cloud.aibot.show(said.chatid, said.userid, body, text)
    said.answered = True
    return {}


def _stream(cloud: "Cloud", body: Json, said: Said) -> Json:
    """Always the whole text so far; finished within six minutes of the first frame."""
    stream = part(body, "stream")
    stream_id, now = words(stream, "id"), cloud.now()
    if stream_id not in said.streams:
        cloud.aibot.count(said.chatid or said.userid)
    if now >= said.streams.setdefault(stream_id, now) + STREAM_SECONDS:
        raise Refusal(846608, "stream message update expired")
    text = at_most(maybe_words(stream, "content"), TEXT_BYTES, "stream.content")
    if "msg_item" in stream:
        raise Refusal(40058, "msg_item is not available over a WebSocket")
    if stream.get("finish") is True:
        cloud.aibot.show(said.chatid, said.userid, body, text)
        said.answered = True
    return {}


def welcome(cloud: "Cloud", body: Json, req_id: str) -> Json:
    """aibot_respond_welcome_msg: within 5 seconds of somebody's entry; the only place where `text` is taken."""
    said = _asked(cloud, req_id, ENTRY, QUICK_SECONDS)
    if body.get("msgtype") == "text":
        text = at_most(words(part(body, "text"), "content", 44004), TEXT_BYTES, "text.content")
    else:
        text = _content(cloud, body)
    cloud.aibot.count(said.userid)
    cloud.aibot.show("", said.userid, body, text)
    return {}


def update(cloud: "Cloud", body: Json, req_id: str) -> Json:
    """aibot_respond_update_msg: within 5 seconds of the click, for the card that was clicked."""
    said = _asked(cloud, req_id, CLICK, QUICK_SECONDS)
    if body.get("response_type") != "update_template_card":
        raise Refusal(40058, "response_type is not update_template_card")
    card = part(body, "template_card")
    check_card(card)
    clicked = said.body["event"]["template_card_event"]["task_id"]
    if card.get("task_id") != clicked:
        raise Refusal(40058, "task_id is not that of the card that was clicked")
    for holder in texts(body, "userids") or cloud.aibot.cards.holders(clicked):
        copied = cloud.aibot.cards.copy_of(clicked, holder)
        if copied is not None:
            copied.content = copy.deepcopy(card)
            copied.replaced = maybe_words(card, "replace_text") or None
    return {}


def send(cloud: "Cloud", body: Json, req_id: str) -> Json:
    """aibot_send_msg: into a group where the bot is, or to a person who has spoken to it before."""
    chatid, kind = words(body, "chatid"), one_of(body, "chat_type", (0, 1, 2))
    group = chatid in cloud.aibot.chats and kind != 1
    single = chatid in cloud.aibot.acquainted and kind != 2
    if not group and not single:
        raise Refusal(93006, "invalid chatid")
    if body.get("msgtype") == "stream":
        raise Refusal(40008, "invalid message type")
    text = _content(cloud, body)
    cloud.aibot.count(chatid)
    cloud.aibot.show(chatid if group else "", "" if group else chatid, body, text)
    return {}


def _asked(cloud: "Cloud", req_id: str, kind: str, seconds: float) -> Said:
    said = cloud.aibot.said.get(req_id)
    if said is None or said.kind != kind or cloud.now() >= said.at + seconds:
        raise Refusal(846605, "invalid req_id", blame=False)
    return said


def _content(cloud: "Cloud", body: Json) -> str:
    """What a person would read of a message; raises for what this platform does not take."""
    msgtype = str(body.get("msgtype"))
    if msgtype == "markdown":
        text = words(part(body, "markdown"), "content", 44004)
        if size(text) > TEXT_BYTES:
            raise Refusal(45002, "markdown.content exceed max length")
        return text
    if msgtype == "template_card":
        return _card(cloud, part(body, "template_card"))
    if msgtype in ("file", "image", "voice", "video"):
        media = cloud.media.find(words(part(body, msgtype), "media_id", 41006), cloud.now(), OWNER)
        if media.kind != msgtype:
            raise Refusal(40007, "media_id is of another type")
        return maybe_words(part(body, msgtype), "title") or media.filename
    raise Refusal(40008, "invalid message type")


def _card(cloud: "Cloud", card: Json) -> str:
    check_card(card)
    title = card.get("main_title", {})
    if len(title.get("title", "")) > LONGEST_TITLE or len(title.get("desc", "")) > LONGEST_DESC:
        cloud.complain("aibot", 0, f"a card's title over {LONGEST_TITLE} or desc over {LONGEST_DESC} is shown cut")
    return "\n".join(filter(None, (title.get("title"), title.get("desc"), maybe_words(card, "sub_title_text"))))


COMMANDS: dict[str, Command] = {
    "ping": lambda _cloud, _body, _req_id: {},
    "aibot_respond_msg": respond,
    "aibot_respond_welcome_msg": welcome,
    "aibot_respond_update_msg": update,
    "aibot_send_msg": send,
    "aibot_upload_media_init": lambda cloud, body, _req_id: cloud.aibot.uploads.begin(body),
    "aibot_upload_media_chunk": lambda cloud, body, _req_id: cloud.aibot.uploads.take(body),
    "aibot_upload_media_finish": lambda cloud, body, _req_id: cloud.aibot.uploads.finish(body),
}
