"""What the smart bot's frames say: keyed and kept as they came, then read (protocol sheet 7.1, 7.2). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bot.channels.interface import InboundMessage
from handlers.message import Message

WECOM_AIBOT, REALM = "wecom_aibot", "wecom"
_KINDS = {"text": "text", "voice": "text", "image": "photo", "video": "film", "file": "file", "event": "event"}
# What may be quoted to have it taken in: the platform hands posted films on in no other way (7.1).
_QUOTED = {"video": "film", "file": "film", "image": "photo"}
# `@BotName ` wherever it stands; WeCom puts a space of its own kind behind a mention.
_MENTION = re.compile(r"@[^\s@]+(?:[\s\u2005]+|$)")
_WORDS = "words"

Json = dict[str, Any]


def parse_frame(frame: Json) -> Iterator[InboundMessage]:
    """The messages of one frame, each with the key under which it is heard once. Raises ValueError.

    A message of words and pictures is several: each picture is fetched by itself.
    """
    body, req_id = _part(frame, "body"), _word(frame, "headers", "req_id")
    if not _word(body, "msgtype") or not _word(body, "from", "userid"):
        raise ValueError("no type or no sender")
    items = _items(body) if body["msgtype"] == "mixed" else [""]
    key = _word(body, "msgid") or _event_key(body)
    for item in items:
        raw = json.dumps({"req_id": req_id, "item": item, "body": body}, ensure_ascii=False)
        yield InboundMessage(f"{key}/{item}" if item else key, raw)


def _items(body: Json) -> list[str]:
    """The words of a mixed message together, then each of its pictures by its place."""
    parts = _mixed(body)
    pictures = [str(place) for place, part in enumerate(parts) if _word(part, "image", "url")]
    return [*([_WORDS] if _mixed_words(body) else []), *pictures]


def _event_key(body: Json) -> str:
    """Events need not have a number: sender, second and what happened tell them apart (1.2)."""
    event = _part(body, "event")
    names = (_word(event, "eventtype"), *(_either(_card(event), name) for name in ("event_key", "task_id")))
    return "/".join((_word(body, "from", "userid"), str(body.get("create_time", "")), *names))


def parse_message(raw: str, inbox_id: int, received_at: datetime) -> Message:
    """What a kept message says."""
    kept = json.loads(raw)
    body = _part(kept, "body")
    kind, media, words = _content(body, kept.get("item", ""))
    event = _part(body, "event")
    card = _card(event)
    pressed = _word(event, "eventtype") == "template_card_event"
    task_id = _either(card, "task_id")
    return Message(
        channel=WECOM_AIBOT,
        realm=REALM,
        key=next(each.key for each in parse_frame({"body": body}) if _item(each) == kept.get("item", "")),
        inbox_id=inbox_id,
        sender=_word(body, "from", "userid"),
        chat_id=_word(body, "chatid"),
        sent_at=_instant(body.get("create_time")) or received_at,
        received_at=received_at,
        kind="press" if pressed else kind,
        text=words,
        media=json.dumps(media) if media else None,
        # A film that somebody quotes has no name; what is said with it may name the part as well.
        file_name=words[:200] or None if kind == "film" else None,
        event=_word(event, "eventtype"),
        button=_pressed(card) if pressed else "",
        task_id=task_id,
        response_code=encode_click(_word(kept, "req_id"), task_id, _pressed(card)) if pressed else "",
    )


def _item(each: InboundMessage) -> str:
    return str(json.loads(each.raw)["item"])


def _content(body: Json, item: str) -> tuple[str, Json | None, str]:
    """Kind, media and words of one message."""
    msgtype = _word(body, "msgtype")
    if msgtype == "mixed":
        if item == _WORDS:
            return "text", None, _said(_mixed_words(body), body)
        parts = _mixed(body)
        picture = _part(parts[int(item)], "image") if item.isdecimal() and int(item) < len(parts) else {}
        return "photo", _media(picture), ""
    words = _said(_word(body, msgtype, "content"), body) if msgtype in ("text", "voice") else ""
    quote = _part(body, "quote")
    quoted = _word(quote, "msgtype")
    if quoted in _QUOTED and (media := _media(_part(quote, quoted))):
        return _QUOTED[quoted], media, words
    return _KINDS.get(msgtype, "unknown"), _media(_part(body, msgtype)), words


def _media(part: Json) -> Json | None:
    url = _word(part, "url")
    return {"url": url, "aeskey": _word(part, "aeskey")} if url else None


def _said(text: str, body: Json) -> str:
    """Without the mention that brought it to the bot; in a single chat nobody needs one."""
    return _MENTION.sub("", text).strip() if _word(body, "chattype") == "group" else text.strip()


def _mixed(body: Json) -> list[Json]:
    items = _part(body, "mixed").get("msg_item")
    return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []


def _mixed_words(body: Json) -> str:
    return " ".join(filter(None, (_word(part, "text", "content") for part in _mixed(body))))


def redact_media_keys(raw: str) -> str:
    """A kept message whose media have been fetched: their keys and addresses are nobody's business any more."""
    return json.dumps(_emptied(json.loads(raw)), ensure_ascii=False)


def _emptied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "" if name in ("aeskey", "url") else _emptied(each) for name, each in value.items()}
    return [_emptied(each) for each in value] if isinstance(value, list) else value


_ANSWERS = {"enter_chat": "aibot_respond_welcome_msg", "": "aibot_respond_msg"}


def reply_target(raw: str) -> tuple[str, str] | None:
    """The command and the number under which a kept message is answered; None for what is not (a click)."""
    kept = json.loads(raw)
    command = _ANSWERS.get(_word(_part(_part(kept, "body"), "event"), "eventtype"))
    return (command, req_id) if command and (req_id := _word(kept, "req_id")) else None


def encode_click(req_id: str, task_id: str, key: str) -> str:
    """What is needed to change the card that was pressed."""
    return json.dumps([req_id, task_id, key])


def _card(event: Json) -> Json:
    return _part(event, "template_card_event")


def _pressed(card: Json) -> str:
    """The button, or the option that was chosen before submitting. The documents spell the names in two ways (7.2)."""
    items = _part(card, "selected_items").get("selected_item") or _part(card, "selecteditems").get("selecteditem")
    first = items[0] if isinstance(items, list) and items else items
    options = _part(first, "option_ids") or _part(first, "optionids") if isinstance(first, dict) else {}
    chosen = options.get("option_id") or options.get("optionid")
    chosen = chosen[0] if isinstance(chosen, list) and chosen else chosen
    return chosen if isinstance(chosen, str) and chosen else _either(card, "event_key")


def _either(part: Json, name: str) -> str:
    return _word(part, name) or _word(part, name.replace("_", ""))


def _part(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _word(value: Json, *path: str) -> str:
    """A text at the end of a path; what is no text, contrary to the documents, counts as empty."""
    found: Any = value
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _instant(seconds: Any) -> datetime | None:
    """Some messages carry no time (7.2): then the time of receipt counts."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC) if seconds else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None
