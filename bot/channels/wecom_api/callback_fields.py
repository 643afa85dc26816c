"""The fields of a decrypted callback: message kind, dedupe key, time, and whether it is only a notification. Pure.

A notification carries no message: it says that the platform holds messages to be polled. It comes to the app's
callback or to one of its own, depending on the console.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from storage.inbox import SourceNotification

WECOM_KF, WECOM_MSGAUDIT = "wecom_kf", "wecom_msgaudit"
# Customer service and the chat archive know a person in WeChat by the same external user id.
EXTERNAL_REALM = WECOM_KF
MESSAGE_KINDS = {
    "text": "text",
    "image": "photo",
    "voice": "voice",
    "video": "film",
    "shortvideo": "film",
    "file": "file",
    "location": "location",
    "link": "link",
    "event": "event",
}
_SOURCES = {"kf_msg_or_event": WECOM_KF, "msgaudit_notify": WECOM_MSGAUDIT}


def parse_notification(fields: dict[str, Any]) -> SourceNotification | None:
    """The notification that a callback is, None for one that is a message."""
    source = _SOURCES.get(str(fields.get("Event", "")))
    token = fields.get("Token")
    return None if source is None else SourceNotification(source, token if isinstance(token, str) and token else None)


def message_key(fields: dict[str, Any]) -> str:
    """The dedupe key of a message: message ids alone have collided, events have none. Raises ValueError, KeyError."""
    sender, sent = fields["FromUserName"], fields["CreateTime"]
    if not all(isinstance(value, str) and value for value in (sender, sent, fields["MsgType"])):
        raise ValueError("no sender, time or type")
    parse_timestamp(sent)
    last = fields.get("MsgId") or "/".join(str(fields.get(name, "")) for name in ("Event", "EventKey", "TaskId"))
    return f"{sender}/{int(sent)}/{last}"


def digest_key(fields: dict[str, Any], raw: str) -> str:
    """The dedupe key of a callback that names no sender: a repeat has the same content."""
    return f"{fields.get('Event') or fields.get('MsgType')}/{hashlib.sha256(raw.encode()).hexdigest()[:32]}"


def parse_timestamp(timestamp: Any) -> datetime:
    """Unix seconds as the platform writes them. Raises ValueError."""
    try:
        return datetime.fromtimestamp(int(timestamp), UTC)
    except (OverflowError, OSError, TypeError) as error:
        raise ValueError("not a timestamp") from error


def parse_sent_at(timestamp: Any, default: datetime) -> datetime:
    """The same with a default: a message that was acknowledged must stay readable."""
    try:
        return parse_timestamp(timestamp)
    except ValueError:
        return default


def place_text(fields: dict[str, str]) -> str:
    """The label and the coordinates of a location, as text; empty for anything else."""
    if "Location_X" not in fields:
        return ""
    return f"{fields.get('Label', '')}（{fields['Location_X']}，{fields.get('Location_Y', '')}）"
