"""Images of films, drawn when first needed and then stored beside the films; and watermarked copies."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from storage.disk_reserve import DiskReserve
from storage.film import extract_picture, picture_key, write_watermarked_copy
from storage.objects import ObjectConflict, ObjectStore

# Drawing takes a whole core, a copy minutes: so many images and one copy at a time, and requests do not queue.
_MAX_DRAWING = 2
_MAX_KNOWN_KEYS = 4096
_COPY_CHUNK = 1 << 20


class FilmImagesBusy(Exception):
    """The image is being drawn already, or too many others are; try again in a moment."""


class FilmImages:
    """Draws and stores images; may be used from many threads."""

    def __init__(self, objects: ObjectStore, reserve: DiskReserve) -> None:
        self._objects, self._reserve, self._lock = objects, reserve, threading.Lock()
        self._drawing, self._copying = set[str](), threading.Lock()
        self._known_keys: dict[str, None] = {}

    def find_image(self, object_key: str, kind: str, at_s: float | None = None) -> str | None:
        """The key of an image; None if it has not been drawn yet. Raises OutOfSpace if it cannot be, ObjectError."""
        key = picture_key(object_key, kind, at_s)
        if key not in self._known_keys and self._objects.stat(key) is None:
            self._reserve.check()
            return None
        with self._lock:
            self._known_keys[key] = None
            if len(self._known_keys) > _MAX_KNOWN_KEYS:
                self._known_keys.pop(next(iter(self._known_keys)))
        return key

    def ensure_image(self, object_key: str, kind: str, at_s: float | None = None) -> str:
        """The key of an image, drawn now if need be. This may take half a minute: pages use the ImageQueue.

        Raises PictureError, FilmImagesBusy, OutOfSpace, ObjectError, OSError.
        """
        key = picture_key(object_key, kind, at_s)
        if self.find_image(object_key, kind, at_s) is None:
            with self._turn_to_draw(key):
                self._draw(object_key, key, kind, at_s)
        return key

    def read_image(self, key: str) -> bytes:
        """The JPEG bytes of an image."""
        with self._objects.open(key) as file:
            return file.read()

    def _draw(self, object_key: str, key: str, kind: str, at_s: float | None) -> None:
        with self._local_copy(object_key) as film, tempfile.TemporaryDirectory(prefix="picture-") as folder:
            image = Path(folder) / "picture.jpg"
            extract_picture(film, image, kind, at_s)
            with self._objects.spool() as spool, suppress(ObjectConflict):  # another process was faster
                spool.write(image.read_bytes())
                self._objects.save(spool, key)

    def watermarked_copy(self, object_key: str, text: str) -> BinaryIO:
        """A copy of a film with a text in every frame. It has no name any more: closing it frees its space.

        Raises as `ensure_image` does.
        """
        self._reserve.check()
        with self._turn_to_copy(), tempfile.TemporaryDirectory(prefix="copy-") as folder:
            copy = Path(folder) / "film.mp4"
            with self._local_copy(object_key) as film:
                write_watermarked_copy(film, copy, text)
            return copy.open("rb")

    @contextmanager
    def _local_copy(self, object_key: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="film-") as folder, self._objects.open(object_key) as stored:
            path = Path(folder) / "film"
            with path.open("wb") as file:
                shutil.copyfileobj(stored, file, _COPY_CHUNK)
            yield path

    @contextmanager
    def _turn_to_draw(self, key: str) -> Iterator[None]:
        with self._lock:
            if key in self._drawing or len(self._drawing) >= _MAX_DRAWING:
                raise FilmImagesBusy
            self._drawing.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._drawing.discard(key)

    @contextmanager
    def _turn_to_copy(self) -> Iterator[None]:
        if not self._copying.acquire(blocking=False):
            raise FilmImagesBusy
        try:
            yield
        finally:
            self._copying.release()
