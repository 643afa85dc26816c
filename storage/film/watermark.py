"""A copy of a film that bears a name in every picture. Runs only in the examiner's process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
from av.filter import Graph
from PIL import Image, ImageDraw, ImageFont

from storage.film.pictures import FONT
from storage.film.probe import FFMPEG_OPTIONS, video_streams

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MAX_SIDE_PX = 1280
_SOUND_AS_IT_IS = {"aac", "mp3"}
_TURNED = {90: "transpose=cclock", -90: "transpose=clock", 180: "hflip,vflip", -180: "hflip,vflip"}
_FAINT, _SHADE = (255, 255, 255, 96), (0, 0, 0, 80)


def write_watermarked(path: str, target: str, text: str) -> dict[str, Any]:
    """Encodes a film anew with the words all over each of its pictures, so that no crop is without them."""
    with (
        av.open(path, options=FFMPEG_OPTIONS) as source,
        av.open(target, "w", format="mp4", options={"movflags": "faststart"}) as copy,
    ):
        stream = video_streams(source)[0]
        stream.thread_count = 1
        _copy(source, stream, copy, text)
    return {"fault": None}


def _copy(source: InputContainer, stream: VideoStream, copy: OutputContainer, words: str) -> None:
    sound = next((each for each in source.streams.audio if each.codec_context.name in _SOUND_AS_IT_IS), None)
    sound_copy = copy.add_stream_from_template(sound) if sound else None
    press: _Press | None = None
    early: list[Any] = []  # sound from before the first picture: nothing may be written until all streams are there
    for packet in source.demux([each for each in (stream, sound) if each]):
        if packet.stream is stream:
            for frame in _decoded(packet):
                press = press or _Press(stream, frame, copy, words)
                press.take(frame)
        elif packet.dts is not None:
            heard: Any = packet
            heard.stream = sound_copy
            early.append(heard)
        if press is not None:
            copy.mux(early)
            early.clear()
    if press is None:
        raise ValueError("no picture")
    press.end()


def _decoded(packet: Any) -> list[VideoFrame]:
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return []


class _Press:
    """Turns pictures upright, scales them down, lays the words over them and encodes them."""

    def __init__(self, stream: VideoStream, first: VideoFrame, copy: OutputContainer, words: str) -> None:
        self._copy, self._graph = copy, Graph()
        width, height, chain = _shape(first)
        source = self._graph.add_buffer(template=stream)
        scaled = self._graph.add("scale", f"{width}:{height}")
        laid = self._graph.add("overlay", "eof_action=repeat")
        even, sink = self._graph.add("format", "yuv420p"), self._graph.add("buffersink")
        sheet = self._graph.add_buffer(
            width=width, height=height, format=av.VideoFormat("rgba"), time_base=stream.time_base
        )
        last = source
        for name, _, options in (each.partition("=") for each in chain):
            turned = self._graph.add(name, options or None)
            last.link_to(turned)
            last = turned
        last.link_to(scaled)
        scaled.link_to(laid, 0, 0)
        sheet.link_to(laid, 0, 1)
        laid.link_to(even)
        even.link_to(sink)
        self._graph.configure()
        self._source, self._sink = source, sink
        transparent = _as_frame(_sheet(width, height, words))
        transparent.pts, transparent.time_base = 0, stream.time_base
        sheet.push(transparent)
        sheet.push(None)
        self._out = _encoder(copy, stream, width, height)

    def take(self, frame: VideoFrame) -> None:
        """One picture through the press."""
        self._source.push(frame)
        self._drain()

    def end(self) -> None:
        """What is still inside comes out."""
        self._source.push(None)
        self._drain()
        self._copy.mux(self._out.encode(None))

    def _drain(self) -> None:
        while True:
            try:
                frame: Any = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            frame.pict_type = 0
            self._copy.mux(self._out.encode(frame))


def _as_frame(sheet: Image.Image) -> VideoFrame:
    """With its transparency, which PyAV's own way from a picture would drop."""
    frame = av.VideoFrame(sheet.width, sheet.height, "rgba")
    [plane], row = frame.planes, 4 * sheet.width
    pixels, gap = sheet.tobytes(), bytes(plane.line_size - row)
    plane.update(b"".join(pixels[y * row : (y + 1) * row] + gap for y in range(sheet.height)))
    return frame


def _shape(frame: VideoFrame) -> tuple[int, int, list[str]]:
    """Width and height of the copy, even and upright, and what turns the pictures that way."""
    turn = round(frame.rotation / 90) * 90
    width, height = (frame.height, frame.width) if turn in (90, -90) else (frame.width, frame.height)
    by = min(1.0, MAX_SIDE_PX / max(width, height))
    chain = _TURNED[turn].split(",") if turn in _TURNED else []
    return max(2, int(width * by) // 2 * 2), max(2, int(height * by) // 2 * 2), chain


def _encoder(copy: OutputContainer, stream: VideoStream, width: int, height: int) -> Any:
    h264 = "libx264" in av.codecs_available
    options = {"preset": "veryfast", "crf": "27"} if h264 else {}
    out: Any = copy.add_stream("libx264" if h264 else "mpeg4", rate=stream.average_rate or 25, options=options)
    out.width, out.height, out.pix_fmt, out.thread_count = width, height, "yuv420p", 1
    out.time_base = out.codec_context.time_base = stream.time_base
    return out


def _sheet(width: int, height: int, words: str) -> Image.Image:
    """The words in rows over the whole picture, faint and slanting."""
    size = max(14, min(width, height) // 16)
    font = ImageFont.truetype(FONT, size)
    side = int((width**2 + height**2) ** 0.5) + size
    sheet = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(sheet)
    step_x, step_y = int(font.getlength(words)) + 3 * size, 4 * size
    for row, y in enumerate(range(0, side, step_y)):
        for x in range(-(row % 2) * step_x // 2, side, step_x):
            draw.text((x, y), words, fill=_FAINT, font=font, stroke_width=1, stroke_fill=_SHADE)
    left, top = (side - width) // 2, (side - height) // 2
    return sheet.rotate(20).crop((left, top, left + width, top + height))
