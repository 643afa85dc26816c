"""The chat archive (会话内容存档): every film posted in a group in which an archived member sits (protocol sheet 8).

Nobody speaks to us here: what people say to each other is overheard. Of the archive only what is posted in groups and
may concern a film is kept, still encrypted as it came; what nobody can open yet waits for its key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.channels.errors import ChannelError, Misconfigured, Transient, error_from_code
from bot.channels.interface import ChannelContext, ChannelParts, InboundMessage, MarkedStream, PollResult
from bot.channels.wecom_api.source_notifications import EXTERNAL_REALM, WECOM_MSGAUDIT
from bot.channels.wecom_msgaudit.finance_sdk import FinanceSdk
from handlers.message import Message

log = logging.getLogger(__name__)

_AT_ONCE, _FEWEST = 200, 1
_TOO_LARGE_AN_ANSWER = 301058
_FILMS = (".mp4", ".mov", ".m4v", ".3gp", ".avi", ".mkv", ".webm")
_OTHER_DIGEST, _NO_DIGEST = "digest_differs", "digest_missing"


class PrivateKeys:
    """The private keys by version: `<version>.pem` in a directory. One that is put there later is found."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[int, rsa.RSAPrivateKey] = {}

    def versions(self) -> list[int]:
        """Which are there."""
        return sorted(int(path.stem) for path in self._folder.glob("*.pem") if path.stem.isdecimal())

    def decrypt(self, version: int, ciphertext: str) -> bytes:
        """What was sealed with the public key of that version. Raises Misconfigured."""
        try:
            return self._key(version).decrypt(base64.b64decode(ciphertext), padding.PKCS1v15())
        except (OSError, ValueError, binascii.Error) as error:
            raise Misconfigured(f"private key {version}.pem: {type(error).__name__}") from error

    def _key(self, version: int) -> rsa.RSAPrivateKey:
        if version not in self._known:
            found = load_pem_private_key((self._folder / f"{version}.pem").read_bytes(), password=None)
            if not isinstance(found, rsa.RSAPrivateKey):
                raise ValueError("not an RSA key")
            self._known[version] = found
        return self._known[version]

    def evict(self, version: int) -> None:
        """Read it again: it may be exchanged for the right one."""
        self._known.pop(version, None)


