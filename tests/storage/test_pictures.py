"""Pictures of films and watermarked copies: rotated, within the time limit, from damaged films."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from bot.media.film_images import FilmImages, FilmImagesBusy
from storage.disk_reserve import DiskReserve
from storage.film import PictureError, extract_picture, picture_key, write_watermarked_copy
from storage.objects import open_object_store
from tests.bot.parts import until
from tests.films import make_film
from tests.holding_store import HoldingStore
from tests.storage.test_film import film_in

# What a phone writes into its film when it was held upright: turn by a quarter, clockwise.
QUARTER = b"".join(each.to_bytes(4, "big", signed=True) for each in (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30))


def half_bright(path: Path, seconds: int = 3, size: tuple[int, int] = (320, 240), keys: int = 250) -> Path:
    """A film whose upper half is white and whose lower half is black."""
    with av.open(str(path), "w", format="mp4") as out:
        stream: Any = out.add_stream("libx264", rate=10, options={"g": str(keys)})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(seconds * 10):
            frame = av.VideoFrame(*size, "yuv420p")
            luma, *chroma = frame.planes
            rows = luma.height
            luma.update(b"\xeb" * (luma.line_size * (rows // 2)) + b"\x10" * (luma.line_size * (rows - rows // 2)))
            for plane in chroma:
                plane.update(b"\x80" * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def turned(path: Path) -> Path:
    """The same film as from a phone that was held upright."""
    film = bytearray(path.read_bytes())
    matrix = film.index(b"tkhd") + 4 + 40
    film[matrix : matrix + 36] = QUARTER
    path.write_bytes(film)
    return path


def drawn(film: Path, kind: str, at_s: float | None = None) -> Image.Image:
    """A picture of a film."""
    target = film.with_suffix(".jpg")
    extract_picture(film, target, kind, at_s)
    return Image.open(io.BytesIO(target.read_bytes()))


def brightness(image: Image.Image, x: float, y: float) -> int:
    return int(image.convert("L").getpixel((int(image.width * x), int(image.height * y))))  # type: ignore[arg-type]


def test_a_thumbnail_is_small_and_a_contact_sheet_covers_the_whole_film(tmp_path: Path) -> None:
    film = half_bright(tmp_path / "film.mp4", size=(640, 480))
    assert drawn(film, "thumbnail").size == (320, 240)
    assert drawn(film, "still", 1.0).size == (640, 480)
    assert drawn(film, "contact_sheet").size == (4 * 320, 3 * 240)


def test_a_still_shows_the_requested_instant(tmp_path: Path) -> None:
    """The bar of light of these films wanders eight points with each picture."""
    film = tmp_path / "film.mp4"
    make_film(film, seconds=12, fps=5)
    bars = {}
    for at_s in (1.0, 6.0, 99.0):
        image = drawn(film, "still", at_s).convert("L")
        bars[at_s] = max(range(320), key=lambda x: image.getpixel((x, 100)))
    assert [abs(bars[at_s] - shown * 8 % 320) <= 8 for at_s, shown in ((1.0, 5), (6.0, 30), (99.0, 59))] == [True] * 3


@pytest.mark.parametrize("keys", [5, 250])
def test_the_rotation_of_a_film_is_applied_to_pictures(tmp_path: Path, keys: int) -> None:
    thumb = drawn(turned(half_bright(tmp_path / "film.mp4", keys=keys)), "thumbnail")
    assert thumb.size == (240, 320)
    assert (brightness(thumb, 0.9, 0.5) > 200, brightness(thumb, 0.1, 0.5) < 50) == (True, True)


def test_the_rotation_of_a_film_is_applied_to_its_watermarked_copy(tmp_path: Path) -> None:
    film, copy = turned(half_bright(tmp_path / "film.mp4")), tmp_path / "copy.mp4"
    write_watermarked_copy(film, copy, "李局 2026-11-25 10:30 1124-0001")
    with av.open(str(copy)) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.rotation) == (240, 320, 0)
        image = frame.to_image()
    assert (brightness(image, 0.95, 0.99) > 150, brightness(image, 0.05, 0.01) < 100) == (True, True)


def test_a_copy_keeps_its_sound_and_its_length(tmp_path: Path) -> None:
    film = film_in(tmp_path / "film.mp4", "libx264", "mp4", seconds=4, sound_s=4)
    write_watermarked_copy(film, tmp_path / "copy.mp4", "王科")
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert sorted(stream.type for stream in container.streams) == ["audio", "video"]
        assert abs((container.duration or 0) / av.time_base - 4) < 0.3


def test_the_watermark_covers_every_picture(tmp_path: Path) -> None:
    film, copy = half_bright(tmp_path / "film.mp4", size=(640, 480)), tmp_path / "copy.mp4"
    write_watermarked_copy(film, copy, "李局")
    with av.open(str(copy)) as container:
        for frame in container.decode(video=0):
            image = frame.to_image().convert("L")
            for quarter in range(4):
                left, top = quarter % 2 * 320, quarter // 2 * 240
                lowest, highest = image.crop((left + 8, top + 16, left + 312, top + 224)).getextrema()
                assert highest - lowest > 20, (frame.pts, quarter)


@pytest.mark.parametrize("content", [b"no film at all", b"\0\0\0\x18ftypmp42" + bytes(400)])
def test_a_file_that_is_no_film_gives_no_picture(tmp_path: Path, content: bytes) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(content)
    for kind in ("thumbnail", "contact_sheet"):
        with pytest.raises(PictureError):
            extract_picture(film, tmp_path / "picture.jpg", kind)
    with pytest.raises(PictureError):
        write_watermarked_copy(film, tmp_path / "copy.mp4", "李局")


@pytest.mark.slow
def test_a_copy_that_takes_too_much_processor_time_is_aborted(tmp_path: Path) -> None:
    film = half_bright(tmp_path / "film.mp4", seconds=60, size=(1280, 720))
    with pytest.raises(PictureError):
        write_watermarked_copy(film, tmp_path / "copy.mp4", "李局", cpu_s=0.2)


def test_pictures_have_keys_of_their_own_and_the_film_is_unchanged(tmp_path: Path) -> None:
    objects = open_object_store(f"file:{tmp_path}/objects")
    film = make_film(seconds=3)
    with objects.spool() as spool:
        spool.write(film)
        objects.save(spool, "films/2026-11-24/1124-0001.mp4")
    pictures = FilmImages(objects, DiskReserve(objects, 0))
    key = pictures.ensure_image("films/2026-11-24/1124-0001.mp4", "still", 1.04)
    assert key == picture_key("films/2026-11-24/1124-0001.mp4", "still", 1.0)
    assert pictures.read_image(key).startswith(b"\xff\xd8")
    kept = sorted(str(path.relative_to(tmp_path / "objects")) for path in (tmp_path / "objects").rglob("*.*"))
    assert [each for each in kept if not each.startswith(".spool")] == ["films/2026-11-24/1124-0001.mp4", key]
    assert (tmp_path / "objects/films/2026-11-24/1124-0001.mp4").read_bytes() == film


def test_a_second_copy_is_refused_while_one_is_made(tmp_path: Path) -> None:
    """Waiting would hold a thread that other pages may need."""
    objects = HoldingStore(tmp_path)
    key = objects.store("films/2026-11-24/1124-0001.mp4", make_film(seconds=1))
    images = FilmImages(objects, DiskReserve(objects, 0))

    def copy_size() -> int:
        with images.watermarked_copy(key, "李局") as copy:
            return len(copy.read())

    objects.released.clear()
    with ThreadPoolExecutor(1) as executor:
        first = executor.submit(copy_size)
        try:
            until(lambda: objects.opened)
            with pytest.raises(FilmImagesBusy):
                copy_size()
        finally:
            objects.released.set()
        assert first.result(60) > 0
