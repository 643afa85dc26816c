"""`python -m tests.fuzz.callbacks --seconds N`: signed and unsigned garbage for every encrypted callback.

Guided by coverage, with atheris. A receiver may refuse a callback (CallbackRejected) or accept it; it must be able to
parse every message that it accepts.
Anything else is a finding: the input is shown, and the command fails. The same target runs under hypothesis in the
suite (tests/bot/test_fuzzed.py), where atheris is not needed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import secrets
import struct
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

TOKEN, KEY, CORP = "fuzz", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "ww1"
NAMES = (
    "FromUserName",
    "ToUserName",
    "CreateTime",
    "MsgType",
    "MsgId",
    "Event",
    "EventKey",
    "Content",
    "MediaId",
    "AgentID",
    "TaskId",
    "ResponseCode",
    "SelectedItems",
    "Token",
    "OpenKfId",
    "ChangeType",
)
KINDS = ("text", "video", "event", "image", "file", "template_card_event", "kf_msg_or_event", "1795000000", "-1")
MODES = 5


def doors() -> dict[str, Any]:
    """Every receiver with an envelope of ours, without a platform behind it."""
    from bot.channels.wecom_api.crypto import CallbackCrypto
    from bot.channels.wecom_app import WeComAppReceiver
    from bot.channels.wecom_kf import WeComKfReceiver

    envelope, client = CallbackCrypto(TOKEN, KEY, {CORP}), cast(Any, None)
    return {"wecom_app": WeComAppReceiver(envelope, client), "wecom_kf": WeComKfReceiver(envelope, client, "kf1")}


def attempt(door: Any, data: bytes) -> str:
    """Make one callback from bytes and pass it to a receiver; the result."""
    from bot.channels.errors import CallbackRejected

    query, body = made_of(data)
    try:
        if data[:1] and data[0] % 2:
            door.verify_url({**query, "echostr": _echo(body)})
            return "verified"
        received = door.receive(query, body)
    except CallbackRejected as rejected:
        return rejected.reason if rejected.status in (400, 403) else _broken(rejected)
    door.parse(received.raw, 1, datetime(2026, 11, 24, tzinfo=UTC))
    return "taken"


def _broken(rejected: Exception) -> str:
    raise AssertionError("refused with another status") from rejected


def _echo(body: bytes) -> str:
    text = body.decode("latin1")
    return text.partition("<Encrypt>")[2].partition("</Encrypt>")[0] or text


def made_of(data: bytes) -> tuple[Mapping[str, str], bytes]:
    """A query and a body: garbage, a signed envelope around garbage, garbage sealed well, or odd messages."""
    mode, rest = (data[1] % MODES if len(data) > 1 else 0), data[2:]
    if mode == 0:
        words = rest[:64].decode("latin1")
        return {"msg_signature": words[:20], "timestamp": words[20:30], "nonce": words[30:]}, rest
    if mode == 1:
        return _signed(rest.decode("latin1"))
    if mode == 2:
        return _signed(_encrypted(rest + bytes(-len(rest) % 16)))
    return _signed(_encrypted(_padded(_packed(rest if mode == 3 else _message(rest)))))


def _message(rest: bytes) -> bytes:
    """XML of fields that exist, in any order, with any words in them."""
    fields = []
    for number, piece in enumerate(rest.split(b"\0")[:24]):
        name = NAMES[(piece[0] if piece else number) % len(NAMES)]
        words = KINDS[piece[1] % len(KINDS)] if len(piece) == 2 else piece[1:].decode("utf-8", "replace")
        fields.append(f"<{name}>{words}</{name}>" if len(piece) % 3 else f"<{name}><![CDATA[{words}]]></{name}>")
    return f"<xml>{''.join(fields)}</xml>".encode()


def _packed(content: bytes) -> bytes:
    return b"0" * 16 + struct.pack(">I", len(content)) + content + CORP.encode()


def _padded(plain: bytes) -> bytes:
    padding = 32 - len(plain) % 32
    return plain + bytes([padding]) * padding


def _encrypted(plain: bytes) -> str:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key = base64.b64decode(KEY + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def _signed(ciphertext: str) -> tuple[dict[str, str], bytes]:
    timestamp, nonce = "1795000000", "n"
    signature = hashlib.sha1("".join(sorted([TOKEN, timestamp, nonce, ciphertext])).encode()).hexdigest()
    body = f"<xml><Encrypt>{ciphertext}</Encrypt></xml>".encode()
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}, body


def main() -> None:
    """Throw garbage for so many seconds; exit 1 with the input that broke something."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    given = asked.parse_args()
    import atheris

    with atheris.instrument_imports(include=["bot.channels", "handlers.message"]):
        opened = list(doors().values())
    sys.stderr.write(f"fuzzing {len(opened)} doors for {given.seconds} s, seed {given.seed}\n")

    def target(data: bytes) -> None:
        for door in opened:
            attempt(door, data)

    options = [f"-max_total_time={given.seconds}", f"-seed={given.seed}", "-max_len=2048", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
