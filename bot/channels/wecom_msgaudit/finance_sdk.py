"""Tencent's library for the chat archive (WeWorkFinanceSdk), spoken to by its C ABI (protocol sheet 8.1).

The library is not ours to ship, so nothing of it is touched before the first call.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from ctypes import c_char_p, c_int, c_uint, c_ulonglong, c_void_p

from bot.channels.errors import ChannelError, MediaGone, Misconfigured, Permanent, Transient

_TIMEOUT_S = 30
_TRIES = 5
_NETWORK, _SHORTLY = 10001, (10002, 10003)
_GONE, _SETTINGS = (10005, 10010), (10000, 10007, 10009, 10011)
_RETURNS: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "NewSdk": (c_void_p, ()),
    "Init": (c_int, (c_void_p, c_char_p, c_char_p)),
    "GetChatData": (c_int, (c_void_p, c_ulonglong, c_uint, c_char_p, c_char_p, c_int, c_void_p)),
    "DecryptData": (c_int, (c_char_p, c_char_p, c_void_p)),
    "GetMediaData": (c_int, (c_void_p, c_char_p, c_char_p, c_char_p, c_char_p, c_int, c_void_p)),
    "NewSlice": (c_void_p, ()),
    "FreeSlice": (None, (c_void_p,)),
    "GetContentFromSlice": (c_void_p, (c_void_p,)),
    "GetSliceLen": (c_int, (c_void_p,)),
    "NewMediaData": (c_void_p, ()),
    "FreeMediaData": (None, (c_void_p,)),
    "GetOutIndexBuf": (c_void_p, (c_void_p,)),
    "GetIndexLen": (c_int, (c_void_p,)),
    "GetData": (c_void_p, (c_void_p,)),
    "GetDataLen": (c_int, (c_void_p,)),
    "IsMediaDataFinish": (c_int, (c_void_p,)),
    "DestroySdk": (None, (c_void_p,)),
}


def load_library(path: str) -> ctypes.CDLL:
    """The library at that place, with every function it must have. Raises Misconfigured."""
    try:
        library = ctypes.CDLL(path)
        for name, (result, arguments) in _RETURNS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, list(arguments)
    except (OSError, AttributeError) as error:
        raise Misconfigured(f"{path}: {error}") from error
    return library


class FinanceSdk:
    """The library with one corp's secret. Each thread gets an object of its own, as the library wants it."""

    def __init__(self, path: str, corp_id: str, secret: str) -> None:
        self._path, self._corp_id, self._secret = path, corp_id, secret
        self._mine = threading.local()
        self._loading = threading.Lock()
        self._library: ctypes.CDLL | None = None

    def fetch_chat_data(self, seq: int, limit: int) -> bytes:
        """What the archive lists after `seq`, as JSON. Raises ChannelError."""
        return self._into_slice("GetChatData", self._sdk(), seq, limit, b"", b"", _TIMEOUT_S)

    def decrypt(self, key: bytes, ciphertext: str) -> bytes:
        """The plain JSON of a message. Raises ChannelError."""
        return self._into_slice("DecryptData", key, ciphertext.encode())

    def fetch_media(self, file_id: str) -> Iterator[bytes]:
        """The bytes of a film in slices; one that fails is asked for again. Raises ChannelError."""
        index, finished = b"", False
        while not finished:
            piece, index, finished = self._slice(index, file_id)
            yield piece

    def _slice(self, index: bytes, file_id: str) -> tuple[bytes, bytes, bool]:
        for tries in range(1, _TRIES + 1):
            try:
                return self._media_data(index, file_id)
            except Transient:
                if tries == _TRIES:
                    raise
        raise AssertionError

    def _media_data(self, index: bytes, file_id: str) -> tuple[bytes, bytes, bool]:
        library, sdk = self._loaded(), self._sdk()
        media = library.NewMediaData()
        try:
            _check(library.GetMediaData(sdk, index, file_id.encode(), b"", b"", _TIMEOUT_S, media))
            data = ctypes.string_at(library.GetData(media), library.GetDataLen(media))
            following = ctypes.string_at(library.GetOutIndexBuf(media), library.GetIndexLen(media))
            return data, following, bool(library.IsMediaDataFinish(media))
        finally:
            library.FreeMediaData(media)

    def _into_slice(self, name: str, *arguments: object) -> bytes:
        library = self._loaded()
        slice_ = library.NewSlice()
        try:
            _check(getattr(library, name)(*arguments, slice_))
            return ctypes.string_at(library.GetContentFromSlice(slice_), library.GetSliceLen(slice_))
        finally:
            library.FreeSlice(slice_)

    def _loaded(self) -> ctypes.CDLL:
        with self._loading:
            if self._library is None:
                self._library = load_library(self._path)
        return self._library

    def _sdk(self) -> int:
        """This thread's object; it goes with the thread."""
        if not hasattr(self._mine, "own"):
            own = _Own(self._loaded())
            code = own.library.Init(own.sdk, self._corp_id.encode(), self._secret.encode())
            if code:
                raise Misconfigured(f"Init of the archive's library gave {code}", code)
            self._mine.own = own
        return int(self._mine.own.sdk)


class _Own:
    """One object of the library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library, self.sdk = library, library.NewSdk()

    def __del__(self) -> None:
        self.library.DestroySdk(self.sdk)


def _check(code: int) -> None:
    """Raise by the library's own code (8.2)."""
    if code == 0:
        return
    what = f"the archive's library gave {code}"
    if code == _NETWORK:
        raise Transient(what)
    kinds: tuple[tuple[tuple[int, ...], type[ChannelError]], ...] = (
        (_SHORTLY, Transient), (_GONE, MediaGone), (_SETTINGS, Misconfigured),
    )  # fmt: skip
    raise next((kind for codes, kind in kinds if code in codes), Permanent)(what, code)
