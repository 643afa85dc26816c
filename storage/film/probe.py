"""Codec, size and faults of a file. Runs only in the sandbox."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

import av
from av.stream import Disposition

from storage.film import ProbeResult
from storage.film.duration import PictureTimes

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

# Without a whitelist FFmpeg would also open playlists, which refer to other files and to the network.
FORMATS = "mov,matroska,avi,flv,asf,mpegts,mpeg,ogg,wav,amr,flac,mp3,aac"
FORMATS_WITHOUT_DURATION = {"mpegts", "mpeg"}  # no duration in the file; FFmpeg estimates it
MAX_PIXELS = 40_000_000  # of one picture; 8K has 33 million
FFMPEG_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"uuid"}
OTHER_VIDEO_SIGNATURES = (b"\x1aE\xdf\xa3", b"FLV\x01", b"0&\xb2u")  # Matroska, Flash, Windows Media
STILL_IMAGE_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif", b"crx "}
MAX_PACKETS_TO_FIRST_FRAME = 300
TOLERANCE_S, TOLERANCE_SHARE = 1.0, 0.05


def probe_file(path: str) -> ProbeResult:
    """Demux the whole file and decode one picture. Raises OSError if the file cannot be opened."""
    with open(path, "rb") as file:
        head = file.read(12)
        truncated = _is_truncated(file, head)
    if head[4:8] == b"ftyp" and head[8:12] in STILL_IMAGE_BRANDS:
        return ProbeResult(fault="not_a_film")
    try:
        with av.open(path, options=FFMPEG_OPTIONS) as container:
            film = _survey(container)
    except (av.error.FFmpegError, ValueError, MemoryError):
        film = ProbeResult(fault="unreadable" if _looks_like_film(head) else "not_a_film")
    return replace(film, fault="truncated") if truncated else film


def _looks_like_film(head: bytes) -> bool:
    return head[4:8] in MP4_BOXES or head.startswith(OTHER_VIDEO_SIGNATURES) or _is_avi(head)


def _is_avi(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def _is_truncated(file: BinaryIO, head: bytes) -> bool:
    """Whether an MP4 or MOV has no index, or one of its boxes, or an AVI, is shorter than declared."""
    if _is_avi(head):
        return int.from_bytes(head[4:8], "little") + 8 > os.fstat(file.fileno()).st_size
    end, position, kinds = os.fstat(file.fileno()).st_size, 0, set[bytes]()
    while position < end:
        file.seek(position)
        size, kind = _box(file.read(16), end - position)
        if kind not in MP4_BOXES and not kinds:
            return False
        kinds.add(kind)
        if size < 8:
            break
        position += size
        if position > end and kind in (b"mdat", b"moov", b"moof", b"ftyp"):
            return True
    return b"moov" not in kinds


def _box(head: bytes, rest: int) -> tuple[int, bytes]:
    """Size in bytes and type of the box that begins with `head`; size 0 in the file means `rest`."""
    size = int.from_bytes(head[:4], "big")
    if size == 1:
        size = int.from_bytes(head[8:16], "big")
    return size or rest, head[4:8]


def _survey(container: InputContainer) -> ProbeResult:
    videos = video_streams(container)
    film = ProbeResult(container=_container_name(container))
    if not videos:
        return replace(film, fault="no_picture" if container.streams else "unreadable")
    stats = _PacketStats(container, videos[0])
    for packet in container.demux():
        stats.add(packet)
    film = replace(
        film, codec=stats.codec, width=stats.width, height=stats.height, duration_s=stats.pictures.length_s()
    )
    if container.duration and not FORMATS_WITHOUT_DURATION & set(container.format.name.split(",")):
        declared_s = container.duration / av.time_base
        # Sound counts too: the declared duration is that of the longest stream.
        if (stats.everything.length_s() or 0) < declared_s - max(TOLERANCE_S, TOLERANCE_SHARE * declared_s):
            return replace(film, fault="truncated")
    return film if stats.width else replace(film, fault="unreadable")


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Without cover art, which containers hold as a video stream; each decodes in this thread, and no huge pictures.

    Raises ValueError for pictures of more than MAX_PIXELS.
    """
    streams = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    for stream in streams:
        if stream.codec_context:
            stream.thread_count = 1
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise ValueError("pictures too large")
    return streams


def _container_name(container: InputContainer) -> str:
    name = container.format.name.split(",")[0]
    brand = container.metadata.get("major_brand", "qt  ")
    if name != "mov" or brand == "qt  ":
        return name
    return "3gp" if brand.startswith("3g") else "mp4"


class _Span:
    """The seconds from the earliest start to the latest end of packets."""

    def __init__(self) -> None:
        self._begin, self._end = math.inf, -math.inf

    def add(self, begin: float, length: float) -> None:
        self._begin, self._end = min(self._begin, begin), max(self._end, begin + length)

    def length_s(self) -> float | None:
        return round(self._end - self._begin, 2) if self._end >= self._begin else None


class _PacketStats:
    """Collected while demuxing: the time spans, and the picture size from the first decoded frame."""

    def __init__(self, container: InputContainer, video: VideoStream) -> None:
        self._video = video
        # Floats, computed once per stream: arithmetic with fractions would take longer than the demuxing.
        self._tick_s = {stream.index: float(stream.time_base or 0) for stream in container.streams}
        self._frame_length_s = float(1 / video.average_rate) if video.average_rate else 0.0
        self.pictures, self.everything = PictureTimes(), _Span()
        self._decode_attempts = 0
        self.codec = video.codec_context.codec.canonical_name if video.codec_context else None
        self.width: int | None = None
        self.height: int | None = None

    def add(self, packet: Packet[Any]) -> None:
        is_picture = packet.stream is self._video
        if is_picture and self.codec and self.width is None:
            self._decode(packet)
        timestamp = packet.pts if packet.pts is not None else packet.dts
        if timestamp is None or packet.is_discard:
            return
        tick_s = self._tick_s.get(packet.stream_index, 0.0)
        begin, length = timestamp * tick_s, (packet.duration or 0) * tick_s
        self.everything.add(begin, length)
        if is_picture:
            self.pictures.add(begin, length or self._frame_length_s)

    def _decode(self, packet: Packet[Any]) -> None:
        self._decode_attempts += 1
        if self._decode_attempts > MAX_PACKETS_TO_FIRST_FRAME:
            return
        try:
            for frame in self._video.decode(packet):
                self.width, self.height = frame.width, frame.height
        except av.error.FFmpegError:
            return  # a film may start between key frames; the next key frame can be decoded
