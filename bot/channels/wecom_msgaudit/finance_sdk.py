"""Tencent's library for the chat archive (WeWorkFinanceSdk), called through its C ABI.

Its license does not allow us to ship it, so it is loaded at the first call and not before.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import suppress
from ctypes import c_char_p, c_int, c_uint, c_ulonglong, c_void_p

from bot.channels.errors import ChannelError, MediaGone, Misconfigured, Permanent, Transient

_TIMEOUT_S = 30
_TRIES = 5
# A network error is raised without its code, which makes it evidence of an outage.
_NETWORK = 10001
# The library's other codes; those that are missing here are permanent.
_ERRORS: dict[int, type[ChannelError]] = {
    **dict.fromkeys((10002, 10003), Transient),
    **dict.fromkeys((10005, 10010), MediaGone),
    **dict.fromkeys((10000, 10007, 10009, 10011), Misconfigured),
}
# Result and argument types of its functions.
_SIGNATURES: dict[str, tuple[type | None, tuple[type, ...]]] = {
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
    """Load the library and check that it has every function. Raises Misconfigured."""
    try:
        library = ctypes.CDLL(path)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, list(arguments)
    except (OSError, AttributeError) as error:
        raise Misconfigured(f"{path}: {error}") from error
    return library


class FinanceSdk:
    """The library with one corp's secret. Each thread gets an SDK object of its own, as the library requires."""

    def __init__(self, path: str, corp_id: str, secret: str) -> None:
        self._path, self._corp_id, self._secret = path, corp_id, secret
        self._thread = threading.local()
        self._load_lock = threading.Lock()
        self._library: ctypes.CDLL | None = None

    def fetch_chat_data(self, seq: int, limit: int) -> bytes:
        """The entries after `seq`, as JSON. Raises ChannelError."""
        return self._read_slice("GetChatData", self._sdk(), seq, limit, b"", b"", _TIMEOUT_S)

    def decrypt(self, key: bytes, ciphertext: str) -> bytes:
        """The plain JSON of a message. Raises ChannelError."""
        return self._read_slice("DecryptData", key, ciphertext.encode())

    def fetch_media(self, file_id: str) -> Iterator[bytes]:
        """The bytes of a film, in slices; a slice that fails is retried. Raises ChannelError."""
        index, is_finished = b"", False
        while not is_finished:
            data, index, is_finished = self._retry_media_data(index, file_id)
            yield data

    def _retry_media_data(self, index: bytes, file_id: str) -> tuple[bytes, bytes, bool]:
        for _ in range(_TRIES - 1):
            with suppress(Transient):
                return self._media_data(index, file_id)
        return self._media_data(index, file_id)

    def _media_data(self, index: bytes, file_id: str) -> tuple[bytes, bytes, bool]:
        """One slice, the index of the next, and whether it was the last."""
        library, sdk = self._load(), self._sdk()
        media = library.NewMediaData()
        try:
            _check(library.GetMediaData(sdk, index, file_id.encode(), b"", b"", _TIMEOUT_S, media))
            data = ctypes.string_at(library.GetData(media), library.GetDataLen(media))
            next_index = ctypes.string_at(library.GetOutIndexBuf(media), library.GetIndexLen(media))
            return data, next_index, bool(library.IsMediaDataFinish(media))
        finally:
            library.FreeMediaData(media)

    def _read_slice(self, function: str, *arguments: object) -> bytes:
        """Call a function that writes its result into a slice, its last argument."""
        library = self._load()
        slice_ = library.NewSlice()
        try:
            _check(getattr(library, function)(*arguments, slice_))
            return ctypes.string_at(library.GetContentFromSlice(slice_), library.GetSliceLen(slice_))
        finally:
            library.FreeSlice(slice_)

    def _load(self) -> ctypes.CDLL:
        with self._load_lock:
            if self._library is None:
                self._library = load_library(self._path)
        return self._library

    def _sdk(self) -> int:
        """This thread's SDK object; it is destroyed with the thread."""
        if not hasattr(self._thread, "sdk"):
            sdk = _Sdk(self._load())
            code = sdk.library.Init(sdk.pointer, self._corp_id.encode(), self._secret.encode())
            if code:
                raise Misconfigured(f"Init of the archive's library returned {code}", code)
            self._thread.sdk = sdk
        return int(self._thread.sdk.pointer)


class _Sdk:
    """One SDK object of the library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library, self.pointer = library, library.NewSdk()

    def __del__(self) -> None:
        self.library.DestroySdk(self.pointer)


def _check(code: int) -> None:
    """Raise the ChannelError of a code that is not 0."""
    if code == 0:
        return
    detail = f"the archive's library returned {code}"
    if code == _NETWORK:
        raise Transient(detail)
    raise _ERRORS.get(code, Permanent)(detail, code)
