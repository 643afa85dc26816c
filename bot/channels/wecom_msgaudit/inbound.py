"""Receiving from the chat archive: polled by sequence number, decrypted by key version.

Of the archive only what is posted in groups and may concern a film is stored, encrypted as it came. A message whose
key is missing is stored too, and waits for the key.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.channels.errors import ChannelError, Misconfigured, Transient, error_from_code
from bot.channels.interface import MarkedStream, PollResult
from bot.channels.wecom_api.callback_fields import EXTERNAL_REALM, WECOM_MSGAUDIT
from bot.channels.wecom_msgaudit.finance_sdk import FinanceSdk
from bot.channels.wecom_msgaudit.private_keys import PrivateKeys
from handlers.message import Message
from handlers.urgency import message_priority
from storage.inbox import InboundMessage

log = logging.getLogger(__name__)

Json = dict[str, Any]

_PAGE_SIZE = 200
_ANSWER_TOO_LARGE = 301058
_FILM_SUFFIXES = (".mp4", ".mov", ".m4v", ".3gp", ".avi", ".mkv", ".webm")
_DIGEST_DIFFERS, _DIGEST_MISSING = "digest_differs", "digest_missing"


class WeComMsgAuditReceiver:
    """The archive of one corp. It has no callback of its own: its notifications come to the app's."""

    # At most 600 calls a minute are allowed.
    min_poll_interval = timedelta(seconds=0.2)

    def __init__(self, sdk: FinanceSdk, keys: PrivateKeys) -> None:
        self._sdk, self._keys, self._limit = sdk, keys, _PAGE_SIZE
        self._wrong_digests: dict[str, str] = {}

    def poll(self, cursor: str, token: str | None) -> PollResult:
        """See PollSource. The cursor is the largest sequence number so far."""
        seq = int(cursor or 0)
        entries = self._entries(seq)
        messages = [message for entry in entries for message in self._messages(entry)]
        last = max([seq, *(int(entry["seq"]) for entry in entries)])
        return PollResult(messages, str(last), len(entries) >= self._limit)

    def _entries(self, seq: int) -> list[Json]:
        try:
            answer = json.loads(self._sdk.fetch_chat_data(seq, self._limit))
            code, entries = int(answer.get("errcode") or 0), answer.get("chatdata", [])
            if code == 0 and all(isinstance(int(entry["seq"]), int) and entry["msgid"] for entry in entries):
                return list(entries)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Transient("an invalid answer of the archive") from error
        if code == _ANSWER_TOO_LARGE and self._limit > 1:
            self._limit //= 2
            raise Transient("the answer was too large: fewer entries next time", code)
        raise error_from_code(code, str(answer.get("errmsg", "")))

    def _messages(self, entry: Json) -> Iterator[InboundMessage]:
        """What to store of an entry: nothing, the entry, or one copy for each film in it."""
        try:
            content = self._decrypt(entry)
        except (Misconfigured, ValueError) as error:
            log.warning("message %s of the archive cannot be decrypted yet: %s", entry["seq"], error)
            yield InboundMessage(WECOM_MSGAUDIT, _key(entry, 0), json.dumps(entry))
            return
        if not _is_relevant(content):
            return
        for index, part in enumerate(_parts(content)):
            fields = _part_fields(*part)
            priority = message_priority(fields["kind"], fields.get("text", ""))
            raw = json.dumps({**entry, "part": index})
            yield InboundMessage(WECOM_MSGAUDIT, _key(entry, index), raw, priority=priority)

    def _decrypt(self, entry: Json) -> Json:
        version = int(entry["publickey_ver"])
        try:
            key = self._keys.decrypt(version, entry["encrypt_random_key"])
            return dict(json.loads(self._sdk.decrypt(key, entry["encrypt_chat_msg"])))
        except Transient:
            raise
        except (ChannelError, UnicodeDecodeError) as error:
            self._keys.evict(version)
            raise Misconfigured(f"private key {version}.pem does not decrypt it: {error}") from error

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Receiver. Raises Misconfigured while the key is missing."""
        entry = json.loads(raw)
        content = self._decrypt(entry)
        index, parts = int(entry.get("part", 0)), _parts(content)
        part = parts[index] if index < len(parts) else ("", {})
        return Message(
            channel=WECOM_MSGAUDIT,
            realm=EXTERNAL_REALM if _is_external(content) else "wecom",
            key=_key(entry, index),
            inbox_id=inbox_id,
            sender=str(content.get("from") or content.get("user") or "—"),
            sent_at=_instant(content),
            received_at=received_at,
            chat_id=str(content.get("roomid") or ""),
            **(_part_fields(*part) if _is_relevant(content) else {"kind": "event"}),
        )

    def fetch(self, media: str) -> Iterator[bytes]:
        """See Receiver. A wrong digest is retried once and then accepted with a mark: the platform's may be wrong."""
        size, digest, file_id = media.split(":", 2)
        return MarkedStream(self._chunks(int(size), digest, file_id))

    def _chunks(self, size: int, digest: str, file_id: str) -> Iterator[bytes | str]:
        """The bytes, then the mark if there is one."""
        md5, length = hashlib.md5(usedforsecurity=False), 0
        for chunk in self._sdk.fetch_media(file_id):
            md5.update(chunk)
            length += len(chunk)
            yield chunk
        is_whole = not size or size == length
        if is_whole and digest.lower() in ("", md5.hexdigest()):
            yield from () if digest else (_DIGEST_MISSING,)
            return
        if self._wrong_digests.pop(file_id, None) != md5.hexdigest():
            self._wrong_digests[file_id] = md5.hexdigest()
            raise Transient("the digest of the film is wrong")
        yield _DIGEST_DIFFERS


