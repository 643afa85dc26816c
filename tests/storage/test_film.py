"""Probing films: format, duration, faults, and the cost limits."""

from __future__ import annotations

import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from storage.film import ProbeResult, probe_film
from tests.films import make_big_film, make_film
from tests.storage.test_sandbox import children_of, sandboxes


def film_in(
    path: Path, codec: str | None, container: str, seconds: int = 4, sound_s: int = 0, sound: str = "aac"
) -> Path:
    """A film, or only its sound, in any container that FFmpeg can write."""
    with av.open(str(path), "w", format=container) as out:
        if codec:
            options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
            video: Any = out.add_stream(codec, rate=15, options=options)
            video.width, video.height, video.pix_fmt = 176, 144, "yuv420p"
        if sound_s:
            audio: Any = out.add_stream(sound, rate=48000, layout="mono")
        for number in range(seconds * 15 if codec else 0):
            frame = av.VideoFrame(176, 144, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number % 256]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 15)
            out.mux(video.encode(frame))
        for number in range(sound_s * 50):
            piece = av.AudioFrame("fltp", "mono", 960)
            piece.planes[0].update(bytes(piece.planes[0].buffer_size))
            piece.sample_rate, piece.pts, piece.time_base = 48000, number * 960, Fraction(1, 48000)
            out.mux(audio.encode(piece))
        for stream in out.streams:
            out.mux(stream.encode(None))  # type: ignore[attr-defined]
    return path


def written(tmp_path: Path, content: bytes, name: str = "film.mp4") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


# --- films ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("faststart", [True, False])
def test_a_whole_film_is_described(tmp_path: Path, faststart: bool) -> None:
    make_film(tmp_path / "film.mp4", seconds=12, faststart=faststart)
    assert probe_film(tmp_path / "film.mp4") == ProbeResult(12.0, "mp4", "h264", 320, 240, None)


def test_the_name_of_the_file_does_not_matter(tmp_path: Path) -> None:
    path = written(tmp_path, make_film(seconds=2), "罐区 1:夜巡?.txt\udcff")
    assert probe_film(path).fault is None


@pytest.mark.parametrize(
    ("codec", "container", "expected"),
    [
        ("libx265", "mov", ("mov", "hevc")),
        ("libx264", "3gp", ("3gp", "h264")),
        ("libvpx", "webm", ("matroska", "vp8")),
        ("libvpx-vp9", "webm", ("matroska", "vp9")),
        ("libx264", "matroska", ("matroska", "h264")),
        ("mpeg4", "avi", ("avi", "mpeg4")),
        ("libx264", "mpegts", ("mpegts", "h264")),
        ("libx264", "flv", ("flv", "h264")),
    ],
)
def test_other_kinds_of_film_are_films(tmp_path: Path, codec: str, container: str, expected: tuple[str, str]) -> None:
    film = probe_film(film_in(tmp_path / "film", codec, container))
    assert (film.container, film.codec, film.fault) == (*expected, None)
    assert film.duration_s == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
@pytest.mark.parametrize("sound_s", [2, 12])
def test_sound_may_be_shorter_or_longer_than_the_pictures(tmp_path: Path, container: str, sound_s: int) -> None:
    film = probe_film(film_in(tmp_path / "film", "libx264", container, seconds=4, sound_s=sound_s))
    assert film.fault is None
    assert film.duration_s == pytest.approx(4.0, abs=0.1)


def test_a_fragmented_mp4_is_a_film(tmp_path: Path) -> None:
    whole = film_in(tmp_path / "whole.mp4", "libx264", "mp4")
    options = {"movflags": "frag_keyframe+empty_moov"}
    with av.open(str(whole)) as source, av.open(str(tmp_path / "parts.mp4"), "w", options=options) as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    film = probe_film(tmp_path / "parts.mp4")
    assert film.fault is None
    assert film.duration_s == pytest.approx(4.0, abs=0.1)


def test_the_duration_of_a_film_trimmed_on_the_phone_is_that_of_the_shown_part(tmp_path: Path) -> None:
    # Phones keep all pictures and note in the edit list ("elst") how much of them to show: here 5 of 12 seconds.
    film = bytearray(film_in(tmp_path / "film.mp4", "libx264", "mp4", seconds=12).read_bytes())
    at = film.index(b"elst") + 12
    struct.pack_into(">I", film, at, 5000)
    found = probe_film(written(tmp_path, bytes(film)))
    assert found.fault is None
    assert found.duration_s == pytest.approx(5.0, abs=0.3)


# --- no films -------------------------------------------------------------------------------------------------------


def test_an_empty_file_is_no_film(tmp_path: Path) -> None:
    assert probe_film(written(tmp_path, b"")) == ProbeResult(fault="empty")


