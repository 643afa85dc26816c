"""The chat archive: encrypted messages and media in a directory that a stand-in for Tencent's C library reads."""

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.callback import XmlValue
from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.records import Json

RETENTION_SECONDS = 5 * 24 * 3600
NOTIFY_INTERVAL_SECONDS = 15
PLAINTEXT_PREFIX = b"PRETEND:"
"""Lets the stand-in library tell a right key from a wrong one."""


class Archive:
    """One corp's archive. The `overrides` of its methods replace fields of the message.

    Two of them are no fields: `at`, the time in Unix seconds, and `version`, that of the key to encrypt with.
    """

    def __init__(self, cloud: Cloud, folder: Path, secret: str = "pretend-archive-secret") -> None:
        self._cloud, self.folder, self.secret = cloud, folder, secret
        for name in ("messages", "media", "faults"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "credentials").write_text(f"{cloud.app.corp_id}\n{secret}")
        self.notifies = True
        """Whether the app is notified of new messages."""
        self.private_keys: dict[int, rsa.RSAPrivateKey] = {}
        self._seq, self._notified_at = 0, float("-inf")
        self._written_at: dict[Path, float] = {}
        self.rotate_key()

    def rotate_key(self) -> int:
        """Upload a new public key; returns its version, which is higher than all before."""
        version = len(self.private_keys) + 1
        self.private_keys[version] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return version

    def write_private_key(self, folder: Path, version: int, actual_version: int | None = None) -> None:
        """Write the PEM file of a version as the office stores it; `actual_version` puts a wrong key into it."""
        key = self.private_keys[actual_version or version]
        key_format = serialization.PrivateFormat.TraditionalOpenSSL
        pem = key.private_bytes(serialization.Encoding.PEM, key_format, serialization.NoEncryption())
        (folder / f"{version}.pem").write_bytes(pem)

    def inject_fault(self, function: str, code: int, times: int = 1) -> None:
        """Make the next `times` calls of a function of the library return this code."""
        folder = self.folder / "faults" / function
        folder.mkdir(exist_ok=True)
        for _ in range(times):
            (folder / f"{len(list(folder.iterdir())):06d}").write_text(str(code))

    def skip_numbers(self, count: int = 7) -> None:
        """Leave a gap in the sequence numbers, as messages of others do."""
        self._seq += count

    def sends_film(self, sender: str, room: str, film: Payload, **overrides: Any) -> str:
        """Send a video to a group or, with an empty room, to a person; returns the msgid."""
        media = self.add_media(film, overrides.pop("md5sum", None))
        return self._sends(sender, room, "video", {**media, "play_length": 12}, overrides)

    def sends_file(self, sender: str, room: str, file: Payload, name: str, **overrides: Any) -> str:
        names = {"filename": name, "fileext": name.rpartition(".")[2]}
        return self._sends(sender, room, "file", {**self.add_media(file), **names}, overrides)

    def sends_photo(self, sender: str, room: str, photo: Payload, **overrides: Any) -> str:
        """Send a picture."""
        return self._sends(sender, room, "image", self.add_media(photo), overrides)

    def says(self, sender: str, room: str, text: str, **overrides: Any) -> str:
        """Send a text."""
        return self._sends(sender, room, "text", {"content": text}, overrides)

    def sends_mixed(self, sender: str, room: str, items: list[tuple[str, Json]], **overrides: Any) -> str:
        """Send several items, each a type and its content, in one message."""
        parts = [{"type": kind, "content": json.dumps(content, ensure_ascii=False)} for kind, content in items]
        return self._sends(sender, room, "mixed", {"item": parts}, overrides)

    def recalls(self, sender: str, room: str, msgid: str, **overrides: Any) -> str:
        """Recall a message."""
        return self._sends(sender, room, "revoke", {"pre_msgid": msgid}, {"action": "recall", **overrides})

    def switches_enterprise(self, user: str) -> str:
        """A member switches to another enterprise in the client: a message with other fields."""
        msgid = self._new_msgid("")
        self.append({"msgid": msgid, "action": "switch", "time": int(self._cloud.now() * 1000), "user": user}, msgid)
        return msgid

    def add_media(self, payload: Payload, md5sum: str | None = None) -> Json:
        """Store media for the library; returns the fields of a message that refer to it."""
        content = payload.read_bytes() if isinstance(payload, Path) else payload
        name = secrets.token_urlsafe(96)
        (self.folder / "media" / name).write_bytes(content)
        actual = hashlib.md5(content).hexdigest()
        return {"md5sum": actual if md5sum is None else md5sum, "filesize": len(content), "sdkfileid": name}

    def _sends(self, sender: str, room: str, msgtype: str, content: Json, overrides: dict[str, Any]) -> str:
        msgid, at = self._new_msgid(sender), overrides.pop("at", None) or self._cloud.now()
        version = overrides.pop("version", None)
        message = {
            "msgid": msgid,
            "action": "send",
            "from": sender,
            "tolist": ["wangling"],
            "roomid": room,
            "msgtime": int(at * 1000),
            "msgtype": msgtype,
            msgtype: content,
            **overrides,
        }
        self.append(message, msgid, version)
        return msgid

    def _new_msgid(self, sender: str) -> str:
        external = sender.startswith(("wm", "wo"))
        return f"{secrets.randbits(62)}_{int(self._cloud.now())}" + ("_external" if external else "")

    def append(self, message: Json, msgid: str, version: int | None = None) -> None:
        """Encrypt a message, by default with the newest key, list it and notify the app."""
        self._seq += 1
        path = self.folder / "messages" / f"{self._seq:020d}.json"
        path.write_text(json.dumps(self._encrypted(message, msgid, version or max(self.private_keys))))
        self._written_at[path] = self._cloud.now()
        self.delete_expired()
        self._notify()

    def _encrypted(self, message: Json, msgid: str, version: int) -> Json:
        """The list entry: RSA as in the real archive, but XOR in place of the library's own cipher."""
        key = secrets.token_hex(24).encode()
        plain = PLAINTEXT_PREFIX + json.dumps(message, ensure_ascii=False).encode()
        key_stream = (key * (len(plain) // len(key) + 1))[: len(plain)]
        encrypted_key = self.private_keys[version].public_key().encrypt(key, padding.PKCS1v15())
        return {
            "seq": self._seq,
            "msgid": msgid,
            "publickey_ver": version,
            "encrypt_random_key": base64.b64encode(encrypted_key).decode(),
            "encrypt_chat_msg": bytes(a ^ b for a, b in zip(plain, key_stream, strict=True)).hex(),
        }

    def delete_expired(self) -> None:
        """Remove messages older than five days from the list."""
        for path, written_at in self._written_at.items():
            if self._cloud.now() >= written_at + RETENTION_SECONDS:
                path.unlink(missing_ok=True)

    def _notify(self) -> None:
        """Send the event msgaudit_notify, at most every 15 seconds."""
        now = self._cloud.now()
        if not self.notifies or now < self._notified_at + NOTIFY_INTERVAL_SECONDS:
            return
        self._notified_at = now
        fields: dict[str, XmlValue] = {
            "ToUserName": self._cloud.app.corp_id,
            "FromUserName": "sys",
            "CreateTime": int(now),
            "MsgType": "event",
            "AgentID": self._cloud.app.agent_id,
            "Event": "msgaudit_notify",
        }
        self._cloud.callback_sender.post(self._cloud.callback_sender.to_xml(fields))

    def settings(self, library: Path, keys: Path) -> dict[str, str]:
        """The bot's settings for this archive, by the names used in its .env file."""
        return {
            "WECOM_MSGAUDIT_SECRET": self.secret,
            "WECOM_MSGAUDIT_LIBRARY": str(library),
            "WECOM_MSGAUDIT_KEYS_DIR": str(keys),
        }

    @property
    def violations(self) -> list[str]:
        """Calls that would crash or corrupt the real library."""
        path = self.folder / "violations"
        return path.read_text().splitlines() if path.exists() else []
