"""Thumbnails rendered in advance, so that the list of a night's films opens without waiting, also on a slow network."""

from __future__ import annotations

import logging
from datetime import date

from bot.media.film_images import FilmImages, FilmImagesBusy
from bot.unit_of_work import UnitOfWork
from schedules.patrol_night import night_of
from storage.db.process_locks import process_lock
from storage.film import PictureError
from storage.objects import ObjectMissing

log = logging.getLogger(__name__)

# Decoding takes a whole core: so many a minute are twice what a county sends, and leave most of it to others.
_BATCH = 30


class ThumbnailGenerator:
    """Renders thumbnails of tonight's films, a batch each minute, in one of all the workers."""

    def __init__(self, uow: UnitOfWork, film_images: FilmImages) -> None:
        self._uow, self._film_images = uow, film_images
        self._lock = process_lock(uow.database.url, "thumbnails")
        self._night, self._done = date.min, set[str]()

    def run_once(self) -> None:
        """Render what has come since the last call. Raises DatabaseUnavailable, ObjectError, OSError.

        A thumbnail that cannot be rendered now is rendered when a user opens it.
        """
        pending = self._pending_keys()
        if pending and self._lock.acquire():
            try:
                for key in pending[:_BATCH]:
                    self._render(key)
            finally:
                self._lock.release()

    def _pending_keys(self) -> list[str]:
        with self._uow.read() as store:
            night = night_of(self._uow.clock.now(), self._uow.rules(store))
            keys = store.submissions.film_object_keys(night)
        if night != self._night:
            self._night, self._done = night, set()
        return [key for key in keys if key not in self._done]

    def _render(self, key: str) -> None:
        try:
            self._film_images.ensure_image(key, "thumbnail")
        except FilmImagesBusy:
            return
        except (PictureError, ObjectMissing) as error:
            log.info("no thumbnail of %s: %s", key, error)
        self._done.add(key)
