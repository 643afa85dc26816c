"""A copy of a film with a text in every picture. Runs only in the sandbox."""

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
_COPIED_AUDIO_CODECS = {"aac", "mp3"}
_ROTATION_FILTERS = {90: "transpose=cclock", -90: "transpose=clock", 180: "hflip,vflip", -180: "hflip,vflip"}
_TEXT_COLOUR, _OUTLINE_COLOUR = (255, 255, 255, 96), (0, 0, 0, 80)


def write_watermarked(path: str, target: str, text: str) -> dict[str, Any]:
    """Re-encode a film with `text` repeated over each picture, so that no crop is without it."""
    with (
        av.open(path, options=FFMPEG_OPTIONS) as source,
        av.open(target, "w", format="mp4", options={"movflags": "faststart"}) as copy,
    ):
        stream = video_streams(source)[0]
        _copy(source, stream, copy, text)
    return {"fault": None}


def _copy(source: InputContainer, stream: VideoStream, copy: OutputContainer, text: str) -> None:
    audio = next((each for each in source.streams.audio if each.codec_context.name in _COPIED_AUDIO_CODECS), None)
    audio_copy = copy.add_stream_from_template(audio) if audio else None
    encoder: _WatermarkEncoder | None = None
    pending: list[Any] = []  # audio before the first picture: nothing can be muxed until all streams exist
    for packet in source.demux([each for each in (stream, audio) if each]):
        if packet.stream is stream:
            for frame in _decoded(packet):
                encoder = encoder or _WatermarkEncoder(stream, frame, copy, text)
                encoder.add(frame)
        elif packet.dts is not None:
            audio_packet: Any = packet
            audio_packet.stream = audio_copy
            pending.append(audio_packet)
        if encoder is not None:
            copy.mux(pending)
            pending.clear()
    if encoder is None:
        raise ValueError("no picture")
    encoder.finish()


def _decoded(packet: Any) -> list[VideoFrame]:
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return []


class _WatermarkEncoder:
    """Rotates and scales pictures, overlays the text and encodes them."""

    def __init__(self, stream: VideoStream, first: VideoFrame, copy: OutputContainer, text: str) -> None:
        self._copy, self._graph = copy, Graph()
        self._graph.threads = 1
        width, height, rotation_filters = _output_shape(first)
        source = self._graph.add_buffer(template=stream)
        scaled = self._graph.add("scale", f"{width}:{height}")
        overlaid = self._graph.add("overlay", "eof_action=repeat")
        converted, sink = self._graph.add("format", "yuv420p"), self._graph.add("buffersink")
        watermark = self._graph.add_buffer(
            width=width, height=height, format=av.VideoFormat("rgba"), time_base=stream.time_base
        )
        last = source
        for name, _, options in (each.partition("=") for each in rotation_filters):
            rotated = self._graph.add(name, options or None)
            last.link_to(rotated)
            last = rotated
        last.link_to(scaled)
        scaled.link_to(overlaid, 0, 0)
        watermark.link_to(overlaid, 0, 1)
        overlaid.link_to(converted)
        converted.link_to(sink)
        self._graph.configure()
        self._source, self._sink = source, sink
        transparent = _to_frame(_draw_watermark(width, height, text))
        transparent.pts, transparent.time_base = 0, stream.time_base
        watermark.push(transparent)
        watermark.push(None)
        self._out = _encoder(copy, stream, width, height)

    def add(self, frame: VideoFrame) -> None:
        self._source.push(frame)
        self._drain()

    def finish(self) -> None:
        """Flush the filters and the encoder."""
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


def _to_frame(sheet: Image.Image) -> VideoFrame:
    """Keeps the alpha channel, which VideoFrame.from_image drops."""
    frame = av.VideoFrame(sheet.width, sheet.height, "rgba")
    [plane], row = frame.planes, 4 * sheet.width
    pixels, gap = sheet.tobytes(), bytes(plane.line_size - row)
    plane.update(b"".join(pixels[y * row : (y + 1) * row] + gap for y in range(sheet.height)))
    return frame


def _output_shape(frame: VideoFrame) -> tuple[int, int, list[str]]:
    """Width and height after rotation, both even, and the filters that rotate."""
    rotation = round(frame.rotation / 90) * 90
    width, height = (frame.height, frame.width) if rotation in (90, -90) else (frame.width, frame.height)
    scale = min(1.0, MAX_SIDE_PX / max(width, height))
    filters = _ROTATION_FILTERS[rotation].split(",") if rotation in _ROTATION_FILTERS else []
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2), filters


def _encoder(copy: OutputContainer, stream: VideoStream, width: int, height: int) -> Any:
    h264 = "libx264" in av.codecs_available
    options = {"preset": "veryfast", "crf": "27"} if h264 else {}
    out: Any = copy.add_stream("libx264" if h264 else "mpeg4", rate=stream.average_rate or 25, options=options)
    out.width, out.height, out.pix_fmt, out.thread_count = width, height, "yuv420p", 1
    out.time_base = out.codec_context.time_base = stream.time_base
    return out


def _draw_watermark(width: int, height: int, text: str) -> Image.Image:
    """Rows of the text over the whole picture, translucent and slanting."""
    size = max(14, min(width, height) // 16)
    font = ImageFont.truetype(FONT, size)
    side = int((width**2 + height**2) ** 0.5) + size
    sheet = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(sheet)
    step_x, step_y = int(font.getlength(text)) + 3 * size, 4 * size
    for row, y in enumerate(range(0, side, step_y)):
        for x in range(-(row % 2) * step_x // 2, side, step_x):
            draw.text((x, y), text, fill=_TEXT_COLOUR, font=font, stroke_width=1, stroke_fill=_OUTLINE_COLOUR)
    left, top = (side - width) // 2, (side - height) // 2
    return sheet.rotate(20).crop((left, top, left + width, top + height))
