"""What may be uploaded, and which range of a stored item may be fetched."""

import re

from bot.devtools.simulator.core.errors import ApiError

MEGABYTE = 1024 * 1024
MIN_BYTES = 6
MAX_RANGE_BYTES = 20 * MEGABYTE
APP_LIMITS = {"image": 10 * MEGABYTE, "voice": 2 * MEGABYTE, "video": 10 * MEGABYTE, "file": 20 * MEGABYTE}
ROBOT_LIMITS = {"voice": 2 * MEGABYTE, "file": 20 * MEGABYTE}
TOO_LARGE_ERRCODES = {"image": 40009, "voice": 40011, "video": 40011, "file": 45001}
IMAGE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


def check_upload(kind: str | None, data: bytes, limits: dict[str, int]) -> str:
    """The type itself; raises unless these bytes may be uploaded as that type."""
    if kind not in limits:
        raise ApiError(40004, "invalid media type")
    if not data:
        raise ApiError(44001, "empty media data")
    if len(data) < MIN_BYTES:
        raise ApiError(40006, "invalid file size, a file has more than 5 bytes")
    if len(data) > limits[kind]:
        raise ApiError(TOO_LARGE_ERRCODES[kind], f"invalid {kind} size")
    if not _has_format(kind, data):
        raise ApiError(40005, f"invalid file type, these bytes are not a valid {kind}")
    return kind


def _has_format(kind: str, data: bytes) -> bool:
    if kind == "image":
        return data.startswith(IMAGE_MAGIC)
    if kind == "voice":
        return data.startswith(b"#!AMR")
    return kind != "video" or data[4:8] == b"ftyp"


def parse_range(header: str | None, total: int) -> tuple[int, int]:
    """Start and stop of the requested bytes; 830002 for more than 20 MB at once."""
    start, stop = _parse(header, total) if header else (0, total)
    if stop - start > MAX_RANGE_BYTES:
        raise ApiError(830002, "file size over 20MB, use Range")
    return start, stop


def _parse(header: str, total: int) -> tuple[int, int]:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or not any(match.groups()):
        raise ApiError(40058, "invalid Range")
    first, last = match.groups()
    if not first:
        return max(0, total - int(last)), total
    start, stop = int(first), min(int(last) + 1, total) if last else total
    if start >= total or stop <= start:
        raise ApiError(40058, "Range outside the file")
    return start, stop
