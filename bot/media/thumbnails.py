"""Thumbnails drawn before anybody asks: whoever opens the night's films in a car does not wait for them."""

from __future__ import annotations

import logging
from datetime import date

from bot.media.film_images import FilmImages, FilmImagesBusy
from bot.unit_of_work import UnitOfWork
from schedules.patrol_night import night_of
from storage.db.process_locks import process_lock
from storage.errors import DatabaseUnavailable
from storage.film import PictureError
from storage.objects import ObjectError, ObjectMissing

log = logging.getLogger(__name__)

# Decoding takes a processor: so many a minute are twice what a county sends, and leave most of it to others.
_AT_ONCE = 30


class ThumbnailGenerator:
    """Draws for tonight's films, a few each minute, in one of all the workers."""

    def __init__(self, uow: UnitOfWork, film_images: FilmImages) -> None:
        self._memory, self._pictures = uow, film_images
        self._name = process_lock(uow.database.url, "drawing")
        self._night, self._done = date.min, set[str]()

    def run_once(self) -> None:
        """What has come since the last time. What cannot be drawn now is drawn when somebody asks, as ever."""
        try:
            waiting = self._waiting()
            if waiting and self._name.acquire():
                try:
                    for key in waiting[:_AT_ONCE]:
                        self._draw(key)
                finally:
                    self._name.release()
        except (DatabaseUnavailable, ObjectError, OSError) as error:
            log.warning("pictures could not be drawn ahead: %s", error)

    def _waiting(self) -> list[str]:
        with self._memory.read() as store:
            night = night_of(self._memory.clock.now(), self._memory.rules(store))
            keys = store.submissions.film_object_keys(night)
        if night != self._night:
            self._night, self._done = night, set()
        return [key for key in keys if key not in self._done]

    def _draw(self, key: str) -> None:
        try:
            self._pictures.ensure_image(key, "thumb")
        except FilmImagesBusy:
            return
        except (PictureError, ObjectMissing) as error:
            log.info("no picture of %s: %s", key, error)
        self._done.add(key)
