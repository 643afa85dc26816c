"""Probing films, and the sandbox that protects the service from them."""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
import time
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

PATIENCE_S = 20.0


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
                plane.update(bytes([number]) * plane.buffer_size)
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


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.001)


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


# --- no harm --------------------------------------------------------------------------------------------------------


def test_a_film_that_takes_too_long_is_unreadable(tmp_path: Path) -> None:
    make_big_film(tmp_path / "film.mp4", 20)
    assert probe_film(tmp_path / "film.mp4", timeout_s=0.001) == ProbeResult(fault="unreadable")


def test_a_missing_file_raises_an_error_instead_of_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe_film(tmp_path / "film.mp4")


def test_eight_threads_probe_at_once(tmp_path: Path) -> None:
    films = [tmp_path / f"{seconds}.mp4" for seconds in range(1, 17)]
    for seconds, path in enumerate(films, 1):
        make_film(path, seconds=seconds, tag=path.name)
    with ThreadPoolExecutor(8) as pool:
        assert [film.duration_s for film in pool.map(probe_film, films * 3)] == [float(s) for s in range(1, 17)] * 3


def children_of(parent: int | str) -> list[int]:
    """Also of the threads of `parent`, since it is a thread that starts a process."""
    found = Path(f"/proc/{parent}/task").glob("*/children")
    with contextlib.suppress(OSError):
        return [int(child) for listing in found for child in listing.read_text().split()]
    return []


def sandboxes() -> list[int]:
    return [child for child in children_of("self") if b"storage.film.sandbox" in command_of(child)]


def command_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_killed_sandbox_is_replaced(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", seconds=2)
    probe_film(tmp_path / "film.mp4")
    [lost] = sandboxes()
    os.kill(lost, signal.SIGKILL)
    assert probe_film(tmp_path / "film.mp4").fault is None
    [helper] = sandboxes()
    assert helper != lost


@pytest.mark.parametrize(
    ("blow", "fault"), [(signal.SIGSEGV, "unreadable"), (signal.SIGABRT, "unreadable"), (signal.SIGKILL, None)]
)
def test_a_crash_is_a_fault_of_the_film_but_lack_of_memory_is_not(
    tmp_path: Path, blow: signal.Signals, fault: str | None
) -> None:
    make_big_film(tmp_path / "film.mp4", 60)
    make_film(tmp_path / "small.mp4", seconds=2)
    probe_film(tmp_path / "small.mp4")
    [helper] = sandboxes()

    def examiners() -> list[int]:
        return [examiner for guard in children_of(helper) for examiner in children_of(guard)]

    wait_until(lambda: not children_of(helper), "the children of the small film are still there")

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(probe_film, tmp_path / "film.mp4")
        wait_until(lambda: bool(examiners()), "no examiner was seen")
        os.kill(examiners()[0], blow)
        assert answer.result().fault == fault


PROGRAM = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from storage.film import probe_film

print("main", flush=True)
with ThreadPoolExecutor(4) as pool:
    print({film.fault for film in pool.map(probe_film, [Path(sys.argv[1])] * 8)}, "av" in sys.modules, flush=True)
if (copy := os.fork()) == 0:
    assert probe_film(Path(sys.argv[1])).fault is None
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 7
print(*Path(f"/proc/self/task/{os.getpid()}/children").read_text().split(), flush=True)
if len(sys.argv) > 2:
    sys.stdin.read()
"""


def start_program(tmp_path: Path, *more: str) -> subprocess.Popen[str]:
    """A script without a guard around its main part, in another directory, with warnings as errors."""
    make_film(tmp_path / "film.mp4", seconds=2)
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-W", "error", "-W", "ignore:.*fork:DeprecationWarning", "program.py", "film.mp4", *more]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def is_gone(process: int) -> bool:
    return b"storage.film.sandbox" not in command_of(process)


def test_a_program_ends_silently_and_leaves_no_process(tmp_path: Path) -> None:
    with start_program(tmp_path) as program:
        out, err = program.communicate(timeout=PATIENCE_S)
    main, answers, helper = out.splitlines()
    assert (main, answers, err, program.returncode) == ("main", "{None} False", "", 0)
    assert is_gone(int(helper))


def test_the_sandbox_ends_with_a_killed_program(tmp_path: Path) -> None:
    with start_program(tmp_path, "stay") as program:
        assert program.stdout is not None
        helper = int([program.stdout.readline() for _ in range(3)][-1])
        assert not is_gone(helper)
        program.kill()
    wait_until(lambda: is_gone(helper), "the helper has outlived its service")


def test_the_sandbox_ignores_signals_for_the_service(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", seconds=2)
    probe_film(tmp_path / "film.mp4")
    [helper] = sandboxes()
    for polite in (signal.SIGTERM, signal.SIGINT):
        os.kill(helper, polite)
    assert probe_film(tmp_path / "film.mp4").fault is None
    assert sandboxes() == [helper]


# --- the maker of films ---------------------------------------------------------------------------------------------


def test_the_same_tag_makes_the_same_film_and_another_tag_another() -> None:
    assert make_film(tag="E001/1") == make_film(tag="E001/1")
    assert make_film(tag="E001/1") != make_film(tag="E001/2")


def test_a_big_film_has_exactly_the_size_asked_for(tmp_path: Path) -> None:
    make_big_film(tmp_path / "film.mp4", 3)
    assert (tmp_path / "film.mp4").stat().st_size == 3_000_000
    assert probe_film(tmp_path / "film.mp4") == ProbeResult(12.0, "mp4", "h264", 320, 240, None)
