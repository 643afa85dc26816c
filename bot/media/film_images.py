"""Pictures of films: drawn when somebody first wants them, then kept beside the films; and copies that bear a name."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.film import extract_picture, write_watermarked_copy
from storage.film.keys import picture_key
from storage.objects import ObjectConflict, ObjectStore

# Decoding takes a whole processor: so many at a time. The others wait for moments only, for whoever waits holds a
# thread of the web; copies take minutes, and are made one by one.
_AT_A_TIME, _COPIES_AT_A_TIME = 2, 1
_PATIENCE_S = 3.0
_KNOWN = 4096
_PIECE = 1 << 20


class FilmImagesBusy(Exception):
    """Too many want something drawn at once; ask again in a moment."""


class FilmImages:
    """Draws and keeps; may be used from many threads."""

    def __init__(self, objects: ObjectStore, timeout_s: float = _PATIENCE_S) -> None:
        self._objects, self._patience_s = objects, timeout_s
        self._turns = threading.BoundedSemaphore(_AT_A_TIME)
        self._copies = threading.BoundedSemaphore(_COPIES_AT_A_TIME)
        self._known: dict[str, None] = {}

    def ensure_image(self, object_key: str, kind: str, at_s: float | None = None) -> str:
        """The key of a picture, which is there from now on. Raises CannotDraw, Busy, ObjectError, OSError."""
        key = picture_key(object_key, kind, at_s)
        if key not in self._known and self._objects.stat(key) is None:
            with self._turn(self._turns):
                self._draw(object_key, key, kind, at_s)
        self._known[key] = None
        if len(self._known) > _KNOWN:
            self._known.pop(next(iter(self._known)), None)
        return key

    def read_image(self, key: str) -> bytes:
        """The bytes of a picture."""
        with self._objects.open(key) as file:
            return file.read()

    def _draw(self, object_key: str, key: str, kind: str, at_s: float | None) -> None:
        with self._at_hand(object_key) as film, tempfile.TemporaryDirectory(prefix="picture-") as folder:
            drawn = Path(folder) / "picture.jpg"
            extract_picture(film, drawn, kind, at_s)
            with self._objects.spool() as spool, suppress(ObjectConflict):  # another process was as quick
                spool.write(drawn.read_bytes())
                self._objects.save(spool, key)

    @contextmanager
    def watermarked_copy(self, object_key: str, text: str) -> Iterator[Path]:
        """A copy of a film with words in every picture, until the end of the block. Raises as `of` does."""
        with tempfile.TemporaryDirectory(prefix="copy-") as folder:
            copy = Path(folder) / "film.mp4"
            with self._turn(self._copies), self._at_hand(object_key) as film:
                write_watermarked_copy(film, copy, text)
            yield copy

    @contextmanager
    def _at_hand(self, object_key: str) -> Iterator[Path]:
        """A film as a file of our own, wherever it is kept."""
        with tempfile.TemporaryDirectory(prefix="film-") as folder, self._objects.open(object_key) as kept:
            path = Path(folder) / "film"
            with path.open("wb") as file:
                shutil.copyfileobj(kept, file, _PIECE)
            yield path

    @contextmanager
    def _turn(self, turns: threading.BoundedSemaphore) -> Iterator[None]:
        if not turns.acquire(timeout=self._patience_s):
            raise FilmImagesBusy
        try:
            yield
        finally:
            turns.release()