class WeComMsgAuditReceiver:
    """The archive of one corp. It has no callback of its own: the app's rings the bell."""

    # At most 600 calls a minute.
    min_poll_interval = timedelta(seconds=0.2)

    def __init__(self, sdk: FinanceSdk, keys: PrivateKeys) -> None:
        self._sdk, self._keys, self._limit = sdk, keys, _AT_ONCE
        self._digests: dict[str, str] = {}

    def poll(self, cursor: str, token: str | None) -> PollResult:
        """See Source. The cursor is the largest number seen; the archive begins after it."""
        seq = int(cursor or 0)
        entries = self._listed(seq)
        kept = [received for entry in entries for received in self._kept(entry)]
        last = max([seq, *(int(entry["seq"]) for entry in entries)])
        return PollResult(kept, str(last), len(entries) >= self._limit)

    def _listed(self, seq: int) -> list[dict[str, Any]]:
        try:
            answer = json.loads(self._sdk.fetch_chat_data(seq, self._limit))
            code, entries = int(answer.get("errcode") or 0), answer.get("chatdata", [])
            if code == 0 and all(isinstance(int(entry["seq"]), int) and entry["msgid"] for entry in entries):
                return list(entries)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Transient("an answer of the archive that is none") from error
        if code == _TOO_LARGE_AN_ANSWER and self._limit > _FEWEST:
            self._limit //= 2
            raise Transient("too large an answer: fewer at once", code)
        raise error_from_code(code, str(answer.get("errmsg", "")))

    def _kept(self, entry: dict[str, Any]) -> Iterator[InboundMessage]:
        """What is to be kept of an entry: nothing, the entry, or one copy for each film in it."""
        key, raw = str(entry["msgid"]), json.dumps(entry)
        try:
            told = self._opened(entry)
        except (Misconfigured, ValueError) as error:
            log.warning("message %s of the archive cannot be opened yet: %s", entry["seq"], error)
            yield InboundMessage(key, raw)
            return
        if not _concerns_us(told):
            return
        for number, _ in enumerate(_things(told)):
            yield InboundMessage(f"{key}#{number}" if number else key, json.dumps({**entry, "part": number}))

    def _opened(self, entry: dict[str, Any]) -> dict[str, Any]:
        version = int(entry["publickey_ver"])
        try:
            key = self._keys.decrypt(version, entry["encrypt_random_key"])
            return dict(json.loads(self._sdk.decrypt(key, entry["encrypt_chat_msg"])))
        except Transient:
            raise
        except (ChannelError, UnicodeDecodeError) as error:
            self._keys.evict(version)
            raise Misconfigured(f"private key {version}.pem does not open it: {error}") from error

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Entrance. Raises Misconfigured while its key is missing."""
        entry = json.loads(raw)
        told = self._opened(entry)
        number, things = int(entry.get("part", 0)), _things(told)
        kind, content = things[number] if number < len(things) else ("", {})
        sender = str(told.get("from") or told.get("user") or "—")
        key = str(entry["msgid"])
        common: dict[str, Any] = {
            "channel": WECOM_MSGAUDIT, "realm": EXTERNAL_REALM if _is_outsider(told) else "wecom", "sender": sender,
            "key": f"{key}#{number}" if number else key, "inbox_id": inbox_id, "received_at": received_at,
            "sent_at": _instant(told), "chat_id": str(told.get("roomid") or ""),
        }  # fmt: skip
        return Message(**common, **_said(kind, content)) if _concerns_us(told) else Message(**common, kind="event")

    def fetch(self, media: str) -> Iterator[bytes]:
        """See Entrance. A digest that does not fit is believed the second time: the platform errs (8.2)."""
        size, digest, file_id = media.split(":", 2)
        return MarkedStream(self._pieces(int(size), digest, file_id))

    def _pieces(self, size: int, digest: str, file_id: str) -> Iterator[bytes | str]:
        found, length = hashlib.md5(usedforsecurity=False), 0
        for piece in self._sdk.fetch_media(file_id):
            found.update(piece)
            length += len(piece)
            yield piece
        whole = not size or size == length
        if whole and digest.lower() in ("", found.hexdigest()):
            yield from () if digest else (_NO_DIGEST,)
            return
        if self._digests.pop(file_id, None) != found.hexdigest():
            self._digests[file_id] = found.hexdigest()
            raise Transient("a film whose digest does not fit")
        yield _OTHER_DIGEST


def _concerns_us(told: dict[str, Any]) -> bool:
    """Posted in a group, by a person, and possibly a film, a word about one, or its recall."""
    posted = told.get("action") in ("send", "recall") and told.get("roomid")
    return bool(posted) and not str(told.get("from", "")).startswith("wb") and bool(_things(told))


def _things(told: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The films of a message, else its one word or recall: kind and content of each."""
    kind = str(told.get("msgtype", ""))
    if kind != "mixed":
        content = told.get(kind)
        return [(kind, content)] if isinstance(content, dict) and _is_wanted(kind, content) else []
    items = [(str(each.get("type")), _loaded(each.get("content"))) for each in told.get("mixed", {}).get("item", [])]
    wanted = [each for each in items if _is_wanted(*each)]
    return [each for each in wanted if each[0] != "text"] or wanted[:1]


def _loaded(content: Any) -> dict[str, Any]:
    """The content of one of several things comes as a text of JSON."""
    found = json.loads(content) if isinstance(content, str) else content
    return found if isinstance(found, dict) else {}


def _is_wanted(kind: str, content: dict[str, Any]) -> bool:
    if kind == "file":
        return str(content.get("filename", "")).lower().endswith(_FILMS)
    return kind in ("video", "text", "revoke")


def _said(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    if kind == "revoke":
        return {"kind": "event", "event": "user_recall_msg", "related_key": str(content.get("pre_msgid", ""))}
    if kind == "text":
        return {"kind": "text", "text": str(content.get("content", ""))}
    media = f"{int(content.get('filesize') or 0)}:{content.get('md5sum') or ''}:{content['sdkfileid']}"
    return {"kind": "film", "media": media, "file_name": content.get("filename") or None}


def _is_outsider(told: dict[str, Any]) -> bool:
    """Outsiders' ids begin like this, and a message says at its end that there are some (8.3)."""
    return str(told.get("from", "")).startswith(("wm", "wo")) and str(told["msgid"]).endswith("_external")


def _instant(told: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(told.get("msgtime") or told.get("time") or 0) / 1000, UTC)


def build(context: ChannelContext) -> ChannelParts | None:
    """The archive, when it is configured. Its library is not looked at before the first call."""
    config = context.config
    if not config.is_configured(WECOM_MSGAUDIT):
        return None
    secret = config.WECOM_MSGAUDIT_SECRET.get_secret_value()
    sdk = FinanceSdk(config.WECOM_MSGAUDIT_LIBRARY, config.WECOM_CORP_ID, secret)
    door = WeComMsgAuditReceiver(sdk, PrivateKeys(Path(config.WECOM_MSGAUDIT_KEYS_DIR)))
    return ChannelParts(receiver=door, source=door)