def picture(tmp_path: Path, codec: str, pixels: str, container: str) -> bytes:
    path = tmp_path / "still"
    with av.open(str(path), "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        out.mux(stream.encode(av.VideoFrame(64, 64, pixels)))
        out.mux(stream.encode(None))
    return path.read_bytes()


def zipped(tmp_path: Path) -> bytes:
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("film.mp4", make_film(seconds=2))
    return (tmp_path / "some.zip").read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        lambda folder: picture(folder, "mjpeg", "yuvj420p", "mjpeg"),
        lambda folder: picture(folder, "png", "rgb24", "image2pipe"),
        lambda folder: picture(folder, "gif", "rgb8", "gif"),
        lambda folder: picture(folder, "libsvtav1", "yuv420p", "avif"),
        lambda folder: picture(folder, "libwebp", "yuv420p", "webp"),
        zipped,
        lambda _: b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n" * 100,
        lambda _: "值班室你好,今晚一切正常。\n".encode() * 500,
        lambda _: b"<!DOCTYPE html><html><body>404 not found</body></html>",
        lambda _: b'{"errcode": 40007, "errmsg": "invalid media_id"}',
        lambda _: b"\0" * 100_000,
        lambda _: bytes(range(256)) * 1000,
        lambda _: b"x",
    ],
    ids=["jpeg", "png", "gif", "avif", "webp", "zip", "pdf", "text", "html", "json", "zeros", "noise", "one byte"],
)
def test_another_file_type_with_the_name_of_a_film_is_no_film(tmp_path: Path, content: Callable[[Path], bytes]) -> None:
    assert probe_film(written(tmp_path, content(tmp_path))) == ProbeResult(fault="not_a_film")


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:12\n#EXTINF:12,\nfile://{film}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {film}\n",
        "<MPD><Period><AdaptationSet><Representation><BaseURL>{film}</BaseURL></Representation></AdaptationSet>"
        "</Period></MPD>",
    ],
    ids=["hls", "concat", "dash"],
)
def test_a_playlist_does_not_lead_to_other_files(tmp_path: Path, playlist: str) -> None:
    make_film(tmp_path / "secret.mp4")
    content = playlist.format(film=tmp_path / "secret.mp4").encode()
    assert probe_film(written(tmp_path, content, "list.m3u8")) == ProbeResult(fault="not_a_film")


@pytest.mark.parametrize(
    ("container", "sound"), [("ipod", "aac"), ("mp3", "libmp3lame"), ("ogg", "libopus"), ("adts", "aac")]
)
def test_a_file_with_only_sound_has_no_picture(tmp_path: Path, container: str, sound: str) -> None:
    path = film_in(tmp_path / "film.mp4", None, container, sound_s=5, sound=sound)
    assert probe_film(path).fault == "no_picture"


# --- broken films ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.003, 0.2, 0.5, 0.8, 0.9, 0.99])
@pytest.mark.parametrize("faststart", [True, False])
def test_an_incomplete_film_is_truncated(tmp_path: Path, faststart: bool, share: float) -> None:
    whole = make_film(seconds=12, faststart=faststart)
    assert probe_film(written(tmp_path, whole[: int(len(whole) * share)])).fault == "truncated"


