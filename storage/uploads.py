"""Links to the upload page and the progress of their uploads.

Every step is one conditional update, so any number of web processes may receive the same upload.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import InboxRow, Upload, UploadChunk
from storage.db.upsert import insert_if_absent
from storage.inbox import UNFINISHED

CHANNEL = "upload"


class UploadStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def get_or_create(self, **values: Any) -> Upload:
        """A link for one film; the same `once_key` gives the same link."""
        insert_if_absent(self.session, Upload, {"state": "open", "generation": 0, "received_bytes": 0, **values})
        return self.session.scalars(select(Upload).where(Upload.once_key == values["once_key"])).one()

    def get(self, upload_id: int) -> Upload | None:
        """The link, reloaded from the database."""
        return self.session.get(Upload, upload_id, populate_existing=True)

    def start(self, upload_id: int, browser_digest: str, now: datetime, **file_info: Any) -> int | None:
        """Start or restart an upload; its generation, None when the link is closed, expired or another browser's."""
        return self.session.scalar(
            update(Upload)
            .where(
                Upload.id == upload_id,
                Upload.state.in_(("open", "receiving")),
                Upload.expires_at > now,
                or_(Upload.browser_digest.is_(None), Upload.browser_digest == browser_digest),
            )
            .values(
                state="receiving",
                browser_digest=browser_digest,
                generation=Upload.generation + 1,
                received_bytes=0,
                started_at=now,
                **file_info,
            )
            .returning(Upload.generation)
        )

    def record_chunk(self, upload: Upload, start: int, size: int, object_key: str) -> bool:
        """Record a stored chunk; False when the upload is not at `start` any more."""
        is_last = start + size == upload.size
        updated = self.session.scalar(
            update(Upload)
            .where(
                Upload.id == upload.id,
                Upload.generation == upload.generation,
                Upload.state == "receiving",
                Upload.received_bytes == start,
            )
            .values(received_bytes=start + size, state="complete" if is_last else "receiving")
            .returning(Upload.id)
        )
        if updated is None:
            return False
        values = {"upload_id": upload.id, "generation": upload.generation, "start": start, "size": size}
        insert_if_absent(self.session, UploadChunk, {**values, "object_key": object_key})
        return True

    def chunk_at(self, upload: Upload, start: int) -> UploadChunk | None:
        """The chunk of the current generation that begins at byte `start`."""
        return self.session.scalars(
            select(UploadChunk).where(
                UploadChunk.upload_id == upload.id,
                UploadChunk.generation == upload.generation,
                UploadChunk.start == start,
            )
        ).first()

    def chunks(self, upload_id: int, generation: int) -> Sequence[UploadChunk]:
        """The chunks received, by position."""
        return self.session.scalars(
            select(UploadChunk)
            .where(UploadChunk.upload_id == upload_id, UploadChunk.generation == generation)
            .order_by(UploadChunk.start)
        ).all()

    def abort(self, upload: Upload) -> None:
        """Abort an upload; the link stays open."""
        self.session.execute(
            update(Upload)
            .where(Upload.id == upload.id, Upload.generation == upload.generation, Upload.state == "receiving")
            .values(state="open", received_bytes=0)
        )

    def expire_overdue(self, now: datetime) -> None:
        """End links that have expired."""
        self.session.execute(
            update(Upload)
            .where(Upload.state.in_(("open", "receiving")), Upload.expires_at <= now)
            .values(state="ended")
        )

    def unneeded_chunks(self, limit: int) -> Sequence[UploadChunk]:
        """Chunks of uploads that were taken in, aborted, restarted or have expired."""
        taken_in = select(InboxRow.message_key).where(InboxRow.channel == CHANNEL, InboxRow.state.not_in(UNFINISHED))
        query = (
            select(UploadChunk)
            .join(Upload, Upload.id == UploadChunk.upload_id)
            .where(
                or_(
                    Upload.state.in_(("ended", "open")),
                    Upload.generation != UploadChunk.generation,
                    (Upload.state == "complete") & Upload.once_key.in_(taken_in),
                )
            )
        )
        return self.session.scalars(query.order_by(UploadChunk.id).limit(limit)).all()

    def delete_chunks(self, chunk_ids: Sequence[int]) -> None:
        """Delete the rows; the objects must have been removed before."""
        self.session.execute(delete(UploadChunk).where(UploadChunk.id.in_(chunk_ids)))
