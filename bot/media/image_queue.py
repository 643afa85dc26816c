"""Images that pages ask for, drawn one after the other in the background: no request waits for a drawing."""

from __future__ import annotations

import logging
import threading

from bot.background import BackgroundQueue
from bot.clock import monotonic
from bot.media.film_images import FilmImages, FilmImagesBusy
from storage.film import PictureError
from storage.objects import ObjectMissing

log = logging.getLogger(__name__)

_Image = tuple[str, str, float | None]

# A film's bytes never change, so a second attempt helps only if the machine was too busy at the first.
_RETRY_FAILED_AFTER_S = 3600.0
_MAX_PENDING, _MAX_FAILED = 200, 4096


class ImageQueue:
    """The queue of one process and the thread that draws. An image is a film's object key, a kind and a position."""

    def __init__(self, film_images: FilmImages, retry_failed_after_s: float = _RETRY_FAILED_AFTER_S) -> None:
        self._film_images, self._retry_failed_after_s = film_images, retry_failed_after_s
        self._lock = threading.Lock()
        self._requests = BackgroundQueue[_Image]("film images", self._draw)
        self._pending = set[_Image]()
        self._failed_at: dict[_Image, float] = {}

    def find_image(self, object_key: str, kind: str, at_s: float | None = None) -> str:
        """The key of an image. Raises FilmImagesBusy if it has not been drawn yet: ask again in a few seconds.

        `at_s`: the position of a still in seconds. Raises PictureError if drawing it failed within the last hour,
        OutOfSpace, ObjectError.
        """
        key = self._film_images.find_image(object_key, kind, at_s)
        if key is None:
            self._enqueue((object_key, kind, at_s))
            raise FilmImagesBusy
        return key

    def _enqueue(self, image: _Image) -> None:
        with self._lock:
            if image in self._failed_at and monotonic() - self._failed_at[image] < self._retry_failed_after_s:
                raise PictureError("drawing it failed a short time ago")
            if image in self._pending or len(self._pending) >= _MAX_PENDING:
                return
            self._pending.add(image)
            self._requests.put(image)

    def close(self) -> None:
        """End the thread; an image that is being drawn is waited for, at most two seconds."""
        self._requests.close()

    def _draw(self, images: list[_Image]) -> None:
        [image] = images
        try:
            self._film_images.ensure_image(*image)
        except FilmImagesBusy:
            log.debug("not drawn now: %s", image)  # the page asks again
        except (PictureError, ObjectMissing) as error:
            log.warning("no %s of %s: %s", image[1], image[0], error)
            self._remember_failure(image)
        finally:
            with self._lock:
                self._pending.discard(image)

    def _remember_failure(self, image: _Image) -> None:
        with self._lock:
            self._failed_at.pop(image, None)
            self._failed_at[image] = monotonic()
            if len(self._failed_at) > _MAX_FAILED:
                self._failed_at.pop(next(iter(self._failed_at)))
