"""Films over the upload page (tus 1.0): received in pieces that every process can read, then taken in like any other.

A piece is an object in the store and a row in the database; the upload's row holds the offset reached. So any web
process may receive any piece, and what was acknowledged survives the process.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from bot.channels.errors import MediaGone, Transient, Undecryptable
from bot.clock import monotonic
from bot.unit_of_work import UnitOfWork
from handlers.message import FilmTarget, Message
from storage.db.models import Upload
from storage.disk_reserve import DiskReserve, OutOfSpace
from storage.inbox import InboundMessage, store_messages
from storage.objects import ObjectError, ObjectMissing, ObjectStore
from storage.store import Store
from storage.uploads import CHANNEL

# Cheap to send again over a bad network, and no larger than what callbacks may send. Smaller ones than the minimum,
# except the last, would only fill the database.
MIN_PIECE_BYTES, MAX_PIECE_BYTES = 64 * 1024, 256 * 1024
_READ_BYTES = 256 * 1024
_CLEANUP_BATCH = 500
# A request that restarts an upload waits so long for the removal of its pieces; the rest is left to the background.
_CLEANUP_S = 5.0
CHECKSUM_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}


class UploadRefused(Exception):
    """A refused request; `status` is the HTTP answer that tus 1.0 prescribes."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass(frozen=True)
class ReceivedPiece:
    """One PATCH request; `checksum` is its Upload-Checksum header ("sha1 BASE64")."""

    offset: int
    data: bytes
    checksum: str | None


class Uploads:
    """The uploads under way."""

    def __init__(self, uow: UnitOfWork, objects: ObjectStore, reserve: DiskReserve) -> None:
        self._uow, self._clock, self._objects, self._reserve = uow, uow.clock, objects, reserve

    def begin(self, upload: Upload, visitor: str, size: int, name: str, part_id: int | None) -> int:
        """Begin an upload of so many bytes, in place of an earlier attempt; its generation. Raises UploadRefused."""
        with self._uow.transaction() as store:
            max_bytes = self._uow.rules(store).for_night(upload.night).largest_upload_mb * 1024 * 1024
            if not 0 < size <= max_bytes:
                raise UploadRefused(413 if size > max_bytes else 400)
            part_id = upload.part_id or part_id
            if part_id not in {part.id for part in store.register.parts_of(upload.enterprise_id)}:
                raise UploadRefused(400)
            self._check_room(size)
            now = self._clock.now()
            generation = store.uploads.start(upload.id, visitor, now, size=size, file_name=name[:200], part_id=part_id)
            if generation is None:
                store.uploads.end_worn_out(upload.id)
        if generation is None:
            raise UploadRefused(410)
        self._remove_unneeded(upload.id)
        return generation

    def abort(self, upload: Upload) -> None:
        """Abort an upload and remove its pieces; the link stays open."""
        with self._uow.transaction() as store:
            store.uploads.abort(upload)
        self._remove_unneeded(upload.id)

    def store_piece(self, upload: Upload, piece: ReceivedPiece) -> int:
        """Store a piece; the offset reached. Raises UploadRefused, ObjectError.

        The bytes are stored before the row: of several pieces for one offset, one gets the row.
        """
        verify_checksum(piece)
        reached, size = piece.offset + len(piece.data), upload.size or 0
        if not piece.data or (len(piece.data) < MIN_PIECE_BYTES and reached < size):
            raise UploadRefused(400)
        if reached > size:
            raise UploadRefused(413)
        self._check_room(len(piece.data))
        key = self._save(upload, piece)
        with self._uow.transaction() as store:
            accepted = store.uploads.record_chunk(upload, piece.offset, len(piece.data), key, self._clock.now())
            if accepted and reached == upload.size:
                self._add_to_inbox(upload, store)
        if not accepted:
            self._remove_unless_used(upload, piece, key)
            raise UploadRefused(409)
        return reached

    def _check_room(self, size: int) -> None:
        try:
            self._reserve.check(size)
        except OutOfSpace as error:
            raise UploadRefused(507) from error

    def _save(self, upload: Upload, piece: ReceivedPiece) -> str:
        """The same bytes sent again get the same key; other bytes for the same offset get another."""
        digest = hashlib.sha256(piece.data).hexdigest()[:16]
        key = f"uploads/{upload.id}-{upload.generation}-{piece.offset:012d}-{digest}"
        with self._objects.spool() as spool:
            spool.write(piece.data)
            self._objects.save(spool, key)
        return key

    def _remove_unless_used(self, upload: Upload, piece: ReceivedPiece, key: str) -> None:
        """Another request was accepted for this offset; it may have brought the same bytes."""
        with self._uow.read() as store:
            accepted = store.uploads.chunk_at(upload, piece.offset)
        if accepted is None or accepted.object_key != key:
            self._remove(key)

    def _add_to_inbox(self, upload: Upload, store: Store) -> None:
        assert upload.started_at is not None
        content = {
            "upload": upload.id,
            "generation": upload.generation,
            "realm": upload.realm,
            "sender": upload.sender,
            "begun_at": upload.started_at.isoformat(),
            "night": upload.night.isoformat(),
            "name": upload.file_name,
            "enterprise": upload.enterprise_id,
            "part": upload.part_id,
            "key": upload.once_key,
        }
        raw = json.dumps(content, ensure_ascii=False)
        store_messages(store.session, [InboundMessage(CHANNEL, upload.once_key, raw)], self._clock.now())

    def remove_unneeded_pieces(self) -> None:
        """Remove the pieces of finished, replaced and expired uploads. Raises DatabaseUnavailable."""
        with self._uow.transaction() as store:
            store.uploads.expire_overdue(self._clock.now())
        while self._remove_batch():
            pass

    def _remove_unneeded(self, upload_id: int) -> None:
        """The same for one link."""
        deadline = monotonic() + _CLEANUP_S
        while self._remove_batch(upload_id) and monotonic() < deadline:
            pass

    def _remove_batch(self, upload_id: int | None = None) -> int:
        """How many pieces were removed; 0 when there are no more, or the store removes none at present."""
        with self._uow.read() as store:
            unneeded = list(store.uploads.unneeded_chunks(_CLEANUP_BATCH, upload_id))
        removed = [chunk.id for chunk in unneeded if self._remove(chunk.object_key)]
        if removed:
            with self._uow.transaction() as store:
                store.uploads.delete_chunks(removed)
        return len(removed)

    def _remove(self, key: str) -> bool:
        with suppress(ObjectError):
            self._objects.remove(key)
            return True
        return False