def _key(entry: Json, index: int) -> str:
    return f"{entry['msgid']}#{index}" if index else str(entry["msgid"])


def _is_relevant(content: Json) -> bool:
    """Posted in a group, by a person (robots' ids begin with wb), and a film, a text or a recall."""
    is_posted = content.get("action") in ("send", "recall") and content.get("roomid")
    return bool(is_posted) and not str(content.get("from", "")).startswith("wb") and bool(_parts(content))


def _parts(content: Json) -> list[tuple[str, Json]]:
    """Type and content of each film of a message, or of its one text or recall."""
    kind = str(content.get("msgtype", ""))
    if kind != "mixed":
        part = content.get(kind)
        return [(kind, part)] if isinstance(part, dict) and _is_part(kind, part) else []
    items = content.get("mixed", {}).get("item", [])
    parts = [part for part in map(_mixed_part, items) if _is_part(*part)]
    return [part for part in parts if part[0] != "text"] or parts[:1]


def _mixed_part(item: Json) -> tuple[str, Json]:
    """The content of an item is JSON in a string."""
    text = item.get("content")
    content = json.loads(text) if isinstance(text, str) else text
    return str(item.get("type")), content if isinstance(content, dict) else {}


def _is_part(kind: str, content: Json) -> bool:
    if kind == "file":
        return str(content.get("filename", "")).lower().endswith(_FILM_SUFFIXES)
    return kind in ("video", "text", "revoke")


def _part_fields(kind: str, content: Json) -> Json:
    if kind == "revoke":
        return {"kind": "event", "event": "user_recall_msg", "related_key": str(content.get("pre_msgid", ""))}
    if kind == "text":
        return {"kind": "text", "text": str(content.get("content", ""))}
    media = f"{int(content.get('filesize') or 0)}:{content.get('md5sum') or ''}:{content['sdkfileid']}"
    return {"kind": "film", "media": media, "file_name": content.get("filename") or None}


def _is_external(content: Json) -> bool:
    """Whether the sender is outside the corp: by the prefix of the id, in a message with external participants."""
    return str(content.get("from", "")).startswith(("wm", "wo")) and str(content["msgid"]).endswith("_external")


def _instant(content: Json) -> datetime:
    """The archive gives milliseconds."""
    return datetime.fromtimestamp(int(content.get("msgtime") or content.get("time") or 0) / 1000, UTC)
