"""The chat archive: what was said in groups and chats, encrypted, in the directory that a stand-in for Tencent's
library gives out (protocol sheet, section 8)."""

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud
    from bot.devtools.simulator.core.callback import XmlValue

RETENTION_SECONDS = 5 * 24 * 3600
NOTIFY_INTERVAL_SECONDS = 15
PLAINTEXT_PREFIX = b"PRETEND:"


class Archive:
    """One corp's archive in a directory; `public_keys` are what the console was given, by version."""

    def __init__(self, cloud: "Cloud", folder: Path, secret: str = "pretend-archive-secret") -> None:
        self._cloud, self.folder, self.secret = cloud, folder, secret
        for name in ("messages", "media", "faults"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "credentials").write_text(f"{cloud.app.corp_id}\n{secret}")
        self.notifies = True
        """Whether the app hears of new messages."""
        self.private_keys: dict[int, rsa.RSAPrivateKey] = {}
        self._seq, self._rung_at = 0, float("-inf")
        self._times: dict[Path, float] = {}
        self.rotate_key()

    def rotate_key(self) -> int:
        """Put a new public key into the console; its version, which grows."""
        version = len(self.private_keys) + 1
        self.private_keys[version] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return version

    def write_private_key(self, folder: Path, version: int, actual_version: int | None = None) -> None:
        """What the office keeps: the private key of a version (or a wrong one) as a PEM file."""
        found = self.private_keys[actual_version or version]
        form = serialization.PrivateFormat.TraditionalOpenSSL
        pem = found.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        (folder / f"{version}.pem").write_bytes(pem)

    def inject_fault(self, function: str, code: int, times: int = 1) -> None:
        """Let the next calls of a function of the library give this code."""
        folder = self.folder / "faults" / function
        folder.mkdir(exist_ok=True)
        for _ in range(times):
            (folder / f"{len(list(folder.iterdir())):06d}").write_text(str(code))

    def skip_numbers(self, count: int = 7) -> None:
        """Messages of others take the next numbers."""
        self._seq += count

    def sends_film(self, sender: str, room: str, film: Payload, **overrides: Any) -> str:
        """Somebody posts a film in a group (or, with an empty room, sends it to somebody); its msgid."""
        return self._posts(
            sender, room, "video", {**self.add_media(film, overrides.pop("md5sum", None)), "play_length": 12}, overrides
        )

    def sends_file(self, sender: str, room: str, file: Payload, name: str, **overrides: Any) -> str:
        """Somebody posts a file."""
        kind = {"filename": name, "fileext": name.rpartition(".")[2]}
        return self._posts(sender, room, "file", {**self.add_media(file), **kind}, overrides)

    def sends_photo(self, sender: str, room: str, photo: Payload, **overrides: Any) -> str:
        """Somebody posts a picture."""
        return self._posts(sender, room, "image", self.add_media(photo), overrides)

    def says(self, sender: str, room: str, text: str, **overrides: Any) -> str:
        """Somebody writes."""
        return self._posts(sender, room, "text", {"content": text}, overrides)

    def sends_mixed(self, sender: str, room: str, items: list[tuple[str, Json]], **overrides: Any) -> str:
        """Somebody posts several things at once."""
        told = [{"type": kind, "content": json.dumps(content, ensure_ascii=False)} for kind, content in items]
        return self._posts(sender, room, "mixed", {"item": told}, overrides)

    def recalls(self, sender: str, room: str, msgid: str, **overrides: Any) -> str:
        """Somebody takes back what was posted."""
        return self._posts(sender, room, "revoke", {"pre_msgid": msgid}, {"action": "recall", **overrides})

    def switches_enterprise(self, user: str) -> str:
        """A member changes the enterprise under which WeCom is used: another shape of message."""
        msgid = self._msgid("")
        self.append({"msgid": msgid, "action": "switch", "time": int(self._cloud.now() * 1000), "user": user}, msgid)
        return msgid

    def add_media(self, payload: Payload, md5sum: str | None = None) -> Json:
        """Put bytes where the library finds them; what a message says of them."""
        content = payload.read_bytes() if isinstance(payload, Path) else payload
        name = secrets.token_urlsafe(96)
        (self.folder / "media" / name).write_bytes(content)
        right = hashlib.md5(content).hexdigest()
        return {"md5sum": right if md5sum is None else md5sum, "filesize": len(content), "sdkfileid": name}

    def _posts(self, sender: str, room: str, msgtype: str, content: Json, how: dict[str, Any]) -> str:
        msgid, at = self._msgid(sender), how.pop("at", None) or self._cloud.now()
        version = how.pop("version", None)
        message = {
            "msgid": msgid, "action": "send", "from": sender, "tolist": ["wangling"], "roomid": room,
            "msgtime": int(at * 1000), "msgtype": msgtype, msgtype: content, **how,
        }  # fmt: skip
        self.append(message, msgid, version)
        return msgid

    def _msgid(self, sender: str) -> str:
        outside = sender.startswith(("wm", "wo"))
        return f"{secrets.randbits(62)}_{int(self._cloud.now())}" + ("_external" if outside else "")

    def append(self, message: Json, msgid: str, version: int | None = None) -> None:
        """Encrypt a message with the key of a version and list it; ring if nobody has been rung for 15 seconds."""
        self._seq += 1
        used = version or max(self.private_keys)
        key = secrets.token_hex(24)
        plain = PLAINTEXT_PREFIX + json.dumps(message, ensure_ascii=False).encode()
        wide = (key.encode() * (len(plain) // len(key) + 1))[: len(plain)]
        sealed = self.private_keys[used].public_key().encrypt(key.encode(), padding.PKCS1v15())
        entry = {
            "seq": self._seq, "msgid": msgid, "publickey_ver": used,
            "encrypt_random_key": base64.b64encode(sealed).decode(),
            "encrypt_chat_msg": bytes(a ^ b for a, b in zip(plain, wide, strict=True)).hex(),
        }  # fmt: skip
        path = self.folder / "messages" / f"{self._seq:020d}.json"
        path.write_text(json.dumps(entry))
        self._times[path] = self._cloud.now()
        self.delete_expired()
        self._ring()

    def delete_expired(self) -> None:
        """Only the last five days are listed."""
        for path, at in self._times.items():
            if self._cloud.now() >= at + RETENTION_SECONDS:
                path.unlink(missing_ok=True)

    def _ring(self) -> None:
        now = self._cloud.now()
        if not self.notifies or now < self._rung_at + NOTIFY_INTERVAL_SECONDS:
            return
        self._rung_at = now
        app = self._cloud.app
        fields: dict[str, XmlValue] = {
            "ToUserName": app.corp_id, "FromUserName": "sys", "CreateTime": int(now), "MsgType": "event",
            "AgentID": app.agent_id, "Event": "msgaudit_notify",
        }  # fmt: skip
        self._cloud.callback_sender.post(self._cloud.callback_sender.to_xml(fields))

    def settings(self, library: Path, keys: Path) -> dict[str, str]:
        """The bot's settings for this archive, by the names of its .env file."""
        return {
            "WECOM_MSGAUDIT_SECRET": self.secret, "WECOM_MSGAUDIT_LIBRARY": str(library),
            "WECOM_MSGAUDIT_KEYS_DIR": str(keys),
        }  # fmt: skip

    @property
    def violations(self) -> list[str]:
        """What the bot did that the real library does not bear."""
        found = self.folder / "violations"
        return found.read_text().splitlines() if found.exists() else []
