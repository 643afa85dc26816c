"""Makes small playable films for the demo, for rehearsals and for tests."""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

MEGABYTE = 1_000_000
START_CODE, FILLER_UNIT, UNIT_END = b"\0\0\0\1", b"\x0c", b"\x80"


def make_film(
    path: Path | None = None,
    seconds: float = 12,
    size: tuple[int, int] = (320, 240),
    fps: int = 5,
    tag: str = "E001/1",
    faststart: bool = False,
) -> bytes:
    """A playable MP4 of `seconds` length, written to `path` if given; the same tag makes the same bytes."""
    film = _encode(seconds, size, fps, tag, faststart, filler=0)
    if path is not None:
        path.write_bytes(film)
    return film


def make_big_film(path: Path, megabytes: float, seconds: int = 12, tag: str = "E001/1") -> None:
    """Write a playable MP4 of exactly `megabytes` x 1 000 000 bytes, nearly all of them in the packets."""
    size, fps = int(megabytes * MEGABYTE), 5
    unfilled = len(_encode(seconds, (320, 240), fps, tag, True, filler=0))
    filler = max(0, size - unfilled) // (seconds * fps) - 64
    film = _encode(seconds, (320, 240), fps, tag, True, filler=max(0, filler))
    with path.open("wb") as file:
        file.write(film)
        _pad(file, size - len(film))


def _pad(file: io.BufferedWriter, count: int) -> None:
    if count < 8:
        raise ValueError("a film of this length does not fit into so few bytes")
    file.write(count.to_bytes(4, "big") + b"free" + bytes(count - 8))


def _encode(seconds: float, size: tuple[int, int], fps: int, tag: str, faststart: bool, filler: int) -> bytes:
    options = {"movflags": "faststart"} if faststart else {}
    # For faststart FFmpeg opens the file a second time to move the index to the front, so it needs a name.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w", format="mp4", options=options) as container:
            container.metadata["comment"] = tag
            stream = _stream(container, size, fps)
            for frame in [*_frames(round(seconds * fps), size, fps, tag), None]:
                container.mux([_with_filler(packet, filler) for packet in stream.encode(frame)])
        return path.read_bytes()


def _stream(container: Any, size: tuple[int, int], fps: int) -> Any:
    h264 = "libx264" in av.codecs_available
    options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "30"} if h264 else {}
    stream = container.add_stream("libx264" if h264 else "mpeg4", rate=fps, options=options)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.thread_count = 1
    return stream


def _frames(count: int, size: tuple[int, int], fps: int, tag: str) -> Iterator[av.VideoFrame]:
    """A chequered pattern whose brightness and colours come from the tag, with a moving light bar."""
    digest = hashlib.sha256(tag.encode()).digest()
    for number in range(count):
        frame = av.VideoFrame(*size, "yuv420p")
        luma, *chroma = frame.planes
        for plane, colour in zip(chroma, digest, strict=False):
            plane.update(bytes([64 + colour // 2]) * plane.buffer_size)
        luma.update(_luma(digest, luma.line_size, luma.height, number))
        frame.pts, frame.time_base = number, Fraction(1, fps)
        yield frame


def _luma(digest: bytes, width: int, height: int, number: int) -> bytes:
    cell = max(1, width // 8)
    rows = []
    for row in range(4):
        line = bytearray(b"".join(bytes([32 + shade // 2]) * cell for shade in digest[row * 8 : row * 8 + 8]))
        line = line.ljust(width, line[-1:])[:width]
        bar = number * 8 % width
        line[bar : bar + 8] = b"\xf0" * len(line[bar : bar + 8])
        rows.append(bytes(line))
    return b"".join(rows[y * 4 // height] for y in range(height))


def _with_filler(packet: Any, filler: int) -> Any:
    """The packet with a filler unit of this many bytes, which H.264 decoders discard."""
    if not filler or packet.stream.codec_context.name != "libx264":
        return packet
    filled = av.Packet(bytes(packet) + START_CODE + FILLER_UNIT + b"\xff" * filler + UNIT_END)
    filled.stream, filled.time_base = packet.stream, packet.time_base
    filled.pts, filled.dts, filled.duration = packet.pts, packet.dts, packet.duration
    filled.is_keyframe = packet.is_keyframe
    return filled
