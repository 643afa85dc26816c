"""Pictures of films are made before they are requested."""

from __future__ import annotations

from bot.media.film_images import FilmImages
from bot.media.thumbnails import ThumbnailGenerator
from storage.disk_reserve import DiskReserve
from storage.film import picture_key
from tests.harness import NIGHT, Story


def test_thumbnails_are_drawn_ahead_and_a_film_that_is_gone_keeps_no_other_from_it(night: Story) -> None:
    night.time("00:21")
    for part in ("1", "2"):
        night.film("p1")
        night.says("p1", part)
    night.hears("p1")
    with night.office() as store:
        gone, there = store.submissions.film_object_keys(NIGHT)
    objects = night.bot.objects
    assert objects.stat(picture_key(there, "thumbnail")) is None
    objects.remove(gone)
    ThumbnailGenerator(night.bot.uow, FilmImages(objects, DiskReserve(objects, 0))).run_once()
    assert objects.stat(picture_key(gone, "thumbnail")) is None
    assert objects.stat(picture_key(there, "thumbnail")) is not None
