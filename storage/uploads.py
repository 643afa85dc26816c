"""Links to the upload page and the progress of their uploads.

Every step is one conditional update, so any number of web processes may receive the same upload.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import InboxRow, Upload, UploadChunk
from storage.db.models.base import random_id
from storage.db.upsert import insert_if_absent
from storage.inbox import UNFINISHED

CHANNEL = "upload"
# How often the film of a link may be started from its beginning; then the person asks for another link.
MAX_STARTS = 10


class UploadStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def get_or_create(self, **values: Any) -> Upload:
        """A link for one film; the same `once_key` gives the same link.

        It ends the link that the person has for the enterprise: there is one open link at a time.
        """
        same = select(Upload).where(Upload.once_key == values["once_key"])
        existing = self.session.scalars(same).one_or_none()
        if existing is not None:
            return existing
        self._end(Upload.person_id == values["person_id"], Upload.enterprise_id == values["enterprise_id"])
        new = {"state": "open", "generation": 0, "received_bytes": 0, "link_id": random_id()}
        insert_if_absent(self.session, Upload, {**new, **values})
        return self.session.scalars(same).one()

    def get(self, upload_id: int) -> Upload | None:
        return self.session.get(Upload, upload_id)

    def by_link(self, link_id: str) -> Upload | None:
        return self.session.scalars(select(Upload).where(Upload.link_id == link_id)).one_or_none()

    def in_progress(self, person_id: int, enterprise_id: int, since: datetime) -> Upload | None:
        """The person's upload for an enterprise of which a chunk has come since then."""
        return self.session.scalars(
            select(Upload).where(
                Upload.person_id == person_id,
                Upload.enterprise_id == enterprise_id,
                Upload.state == "receiving",
                Upload.received_at >= since,
            )
        ).one_or_none()

    def start(self, upload_id: int, browser_digest: str, now: datetime, **file_info: Any) -> int | None:
        """Start or restart an upload; its generation, None when the link is closed, expired, another browser's or
        has been started MAX_STARTS times."""
        return self.session.scalar(
            update(Upload)
            .where(
                Upload.id == upload_id,
                Upload.state.in_(("open", "receiving")),
                Upload.expires_at > now,
                Upload.generation < MAX_STARTS,
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

    def record_chunk(self, upload: Upload, start: int, size: int, object_key: str, now: datetime) -> bool:
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
            .values(received_bytes=start + size, received_at=now, state="complete" if is_last else "receiving")
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
        self._end(Upload.expires_at <= now)

    def end_worn_out(self, upload_id: int) -> None:
        """End a link that has been started too often."""
        self._end(Upload.id == upload_id, Upload.generation >= MAX_STARTS)

    def _end(self, *conditions: ColumnElement[bool]) -> None:
        is_open = Upload.state.in_(("open", "receiving"))
        self.session.execute(update(Upload).where(is_open, *conditions).values(state="ended"))

    def unneeded_chunks(self, limit: int, upload_id: int | None = None) -> Sequence[UploadChunk]:
        """Chunks of uploads that were taken in, aborted, restarted, replaced or have expired; or those of one link."""
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
        if upload_id is not None:
            query = query.where(UploadChunk.upload_id == upload_id)
        return self.session.scalars(query.order_by(UploadChunk.id).limit(limit)).all()

    def delete_chunks(self, chunk_ids: Sequence[int]) -> None:
        """Delete the rows; the objects must have been removed before."""
        self.session.execute(delete(UploadChunk).where(UploadChunk.id.in_(chunk_ids)))
