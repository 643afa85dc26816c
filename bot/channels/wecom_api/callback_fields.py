"""What callbacks of the app and of the Official Account have in common (protocol sheet 1.2, 1.4 and 10). Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

MESSAGE_KINDS = {
    "text": "text", "image": "photo", "voice": "voice", "video": "film", "shortvideo": "film", "file": "file",
    "location": "location", "link": "link", "event": "event",
}  # fmt: skip


def message_key(fields: dict[str, Any]) -> str:
    """Under which a message is heard once: message ids alone have collided, events have none (1.2)."""
    sender, sent = fields["FromUserName"], fields["CreateTime"]
    if not all(isinstance(each, str) and each for each in (sender, sent, fields["MsgType"])):
        raise ValueError("no sender, time or type")
    parse_timestamp(sent)
    last = fields.get("MsgId") or "/".join(str(fields.get(name, "")) for name in ("Event", "EventKey", "TaskId"))
    return f"{sender}/{int(sent)}/{last}"


def parse_timestamp(timestamp: str) -> datetime:
    """When something was sent. Raises ValueError."""
    try:
        return datetime.fromtimestamp(int(timestamp), UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("no instant") from error
