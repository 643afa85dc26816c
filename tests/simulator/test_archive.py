"""The directory of the chat archive, and the stand-in library that reads it, called through its C interface."""

from __future__ import annotations

import base64
import ctypes
import json
from ctypes import c_char_p, c_int, c_uint, c_ulonglong, c_void_p
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.archive import Archive
from tests.standin import NAME
from tests.standin import archive as create_archive

DAY, SLICE = 24 * 3600, 512 * 1024


class Sdk:
    """The C library."""

    def __init__(self, archive: Archive, corp_id: str, secret: str) -> None:
        self.library = ctypes.CDLL(str(archive.folder / NAME))
        for name in ("NewSdk", "NewSlice", "NewMediaData", "GetContentFromSlice", "GetData", "GetOutIndexBuf"):
            getattr(self.library, name).restype = c_void_p
        self.sdk = c_void_p(self.library.NewSdk())
        self.ready = self.library.Init(self.sdk, corp_id.encode(), secret.encode())

    def get_chat_data(self, seq: int, limit: int = 1000) -> Any:
        slice_ = c_void_p(self.library.NewSlice())
        arguments = (c_ulonglong(seq), c_uint(limit), c_char_p(b""), c_char_p(b""), c_int(5), slice_)
        code = self.library.GetChatData(self.sdk, *arguments)
        return code or json.loads(self.text(slice_))

    def decrypt(self, key: bytes, ciphertext: str) -> Any:
        slice_ = c_void_p(self.library.NewSlice())
        code = self.library.DecryptData(c_char_p(key), c_char_p(ciphertext.encode()), slice_)
        return code or json.loads(self.text(slice_))

    def text(self, slice_: c_void_p) -> bytes:
        return ctypes.string_at(self.library.GetContentFromSlice(slice_), self.library.GetSliceLen(slice_))

    def media(self, index: bytes, file_id: str) -> Any:
        media = c_void_p(self.library.NewMediaData())
        nothing, arguments = c_char_p(b""), (c_char_p(index), c_char_p(file_id.encode()))
        if code := self.library.GetMediaData(self.sdk, *arguments, nothing, nothing, c_int(5), media):
            return code
        data = ctypes.string_at(self.library.GetData(media), self.library.GetDataLen(media))
        following = ctypes.string_at(self.library.GetOutIndexBuf(media), self.library.GetIndexLen(media))
        return data, following, self.library.IsMediaDataFinish(media)


@pytest.fixture
def archive(cloud: Cloud, tmp_path: Path) -> Archive:
    return create_archive(cloud, tmp_path)


@pytest.fixture
def sdk(cloud: Cloud, archive: Archive) -> Sdk:
    return Sdk(archive, cloud.app.corp_id, archive.secret)


def decrypt_all(archive: Archive, sdk: Sdk) -> list[dict[str, Any]]:
    """All listed messages."""
    messages = []
    for entry in sdk.get_chat_data(0)["chatdata"]:
        encrypted_key = base64.b64decode(entry["encrypt_random_key"])
        key = archive.private_keys[entry["publickey_ver"]].decrypt(encrypted_key, padding.PKCS1v15())
        messages.append(sdk.decrypt(key, entry["encrypt_chat_msg"]))
    return messages


def test_sequence_numbers_have_gaps_and_the_list_starts_after_the_given_one(archive: Archive, sdk: Sdk) -> None:
    archive.says("zhangsan", "wr1", "一")
    archive.skip_numbers(3)
    archive.says("zhangsan", "wr1", "二")
    archive.says("zhangsan", "wr1", "三")
    assert [entry["seq"] for entry in sdk.get_chat_data(0)["chatdata"]] == [1, 5, 6]
    assert [entry["seq"] for entry in sdk.get_chat_data(1, limit=1)["chatdata"]] == [5]
    assert (sdk.get_chat_data(6)["chatdata"], sdk.get_chat_data(0, limit=1001)) == ([], 10000)


def test_every_kind_of_message_has_its_own_fields(archive: Archive, sdk: Sdk) -> None:
    film = archive.sends_film("wmZhao", "wr1", b"a film")
    archive.recalls("wmZhao", "wr1", film)
    archive.switches_enterprise("zhangsan")
    sent, recalled, switched = decrypt_all(archive, sdk)
    assert (sent["action"], sent["msgtype"], sent["video"]["filesize"]) == ("send", "video", 6)
    assert (sent["msgid"].endswith("_external"), sent["roomid"], sent["msgtime"] > 10**12) == (True, "wr1", True)
    assert (recalled["action"], recalled["revoke"]) == ("recall", {"pre_msgid": film})
    assert (switched["action"], switched["user"], "roomid" in switched) == ("switch", "zhangsan", False)


def test_new_messages_use_the_new_key_and_a_wrong_key_decrypts_nothing(archive: Archive, sdk: Sdk) -> None:
    archive.says("zhangsan", "wr1", "一")
    assert archive.rotate_key() == 2
    archive.says("zhangsan", "wr1", "二")
    assert [entry["publickey_ver"] for entry in sdk.get_chat_data(0)["chatdata"]] == [1, 2]
    assert [message["text"]["content"] for message in decrypt_all(archive, sdk)] == ["一", "二"]
    assert sdk.decrypt(b"another key", sdk.get_chat_data(0)["chatdata"][0]["encrypt_chat_msg"]) == 10006


def test_a_film_is_fetched_in_slices(archive: Archive, sdk: Sdk) -> None:
    film = bytes(range(256)) * 4096
    fields = archive.add_media(film + b"end")
    index, pieces, finished = b"", [], 0
    while not finished:
        piece, index, finished = sdk.media(index, fields["sdkfileid"])
        pieces.append(piece)
    assert ([len(piece) for piece in pieces], b"".join(pieces)) == ([SLICE, SLICE, 3], film + b"end")
    assert sdk.media(b"", "invented") == 10005


def test_messages_of_five_days_are_listed(archive: Archive, sdk: Sdk, clock: Any) -> None:
    archive.says("zhangsan", "wr1", "一")
    clock.advance(5 * DAY)
    archive.says("zhangsan", "wr1", "二")
    assert [entry["seq"] for entry in sdk.get_chat_data(0)["chatdata"]] == [2]


def test_the_app_is_notified_at_most_every_fifteen_seconds(cloud: Cloud, archive: Archive, clock: Any) -> None:
    posted: list[bytes] = []
    cloud.callback_sender.transport = lambda _query, body: posted.append(body) or 200
    for wait in (0, 14, 1):
        clock.advance(wait)
        archive.says("zhangsan", "wr1", "一")
    assert len(posted) == 2


def test_a_wrong_secret_is_rejected_and_use_before_init_is_a_violation(
    cloud: Cloud, archive: Archive, sdk: Sdk
) -> None:
    assert (sdk.ready, Sdk(archive, cloud.app.corp_id, "guessed").ready) == (0, 10000)
    assert (Sdk(archive, "another", archive.secret).get_chat_data(0), archive.violations) == (
        10003,
        ["used before Init"],
    )


def test_faults_occur_once_each_and_in_order(archive: Archive, sdk: Sdk) -> None:
    archive.inject_fault("GetChatData", 10001)
    archive.inject_fault("GetChatData", 301058)
    assert (sdk.get_chat_data(0), sdk.get_chat_data(0)["errcode"], sdk.get_chat_data(0)["errcode"]) == (
        10001,
        301058,
        0,
    )