def verify_checksum(piece: ReceivedPiece) -> None:
    """Raise UploadRefused: 460 for a checksum that does not match, 400 for one that cannot be read."""
    if piece.checksum is None:
        return
    algorithm, _, encoded = piece.checksum.partition(" ")
    try:
        expected = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise UploadRefused(400) from None
    if algorithm not in CHECKSUM_ALGORITHMS:
        raise UploadRefused(400)
    if not hmac.compare_digest(CHECKSUM_ALGORITHMS[algorithm](piece.data).digest(), expected):
        raise UploadRefused(460)


class UploadReceiver:
    """The receiver of complete uploads."""

    def __init__(self, uow: UnitOfWork, objects: ObjectStore) -> None:
        self._uow, self._objects = uow, objects

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Receiver. The start of the upload counts as sent, so a slow network makes no film late."""
        content = json.loads(raw)
        night = date.fromisoformat(content["night"])
        return Message(
            channel=CHANNEL,
            realm=content["realm"],
            key=content["key"],
            inbox_id=inbox_id,
            sender=content["sender"],
            sent_at=datetime.fromisoformat(content["begun_at"]),
            received_at=received_at,
            kind="film",
            media=json.dumps([content["upload"], content["generation"]]),
            file_name=content["name"] or None,
            film_target=FilmTarget(night, content["enterprise"], content["part"]),
        )

    def fetch(self, media: str) -> Iterator[bytes]:
        upload_id, generation = json.loads(media)
        with self._uow.read() as store:
            upload, chunks = store.uploads.get(upload_id), store.uploads.chunks(upload_id, generation)
        offset = 0
        for chunk in chunks:
            if chunk.start != offset:
                raise Undecryptable(f"a piece at {chunk.start} after {offset} bytes")
            offset += chunk.size
            yield from self._read(chunk.object_key)
        if upload is None or offset != upload.size:
            raise MediaGone(f"{offset} bytes of an upload are left")

    def _read(self, key: str) -> Iterator[bytes]:
        try:
            with self._objects.open(key) as file:
                while data := file.read(_READ_BYTES):
                    yield data
        except ObjectMissing as error:
            raise MediaGone(str(error)) from None
        except (ObjectError, OSError) as error:
            raise Transient(str(error)) from None
