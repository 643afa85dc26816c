"""The archive's directory and the stand-in library over it, called as a C program would (protocol sheet, section 8)."""

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
from tests.standin import NAME, archive

DAY, SLICE = 24 * 3600, 512 * 1024


class Sdk:
    """The library, with every call spelled out."""

    def __init__(self, tape: Archive, corp_id: str, secret: str) -> None:
        self.library = ctypes.CDLL(str(tape.folder / NAME))
        for name in ("NewSdk", "NewSlice", "NewMediaData", "GetContentFromSlice", "GetData", "GetOutIndexBuf"):
            getattr(self.library, name).restype = c_void_p
        self.sdk = c_void_p(self.library.NewSdk())
        self.ready = self.library.Init(self.sdk, corp_id.encode(), secret.encode())

    def listed(self, seq: int, limit: int = 1000) -> Any:
        slice_ = c_void_p(self.library.NewSlice())
        given = (c_ulonglong(seq), c_uint(limit), c_char_p(b""), c_char_p(b""), c_int(5), slice_)
        code = self.library.GetChatData(self.sdk, *given)
        return code or json.loads(self.text(slice_))

    def opened(self, key: bytes, sealed: str) -> Any:
        slice_ = c_void_p(self.library.NewSlice())
        code = self.library.DecryptData(c_char_p(key), c_char_p(sealed.encode()), slice_)
        return code or json.loads(self.text(slice_))

    def text(self, slice_: c_void_p) -> bytes:
        return ctypes.string_at(self.library.GetContentFromSlice(slice_), self.library.GetSliceLen(slice_))

    def media(self, index: bytes, file_id: str) -> Any:
        media = c_void_p(self.library.NewMediaData())
        nothing, given = c_char_p(b""), (c_char_p(index), c_char_p(file_id.encode()))
        if code := self.library.GetMediaData(self.sdk, *given, nothing, nothing, c_int(5), media):
            return code
        data = ctypes.string_at(self.library.GetData(media), self.library.GetDataLen(media))
        following = ctypes.string_at(self.library.GetOutIndexBuf(media), self.library.GetIndexLen(media))
        return data, following, self.library.IsMediaDataFinish(media)


@pytest.fixture
def tape(cloud: Cloud, tmp_path: Path) -> Archive:
    return archive(cloud, tmp_path)


@pytest.fixture
def sdk(cloud: Cloud, tape: Archive) -> Sdk:
    return Sdk(tape, cloud.app.corp_id, tape.secret)


def plain(tape: Archive, sdk: Sdk) -> list[dict[str, Any]]:
    """Everything listed, opened with the key of its version."""
    found = []
    for entry in sdk.listed(0)["chatdata"]:
        sealed = base64.b64decode(entry["encrypt_random_key"])
        key = tape.private_keys[entry["publickey_ver"]].decrypt(sealed, padding.PKCS1v15())
        found.append(sdk.opened(key, entry["encrypt_chat_msg"]))
    return found


def test_numbers_grow_with_gaps_and_the_list_begins_after_the_one_given(tape: Archive, sdk: Sdk) -> None:
    tape.says("zhangsan", "wr1", "一")
    tape.skip_numbers(3)
    tape.says("zhangsan", "wr1", "二")
    tape.says("zhangsan", "wr1", "三")
    assert [entry["seq"] for entry in sdk.listed(0)["chatdata"]] == [1, 5, 6]
    assert [entry["seq"] for entry in sdk.listed(1, limit=1)["chatdata"]] == [5]
    assert (sdk.listed(6)["chatdata"], sdk.listed(0, limit=1001)) == ([], 10000)


def test_every_kind_of_message_has_its_shape(tape: Archive, sdk: Sdk) -> None:
    film = tape.sends_film("wmZhao", "wr1", b"a film")
    tape.recalls("wmZhao", "wr1", film)
    tape.switches_enterprise("zhangsan")
    sent, recalled, switched = plain(tape, sdk)
    assert (sent["action"], sent["msgtype"], sent["video"]["filesize"]) == ("send", "video", 6)
    assert (sent["msgid"].endswith("_external"), sent["roomid"], sent["msgtime"] > 10**12) == (True, "wr1", True)
    assert (recalled["action"], recalled["revoke"]) == ("recall", {"pre_msgid": film})
    assert (switched["action"], switched["user"], "roomid" in switched) == ("switch", "zhangsan", False)


def test_a_new_key_seals_what_follows_and_another_opens_nothing(tape: Archive, sdk: Sdk) -> None:
    tape.says("zhangsan", "wr1", "一")
    assert tape.rotate_key() == 2
    tape.says("zhangsan", "wr1", "二")
    assert [entry["publickey_ver"] for entry in sdk.listed(0)["chatdata"]] == [1, 2]
    assert [message["text"]["content"] for message in plain(tape, sdk)] == ["一", "二"]
    assert sdk.opened(b"another key", sdk.listed(0)["chatdata"][0]["encrypt_chat_msg"]) == 10006


def test_a_film_comes_in_slices(tape: Archive, sdk: Sdk) -> None:
    film = bytes(range(256)) * 4096
    told = tape.add_media(film + b"end")
    index, pieces, finished = b"", [], 0
    while not finished:
        piece, index, finished = sdk.media(index, told["sdkfileid"])
        pieces.append(piece)
    assert ([len(piece) for piece in pieces], b"".join(pieces)) == ([SLICE, SLICE, 3], film + b"end")
    assert sdk.media(b"", "invented") == 10005


def test_five_days_are_listed(tape: Archive, sdk: Sdk, clock: Any) -> None:
    tape.says("zhangsan", "wr1", "一")
    clock.turn(5 * DAY)
    tape.says("zhangsan", "wr1", "二")
    assert [entry["seq"] for entry in sdk.listed(0)["chatdata"]] == [2]


def test_the_app_hears_of_it_at_most_every_fifteen_seconds(cloud: Cloud, tape: Archive, clock: Any) -> None:
    rung: list[bytes] = []
    cloud.callback_sender.transport = lambda _query, body: rung.append(body) or 200
    for wait in (0, 14, 1):
        clock.turn(wait)
        tape.says("zhangsan", "wr1", "一")
    assert len(rung) == 2


def test_the_wrong_secret_and_what_the_real_library_does_not_bear(cloud: Cloud, tape: Archive, sdk: Sdk) -> None:
    assert (sdk.ready, Sdk(tape, cloud.app.corp_id, "guessed").ready) == (0, 10000)
    assert (Sdk(tape, "another", tape.secret).listed(0), tape.violations) == (10003, ["used before Init"])


def test_faults_come_once_each_and_in_order(tape: Archive, sdk: Sdk) -> None:
    tape.inject_fault("GetChatData", 10001)
    tape.inject_fault("GetChatData", 301058)
    assert (sdk.listed(0), sdk.listed(0)["errcode"], sdk.listed(0)["errcode"]) == (10001, 301058, 0)
