"""Films over the upload page: received in pieces, each kept where every process finds it, then taken in like any other.

A piece is an object in the store and a row in the database; how far a film has come is one number in its row. So it
does not matter which web process a piece reaches, and nothing is lost with one: what was answered is kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from bot.channels.errors import MediaGone, Transient, Undecryptable
from bot.unit_of_work import UnitOfWork
from handlers.message import FilmTarget, Message
from storage.db.models import Upload
from storage.errors import DatabaseUnavailable
from storage.inbox import InboundMessage, store_messages
from storage.objects import ObjectError, ObjectMissing, ObjectStore
from storage.store import Store
from storage.uploads import CHANNEL

log = logging.getLogger(__name__)

# Small enough to be sent again without regret on a bad net, and no larger than what callbacks may send.
MAX_PIECE_BYTES = 256 * 1024
_READ = 256 * 1024
_AT_ONCE = 100
CHECKSUM_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}


class UploadRefused(Exception):
    """A step that is not taken; `status` is the answer by the protocol (tus 1.0)."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass(frozen=True)
class ReceivedPiece:
    """What was sent for one place of a film, and the checksum that came with it."""

    offset: int
    data: bytes
    checksum: str | None


class Uploads:
    """The films under way."""

    def __init__(self, uow: UnitOfWork, objects: ObjectStore) -> None:
        self._memory, self._clock, self._objects = uow, uow.clock, objects

    def begin(self, upload: Upload, visitor: str, size: int, name: str, part_id: int | None) -> int:
        """A browser begins a film of so many bytes; its generation. Raises UploadRefused."""
        with self._memory.transaction() as store:
            largest = self._memory.rules(store).for_night(upload.night).largest_upload_mb * 1024 * 1024
            if not 0 < size <= largest:
                raise UploadRefused(413 if size > largest else 400)
            part_id = upload.part_id or part_id
            if part_id not in {part.id for part in store.register.parts_of(upload.enterprise_id)}:
                raise UploadRefused(400)
            now = self._clock.now()
            generation = store.uploads.start(upload.id, visitor, now, size=size, file_name=name[:200], part_id=part_id)
        if generation is None:
            raise UploadRefused(410)
        return generation

    def store_piece(self, upload: Upload, piece: ReceivedPiece) -> int:
        """Keep a piece at its place; how far the film has come. Raises UploadRefused, ObjectError.

        First the bytes, then the word that they are there: of several for one place, one is kept.
        """
        verify_checksum(piece)
        if not piece.data:
            raise UploadRefused(400)
        reached = piece.offset + len(piece.data)
        if reached > (upload.size or 0):
            raise UploadRefused(413)
        key = self._keep(upload, piece)
        with self._memory.transaction() as store:
            kept = store.uploads.record_chunk(upload, piece.offset, len(piece.data), key)
            if kept and reached == upload.size:
                self._hear(upload, store)
        if not kept:
            self._withdraw(upload, piece, key)
            raise UploadRefused(409)
        return reached

    def _keep(self, upload: Upload, piece: ReceivedPiece) -> str:
        """What is sent again is kept in its own place; another content for the place has another."""
        told_apart = hashlib.sha256(piece.data).hexdigest()[:16]
        key = f"uploads/{upload.id}-{upload.generation}-{piece.offset:012d}-{told_apart}"
        with self._objects.spool() as spool:
            spool.write(piece.data)
            self._objects.save(spool, key)
        return key

    def _withdraw(self, upload: Upload, piece: ReceivedPiece, key: str) -> None:
        """Another was quicker; unless it brought the same, what we kept is nobody's."""
        with self._memory.read() as store:
            other = store.uploads.chunk_at(upload, piece.offset)
        if other is None or other.object_key != key:
            self._remove(key)

    def _hear(self, upload: Upload, store: Store) -> None:
        """The whole film is here: from now on it is a message like any other."""
        assert upload.started_at is not None
        raw = {
            "upload": upload.id, "generation": upload.generation, "realm": upload.realm, "sender": upload.sender,
            "begun_at": upload.started_at.isoformat(), "night": upload.night.isoformat(), "name": upload.file_name,
            "enterprise": upload.enterprise_id, "part": upload.part_id, "key": upload.once_key,
        }  # fmt: skip
        words = json.dumps(raw, ensure_ascii=False)
        store_messages(store.session, [InboundMessage(CHANNEL, upload.once_key, words)], self._clock.now())

    def remove_unneeded_pieces(self) -> None:
        """Take away what nobody needs any more; what fails now is tried again the next time."""
        try:
            with self._memory.transaction() as store:
                store.uploads.expire_overdue(self._clock.now())
            with self._memory.read() as store:
                spare = list(store.uploads.unneeded_chunks(_AT_ONCE))
            gone = [piece.id for piece in spare if self._remove(piece.object_key)]
            if gone:
                with self._memory.transaction() as store:
                    store.uploads.delete_chunks(gone)
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)

    def _remove(self, key: str) -> bool:
        with suppress(ObjectError):
            self._objects.remove(key)
            return True
        return False


def verify_checksum(piece: ReceivedPiece) -> None:
    """Raise UploadRefused: 460 for a checksum that is not that of the bytes, 400 for one that cannot be read."""
    if piece.checksum is None:
        return
    algorithm, _, told = piece.checksum.partition(" ")
    try:
        wanted = base64.b64decode(told, validate=True)
    except binascii.Error:
        raise UploadRefused(400) from None
    if algorithm not in CHECKSUM_ALGORITHMS:
        raise UploadRefused(400)
    if not hmac.compare_digest(CHECKSUM_ALGORITHMS[algorithm](piece.data).digest(), wanted):
        raise UploadRefused(460)


class UploadReceiver:
    """The page as a way in: a film whose pieces are all here."""

    def __init__(self, uow: UnitOfWork, objects: ObjectStore) -> None:
        self._memory, self._objects = uow, objects

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Entrance. What counts is when it was begun: a slow net makes nobody late."""
        kept = json.loads(raw)
        bound = FilmTarget(date.fromisoformat(kept["night"]), kept["enterprise"], kept["part"])
        return Message(
            channel=CHANNEL, realm=kept["realm"], key=kept["key"], inbox_id=inbox_id, sender=kept["sender"],
            sent_at=datetime.fromisoformat(kept["begun_at"]), received_at=received_at, kind="film",
            media=json.dumps([kept["upload"], kept["generation"]]), file_name=kept["name"] or None, film_target=bound,
        )  # fmt: skip

    def fetch(self, media: str) -> Iterator[bytes]:
        """See Entrance."""
        upload_id, generation = json.loads(media)
        with self._memory.read() as store:
            upload, pieces = store.uploads.get(upload_id), store.uploads.chunks(upload_id, generation)
        done = 0
        for piece in pieces:
            if piece.start != done:
                raise Undecryptable(f"a piece at {piece.start} after {done} bytes")
            done += piece.size
            yield from self._read(piece.object_key)
        if upload is None or done != upload.size:
            raise MediaGone(f"{done} bytes of an upload are left")

    def _read(self, key: str) -> Iterator[bytes]:
        try:
            with self._objects.open(key) as file:
                while data := file.read(_READ):
                    yield data
        except ObjectMissing as error:
            raise MediaGone(str(error)) from None
        except (ObjectError, OSError) as error:
            raise Transient(str(error)) from None
