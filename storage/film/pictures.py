"""Thumbnails, contact sheets and still frames of a film. Runs only in the sandbox."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import av
from PIL import Image, ImageDraw, ImageFont

from storage.film.probe import FFMPEG_OPTIONS, video_streams
from storage.fonts import CHINESE_FONT

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

FONT = str(CHINESE_FONT)
THUMB_SIDE, STILL_SIDE, TILE_SIDE = 320, 1280, 320  # of the square that a picture fits into
SHEET_COLUMNS, SHEET_ROWS = 4, 3
JPEG_QUALITY = 82
_TEXT_COLOUR, _OUTLINE_COLOUR = (255, 255, 255), (0, 0, 0)


def draw_thumbnail(path: str, target: str) -> dict[str, Any]:
    """The frame after a third of the film: the first seconds often show the ground."""
    with _opened(path) as (container, stream):
        return _save(next(_pictures(container, stream, [_length_s(container) / 3], THUMB_SIDE))[1], target)


def draw_still(path: str, target: str, at_s: float) -> dict[str, Any]:
    with _opened(path) as (container, stream):
        return _save(next(_pictures(container, stream, [at_s], STILL_SIDE))[1], target)


def draw_contact_sheet(path: str, target: str) -> dict[str, Any]:
    """Twelve frames at equal distances, each with its time."""
    with _opened(path) as (container, stream):
        length, count = _length_s(container), SHEET_COLUMNS * SHEET_ROWS
        times = [length * (number + 0.5) / count for number in range(count)]
        tiles = list(_pictures(container, stream, times, TILE_SIDE))
    width, height = tiles[0][1].size
    sheet = Image.new("RGB", (SHEET_COLUMNS * width, SHEET_ROWS * height))
    draw, font = ImageDraw.Draw(sheet), ImageFont.truetype(FONT, 18)
    for number, (at_s, tile) in enumerate(tiles):
        x, y = number % SHEET_COLUMNS * width, number // SHEET_COLUMNS * height
        sheet.paste(tile, (x, y))
        label = f"{int(at_s) // 60}:{int(at_s) % 60:02d}"
        draw.text((x + 8, y + 4), label, fill=_TEXT_COLOUR, font=font, stroke_width=2, stroke_fill=_OUTLINE_COLOUR)
    return _save(sheet, target)


@contextmanager
def _opened(path: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    with av.open(path, options=FFMPEG_OPTIONS) as container:
        stream = video_streams(container)[0]
        yield container, stream


def _length_s(container: InputContainer) -> float:
    return (container.duration or 0) / av.time_base


def _pictures(
    container: InputContainer, stream: VideoStream, times: Sequence[float], side: int
) -> Iterator[tuple[float, Image.Image]]:
    """The frame at each of these ascending instants in seconds; past the end, the last frame."""
    keys, last = _key_times(container, stream), None
    frames, reached = _from(container, stream, 0.0), 0.0
    for at_s in times:
        key = keys[max(0, bisect.bisect_right(keys, at_s) - 1)]
        if last is None or key > reached:
            frames = _from(container, stream, key)
        while last is None or reached < at_s:
            frame = next(frames, None)
            if frame is None:
                break
            last, reached = frame, frame.time or 0.0
        if last is None:
            raise ValueError("no picture")
        yield at_s, _upright(last, side)


def _key_times(container: InputContainer, stream: VideoStream) -> list[float]:
    """The instants of the key frames. Read from the packets, because not every container has an index."""
    tick = float(stream.time_base or 0)
    times = sorted(packet.pts * tick for packet in container.demux(stream) if packet.is_keyframe and packet.pts)
    return [0.0, *times]


def _from(container: InputContainer, stream: VideoStream, key_s: float) -> Iterator[VideoFrame]:
    container.seek(int(key_s * av.time_base))
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue  # players skip damaged frames too


def _upright(frame: VideoFrame, side: int) -> Image.Image:
    """Shrink to fit a square, never enlarge, and apply the rotation: phones store it as metadata for the player."""
    scale = min(1.0, side / max(frame.width, frame.height))
    size = {"width": max(1, round(frame.width * scale)), "height": max(1, round(frame.height * scale))}
    picture: Image.Image = frame.to_image(**size, interpolation="AREA", threads=1)  # type: ignore[no-untyped-call]
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def _save(picture: Image.Image, target: str) -> dict[str, Any]:
    picture.save(target, "JPEG", quality=JPEG_QUALITY)
    return {"fault": None}
