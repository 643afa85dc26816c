"""Callbacks that are only a bell: something lies ready at the platform, and is to be fetched (protocol sheet 8, 9).

They come to the app's callback or to one of their own, as the console is set.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from bot.channels.interface import SourceNotification

WECOM_KF, WECOM_MSGAUDIT = "wecom_kf", "wecom_msgaudit"
# Both know a person in WeChat by the same id, the corp's own for an outsider: whoever bound it there is known here.
EXTERNAL_REALM = WECOM_KF
_SOURCES = {"kf_msg_or_event": WECOM_KF, "msgaudit_notify": WECOM_MSGAUDIT}


def parse_notification(fields: dict[str, Any]) -> SourceNotification | None:
    """The bell that a callback's content is, None for one that says something itself."""
    source = _SOURCES.get(str(fields.get("Event", "")))
    token = fields.get("Token")
    return None if source is None else SourceNotification(source, token if isinstance(token, str) and token else None)


def digest_key(fields: dict[str, Any], raw: str) -> str:
    """Under which a callback is kept that names nobody: a repeat is the same to the letter."""
    return f"{fields.get('Event') or fields.get('MsgType')}/{hashlib.sha256(raw.encode()).hexdigest()[:32]}"


def parse_sent_at(timestamp: Any, default: datetime) -> datetime:
    """When it was sent. What was acknowledged must be readable: without an instant of its own, when it came."""
    try:
        return datetime.fromtimestamp(int(timestamp), UTC)
    except (OverflowError, OSError, TypeError, ValueError):
        return default
