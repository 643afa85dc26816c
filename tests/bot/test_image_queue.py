"""Images that pages request: drawn in the background, never twice at once, and not repeated right after a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from bot.media.film_images import FilmImages, FilmImagesBusy
from bot.media.image_queue import ImageQueue
from storage.disk_reserve import DiskReserve
from storage.film import PictureError
from tests.bot.parts import until
from tests.films import make_film
from tests.holding_store import HoldingStore

KEY = "films/2026-11-24/1124-0001.mp4"


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[HoldingStore]:
    """A store with one film."""
    objects = HoldingStore(tmp_path)
    objects.store(KEY, make_film(seconds=2))
    yield objects
    objects.released.set()


@pytest.fixture
def new_queue(objects: HoldingStore) -> Iterator[Callable[..., ImageQueue]]:
    """Makes queues for the films of the store, whose threads end with the test."""
    with ExitStack() as stack:

        def make(film_images: FilmImages | None = None, **how: float) -> ImageQueue:
            film_images = film_images or FilmImages(objects, DiskReserve(objects, 0))
            return stack.enter_context(closing(ImageQueue(film_images, **how)))

        yield make
        objects.released.set()


def drawn(images: ImageQueue, key: str, kind: str = "thumbnail") -> str:
    """The key of an image, as soon as it has been drawn. Raises PictureError."""

    def ask() -> str | None:
        try:
            return images.find_image(key, kind)
        except FilmImagesBusy:
            return None

    return str(until(ask))


def ask_in_vain(images: ImageQueue, key: str, kind: str = "thumbnail") -> None:
    with pytest.raises(FilmImagesBusy):
        images.find_image(key, kind)


def test_requests_do_not_wait_for_a_drawing_and_it_is_made_once(
    objects: HoldingStore, new_queue: Callable[..., ImageQueue]
) -> None:
    images = new_queue()
    objects.released.clear()
    for _ in range(16):
        ask_in_vain(images, KEY)
    objects.released.set()
    assert objects.stat(drawn(images, KEY)) is not None
    assert objects.opened == [KEY]


def test_images_are_drawn_one_after_the_other(objects: HoldingStore, new_queue: Callable[..., ImageQueue]) -> None:
    images = new_queue()
    other = objects.store(KEY.replace("0001", "0002"), make_film(seconds=3))
    objects.released.clear()
    for key in (KEY, other):
        for kind in ("thumbnail", "contact_sheet"):
            ask_in_vain(images, key, kind)
    until(lambda: objects.opened == [KEY])
    objects.released.set()
    assert [drawn(images, key, "contact_sheet") for key in (KEY, other)]
    assert objects.opened == [KEY, KEY, other, other]


def test_a_drawing_that_failed_is_not_repeated_for_a_while(
    objects: HoldingStore, new_queue: Callable[..., ImageQueue]
) -> None:
    broken = objects.store("films/2026-11-24/1124-0003.mp4", b"no film" * 99)
    images = new_queue()
    with pytest.raises(PictureError):
        drawn(images, broken)
    for _ in range(16):
        with pytest.raises(PictureError):
            images.find_image(broken, "thumbnail")
    assert objects.opened == [broken]
    assert drawn(images, KEY)  # others are drawn


def test_a_drawing_that_failed_is_tried_again_later(
    objects: HoldingStore, new_queue: Callable[..., ImageQueue]
) -> None:
    broken = objects.store("films/2026-11-24/1124-0003.mp4", b"no film" * 99)
    images = new_queue(retry_failed_after_s=0)
    ask_in_vain(images, broken)
    until(lambda: ask_in_vain(images, broken) or len(objects.opened) > 1)
    assert objects.opened[:2] == [broken, broken]


def test_a_film_that_is_gone_has_no_image(objects: HoldingStore, new_queue: Callable[..., ImageQueue]) -> None:
    images = new_queue()
    with pytest.raises(PictureError):
        drawn(images, "films/2026-11-24/1124-0004.mp4")


def test_no_image_is_drawn_twice_at_once(objects: HoldingStore, new_queue: Callable[..., ImageQueue]) -> None:
    """By a page and, in advance, in the background."""
    film_images = FilmImages(objects, DiskReserve(objects, 0))
    images = new_queue(film_images)
    objects.released.clear()
    ask_in_vain(images, KEY)
    until(lambda: objects.opened)
    with pytest.raises(FilmImagesBusy):
        film_images.ensure_image(KEY, "thumbnail")
    assert objects.opened == [KEY]
