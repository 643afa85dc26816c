"""Images of films: rendered on first use, then stored beside the films; and watermarked copies."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.disk_reserve import DiskReserve
from storage.film import extract_picture, picture_key, write_watermarked_copy
from storage.objects import ObjectConflict, ObjectStore

# Rendering takes a whole core, so only so many run at once. The wait is short, because it holds a thread of the
# web server; a copy takes minutes.
_MAX_RENDERING, _MAX_COPYING = 2, 1
_TIMEOUT_S = 3.0
_MAX_KNOWN_KEYS = 4096
_COPY_CHUNK = 1 << 20


class FilmImagesBusy(Exception):
    """Too many images are being rendered; try again in a moment."""


class FilmImages:
    """Renders and stores images; may be used from many threads."""

    def __init__(self, objects: ObjectStore, reserve: DiskReserve, timeout_s: float = _TIMEOUT_S) -> None:
        self._objects, self._reserve, self._timeout_s = objects, reserve, timeout_s
        self._rendering = threading.BoundedSemaphore(_MAX_RENDERING)
        self._copying = threading.BoundedSemaphore(_MAX_COPYING)
        self._known_keys: dict[str, None] = {}

    def ensure_image(self, object_key: str, kind: str, at_s: float | None = None) -> str:
        """The key of an image, rendered if need be.

        Raises PictureError, FilmImagesBusy, OutOfSpace, ObjectError, OSError.
        """
        key = picture_key(object_key, kind, at_s)
        if key not in self._known_keys and self._objects.stat(key) is None:
            self._reserve.check()
            with self._slot(self._rendering):
                self._render(object_key, key, kind, at_s)
        self._known_keys[key] = None
        if len(self._known_keys) > _MAX_KNOWN_KEYS:
            self._known_keys.pop(next(iter(self._known_keys)), None)
        return key

    def read_image(self, key: str) -> bytes:
        """The JPEG bytes of an image."""
        with self._objects.open(key) as file:
            return file.read()

    def _render(self, object_key: str, key: str, kind: str, at_s: float | None) -> None:
        with self._local_copy(object_key) as film, tempfile.TemporaryDirectory(prefix="picture-") as folder:
            image = Path(folder) / "picture.jpg"
            extract_picture(film, image, kind, at_s)
            with self._objects.spool() as spool, suppress(ObjectConflict):  # another process was faster
                spool.write(image.read_bytes())
                self._objects.save(spool, key)

    @contextmanager
    def watermarked_copy(self, object_key: str, text: str) -> Iterator[Path]:
        """A copy of a film with a text in every frame, until the end of the block. Raises as `ensure_image` does."""
        self._reserve.check()
        with tempfile.TemporaryDirectory(prefix="copy-") as folder:
            copy = Path(folder) / "film.mp4"
            with self._slot(self._copying), self._local_copy(object_key) as film:
                write_watermarked_copy(film, copy, text)
            yield copy

    @contextmanager
    def _local_copy(self, object_key: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="film-") as folder, self._objects.open(object_key) as stored:
            path = Path(folder) / "film"
            with path.open("wb") as file:
                shutil.copyfileobj(stored, file, _COPY_CHUNK)
            yield path

    @contextmanager
    def _slot(self, slots: threading.BoundedSemaphore) -> Iterator[None]:
        if not slots.acquire(timeout=self._timeout_s):
            raise FilmImagesBusy
        try:
            yield
        finally:
            slots.release()
