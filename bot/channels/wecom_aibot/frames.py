"""The frames of the smart bot: their dedupe keys, and their content as a Message. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from bot.channels.wecom_api.callback_fields import parse_sent_at
from handlers.message import Message
from handlers.urgency import message_priority
from storage.inbox import InboundMessage

WECOM_AIBOT, REALM = "wecom_aibot", "wecom"
_KINDS = {"text": "text", "voice": "text", "image": "photo", "video": "film", "file": "file", "event": "event"}
# Media in a quoted message. The bot receives a film posted in a group only when a member quotes it.
_QUOTED_KINDS = {"video": "film", "file": "film", "image": "photo"}
# `@BotName ` anywhere in a text; WeCom may put U+2005 after a mention.
_MENTION = re.compile(r"@[^\s@]+(?:[\s\u2005]+|$)")
_TEXT_ITEM = "words"

Json = dict[str, Any]


def parse_frame(frame: Json) -> Iterator[InboundMessage]:
    """The messages of one frame. Raises ValueError.

    A mixed message becomes several: its texts together, and each picture, because each is fetched by itself.
    """
    body, req_id = _object(frame, "body"), _text(frame, "headers", "req_id")
    if not _text(body, "msgtype") or not _text(body, "from", "userid"):
        raise ValueError("no type or no sender")
    for item in _items(body):
        raw = json.dumps({"req_id": req_id, "item": item, "body": body}, ensure_ascii=False)
        kind, _, text = _content(body, item)
        # The URL of a film expires after five minutes.
        priority = message_priority(kind, text, media_expire=True)
        yield InboundMessage(WECOM_AIBOT, _key(body, item), raw, priority=priority)


def _key(body: Json, item: str) -> str:
    key = _text(body, "msgid") or _event_key(body)
    return f"{key}/{item}" if item else key


def _items(body: Json) -> list[str]:
    """What a message consists of: of a mixed one, its texts together, then its pictures by their index."""
    if _text(body, "msgtype") != "mixed":
        return [""]
    parts = _mixed_parts(body)
    pictures = [str(index) for index, part in enumerate(parts) if _text(part, "image", "url")]
    return [*([_TEXT_ITEM] if _mixed_text(body) else []), *pictures]


def _event_key(body: Json) -> str:
    """The key of an event, which may have no id: sender, second, and what happened."""
    event = _object(body, "event")
    names = (_text(event, "eventtype"), *(_either_spelling(_card(event), name) for name in ("event_key", "task_id")))
    return "/".join((_text(body, "from", "userid"), str(body.get("create_time", "")), *names))


def parse_message(raw: str, inbox_id: int, received_at: datetime) -> Message:
    """Read a stored message."""
    row = json.loads(raw)
    body, item = _object(row, "body"), row.get("item", "")
    kind, media, text = _content(body, item)
    event = _object(body, "event")
    click = _click(event, _text(row, "req_id"))
    return Message(
        channel=WECOM_AIBOT,
        realm=REALM,
        key=_key(body, item),
        inbox_id=inbox_id,
        sender=_text(body, "from", "userid"),
        chat_id=_text(body, "chatid"),
        sent_at=parse_sent_at(body.get("create_time") or None, received_at),
        received_at=received_at,
        kind="press" if click else kind,
        text=text,
        media=json.dumps(media) if media else None,
        # A quoted film has no name; the text that comes with it may name the key part instead.
        file_name=text[:200] or None if kind == "film" else None,
        event=_text(event, "eventtype"),
        button=click.key if click else "",
        task_id=_either_spelling(_card(event), "task_id"),
        response_code=click.encode() if click else "",
    )


def _content(body: Json, item: str) -> tuple[str, Json | None, str]:
    """Kind, media and text of one message."""
    msgtype = _text(body, "msgtype")
    if msgtype == "mixed":
        if item == _TEXT_ITEM:
            return "text", None, _without_mention(_mixed_text(body), body)
        parts = _mixed_parts(body)
        picture = _object(parts[int(item)], "image") if item.isdecimal() and int(item) < len(parts) else {}
        return "photo", _media(picture), ""
    text = _without_mention(_text(body, msgtype, "content"), body) if msgtype in ("text", "voice") else ""
    quote = _object(body, "quote")
    quoted = _text(quote, "msgtype")
    if quoted in _QUOTED_KINDS and (media := _media(_object(quote, quoted))):
        return _QUOTED_KINDS[quoted], media, text
    return _KINDS.get(msgtype, "unknown"), _media(_object(body, msgtype)), text


def _media(part: Json) -> Json | None:
    url = _text(part, "url")
    return {"url": url, "aeskey": _text(part, "aeskey")} if url else None


def _without_mention(text: str, body: Json) -> str:
    """A text of a group without the mention of the bot; in a single chat an `@` is text."""
    return _MENTION.sub("", text).strip() if _text(body, "chattype") == "group" else text.strip()


def _mixed_parts(body: Json) -> list[Json]:
    items = _object(body, "mixed").get("msg_item")
    return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []


def _mixed_text(body: Json) -> str:
    return " ".join(filter(None, (_text(part, "text", "content") for part in _mixed_parts(body))))


def redact_media_keys(raw: str) -> str:
    """A stored message without the keys and URLs of its media."""
    return json.dumps(_redacted(json.loads(raw)), ensure_ascii=False)


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "" if name in ("aeskey", "url") else _redacted(each) for name, each in value.items()}
    return [_redacted(each) for each in value] if isinstance(value, list) else value


_REPLY_COMMANDS = {"enter_chat": "aibot_respond_welcome_msg", "": "aibot_respond_msg"}


def reply_target(raw: str) -> tuple[str, str] | None:
    """The command and request id with which a stored message is replied to; None if it cannot be (a click)."""
    row = json.loads(raw)
    command = _REPLY_COMMANDS.get(_text(row, "body", "event", "eventtype"))
    return (command, req_id) if command and (req_id := _text(row, "req_id")) else None


@dataclass(frozen=True)
class CardClick:
    """A click on a card, by which the card can be changed; stored as the response code of the message."""

    req_id: str
    task_id: str
    key: str

    def encode(self) -> str:
        """The inverse of `decode`."""
        return json.dumps(astuple(self))

    @classmethod
    def decode(cls, response_code: str) -> CardClick | None:
        """None for the response code of a card that was sent and not clicked."""
        fields = json.loads(response_code)
        return cls(*fields) if fields else None


# The response code of a card that was sent: without a click it cannot be changed.
NO_CLICK = "[]"


def _click(event: Json, req_id: str) -> CardClick | None:
    if _text(event, "eventtype") != "template_card_event":
        return None
    card = _card(event)
    return CardClick(req_id, _either_spelling(card, "task_id"), _pressed_key(card))


def _card(event: Json) -> Json:
    return _object(event, "template_card_event")


def _pressed_key(card: Json) -> str:
    """The key of the button, or of the option that was submitted. The documentation spells the names in two ways."""
    items = _object(card, "selected_items").get("selected_item") or _object(card, "selecteditems").get("selecteditem")
    first = items[0] if isinstance(items, list) and items else items
    options = _object(first, "option_ids") or _object(first, "optionids") if isinstance(first, dict) else {}
    chosen = options.get("option_id") or options.get("optionid")
    chosen = chosen[0] if isinstance(chosen, list) and chosen else chosen
    return chosen if isinstance(chosen, str) and chosen else _either_spelling(card, "event_key")


def _either_spelling(part: Json, name: str) -> str:
    return _text(part, name) or _text(part, name.replace("_", ""))


def _object(value: Json, name: str) -> Json:
    member = value.get(name)
    return member if isinstance(member, dict) else {}


def _text(value: Json, *path: str) -> str:
    """The text at a path; a value of another type, contrary to the documentation, counts as empty."""
    member: Any = value
    for name in path:
        member = member.get(name) if isinstance(member, dict) else None
    return member if isinstance(member, str) else ""
