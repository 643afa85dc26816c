"""The simulator's crypto against Tencent's sample and against wechatpy."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from wechatpy.enterprise.crypto import WeChatCrypto

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.core import crypto

SAMPLE = json.loads((Path(__file__).parents[1] / "samples" / "tencent_callback.json").read_text("utf-8"))
KEY = SAMPLE["encoding_aes_key"]


def signed(part: dict[str, Any], ciphertext: str) -> str:
    return crypto.sign(SAMPLE["token"], part["timestamp"], part["nonce"], ciphertext)


def test_tencents_sample_of_a_url_verification_is_decrypted() -> None:
    part = SAMPLE["url_verification"]
    assert signed(part, part["echostr"]) == part["msg_signature"]
    assert crypto.decrypt(KEY, part["echostr"]) == (part["plain"].encode(), SAMPLE["corp_id"])


def test_tencents_sample_message_is_decrypted() -> None:
    part = SAMPLE["message"]
    assert signed(part, part["encrypt"]) == part["msg_signature"]
    assert crypto.decrypt(KEY, part["encrypt"]) == (part["plain"].encode(), SAMPLE["corp_id"])


@pytest.mark.parametrize("length", range(70))
def test_every_padding_length_is_decrypted(length: int) -> None:
    message = b"m" * length
    assert crypto.decrypt(KEY, crypto.encrypt(KEY, message, "corp")) == (message, "corp")


def test_the_same_message_is_never_encrypted_to_the_same_ciphertext() -> None:
    assert crypto.encrypt(KEY, b"m", "corp") != crypto.encrypt(KEY, b"m", "corp")


@pytest.mark.parametrize("ciphertext", ["", "A", "AAAA", "!" * 64, "A" * 88])
def test_invalid_ciphertext_is_rejected(ciphertext: str) -> None:
    with pytest.raises(crypto.DecryptionError):
        crypto.decrypt(KEY, ciphertext)


def test_a_key_of_the_wrong_length_is_rejected() -> None:
    with pytest.raises(ValueError, match="43"):
        crypto.aes_key(KEY + "A")


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 500])
def test_wechatpy_decrypts_what_the_simulator_posts(cloud: Cloud, length: int) -> None:
    app, posted = cloud.app, []
    cloud.callback_sender.transport = lambda query, body: posted.append((query, body)) or 200
    text = "夜" * length + "."
    cloud.phone("zhangsan").says(text)
    [(query, body)] = posted
    params = dict(pair.split("=") for pair in query.split("&"))
    other = WeChatCrypto(app.token, app.encoding_aes_key, app.corp_id)
    plain = other.decrypt_message(body, params["msg_signature"], params["timestamp"], params["nonce"])
    assert f"<![CDATA[{text}]]>" in plain


def test_the_default_key_has_spare_bits_as_real_ones_do(cloud: Cloud) -> None:
    key = cloud.app.encoding_aes_key
    assert base64.b64encode(crypto.aes_key(key)).decode() != key + "="