@pytest.mark.parametrize(("codec", "container"), [("libx264", "matroska"), ("mpeg4", "avi"), ("libx264", "flv")])
def test_incomplete_films_of_other_formats_are_truncated(tmp_path: Path, codec: str, container: str) -> None:
    whole = film_in(tmp_path / "whole", codec, container, seconds=12).read_bytes()
    assert probe_film(written(tmp_path, whole[: len(whole) // 2])).fault == "truncated"


def test_the_duration_of_a_truncated_film_is_that_of_its_packets(tmp_path: Path) -> None:
    make_big_film(tmp_path / "whole.mp4", 2, seconds=60)
    half = (tmp_path / "whole.mp4").read_bytes()[:1_000_000]
    film = probe_film(written(tmp_path, half))
    assert film.fault == "truncated"
    assert film.duration_s == pytest.approx(30, abs=1)


def test_pictures_that_cannot_be_decoded_are_unreadable(tmp_path: Path) -> None:
    film = bytearray(make_film(seconds=5))
    start, end = film.index(b"mdat") + 4, film.index(b"moov") - 4
    film[start:end] = bytes(end - start)
    assert probe_film(written(tmp_path, bytes(film))).fault == "unreadable"


def test_a_film_with_a_corrupt_index_is_unreadable(tmp_path: Path) -> None:
    film = bytearray(make_film(seconds=5))
    at = film.index(b"moov") + 4
    film[at:] = b"\xa5" * (len(film) - at)
    assert probe_film(written(tmp_path, bytes(film))).fault == "unreadable"


# --- forged lengths -------------------------------------------------------------------------------------------------


def with_time_scale(film: bytes, box: bytes, scale: int) -> bytes:
    """The same film with another number of ticks a second, of the film ("mvhd") or of its pictures ("mdhd")."""
    forged = bytearray(film)
    struct.pack_into(">I", forged, film.index(box) + 16, scale)
    return bytes(forged)


@pytest.mark.parametrize("scale", [0, 1, 300])
def test_the_time_scale_does_not_make_a_film_longer(tmp_path: Path, scale: int) -> None:
    film = with_time_scale(make_film(seconds=2), b"mdhd", scale)
    assert (probe_film(written(tmp_path, film)).duration_s or 0) <= 2
    assert (probe_film(written(tmp_path, with_time_scale(film, b"mvhd", 0))).duration_s or 0) <= 2


def test_a_last_picture_long_after_the_others_does_not_make_a_film_longer(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "film.mp4"), "w") as out:
        stream: Any = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in [*range(20), 3000]:
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert probe_film(tmp_path / "film.mp4").duration_s == pytest.approx(4.0, abs=0.1)


# --- no harm --------------------------------------------------------------------------------------------------------


def test_a_film_that_takes_too_much_processor_time_is_unreadable(tmp_path: Path) -> None:
    make_big_film(tmp_path / "film.mp4", 20)
    assert probe_film(tmp_path / "film.mp4", cpu_s=0.001) == ProbeResult(fault="unreadable")


def big_picture(path: Path, side: int) -> Path:
    """A film of one picture of one colour: hardly any bytes, but `side` squared pixels."""
    with av.open(str(path), "w", format="mov") as out:
        stream: Any = out.add_stream("png", rate=10)
        stream.width, stream.height, stream.pix_fmt = side, side, "gray"
        out.mux(stream.encode(av.VideoFrame(side, side, "gray")))
        out.mux(stream.encode(None))
    return path


def test_pictures_of_more_than_40_megapixels_are_not_decoded(tmp_path: Path) -> None:
    assert probe_film(big_picture(tmp_path / "big.mov", 6300)).fault is None
    assert probe_film(big_picture(tmp_path / "too_big.mov", 6400)).fault == "unreadable"


def test_a_good_film_among_costly_ones_is_a_good_film(tmp_path: Path) -> None:
    big = big_picture(tmp_path / "big.mov", 3000)
    make_film(tmp_path / "good.mp4", seconds=2)
    with ThreadPoolExecutor(8) as pool:
        costly = [pool.submit(probe_film, big) for _ in range(6)]
        assert probe_film(tmp_path / "good.mp4").fault is None
        assert [each.result().fault for each in costly] == [None] * 6


@pytest.mark.slow
def test_two_films_are_probed_at_once(tmp_path: Path) -> None:
    big = big_picture(tmp_path / "big.mov", 3000)
    most = 0
    with ThreadPoolExecutor(6) as pool:
        probes = [pool.submit(probe_film, big) for _ in range(6)]
        while not all(each.done() for each in probes):
            most = max(most, sum(len(children_of(each)) for each in sandboxes()))
    assert 2 <= most < 6  # those that have just ended are still listed


@pytest.mark.slow
def test_a_busy_machine_does_not_make_a_film_unreadable(tmp_path: Path) -> None:
    make_big_film(tmp_path / "film.mp4", 20)
    crowd = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
    try:
        assert probe_film(tmp_path / "film.mp4", cpu_s=1.0).fault is None
    finally:
        for each in crowd:
            each.kill()
            each.wait()


def test_a_missing_file_raises_an_error_instead_of_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe_film(tmp_path / "film.mp4")


def test_eight_threads_probe_at_once(tmp_path: Path) -> None:
    films = [tmp_path / f"{seconds}.mp4" for seconds in range(1, 17)]
    for seconds, path in enumerate(films, 1):
        make_film(path, seconds=seconds, tag=path.name)
    with ThreadPoolExecutor(8) as pool:
        assert [film.duration_s for film in pool.map(probe_film, films * 3)] == [float(s) for s in range(1, 17)] * 3


# --- the maker of films ---------------------------------------------------------------------------------------------


def test_the_same_tag_makes_the_same_film_and_another_tag_another() -> None:
    assert make_film(tag="E001/1") == make_film(tag="E001/1")
    assert make_film(tag="E001/1") != make_film(tag="E001/2")


def test_a_big_film_has_exactly_the_size_asked_for(tmp_path: Path) -> None:
    make_big_film(tmp_path / "film.mp4", 3)
    assert (tmp_path / "film.mp4").stat().st_size == 3_000_000
    assert probe_film(tmp_path / "film.mp4") == ProbeResult(12.0, "mp4", "h264", 320, 240, None)
