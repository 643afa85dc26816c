"""Links to the upload page, and how far the films behind them have come. Every step is one conditional update:
any number of web processes may serve the same film."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import InboxRow, Upload, UploadChunk
from storage.db.upsert import insert_if_absent

CHANNEL = "upload"


class UploadStore:
    """The links and the pieces."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get_or_create(self, **values: Any) -> Upload:
        """A link for a film; the same `once_key` gives the same link."""
        insert_if_absent(self.session, Upload, {"state": "open", "generation": 0, "received_bytes": 0, **values})
        return self.session.scalars(select(Upload).where(Upload.once_key == values["once_key"])).one()

    def get(self, upload_id: int) -> Upload | None:
        """The link of that id, as it stands now."""
        return self.session.get(Upload, upload_id, populate_existing=True)

    def start(self, upload_id: int, browser_digest: str, now: datetime, **file_info: Any) -> int | None:
        """A browser begins a film, or begins anew; the film's generation, None when the link is not for it."""
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
        """A piece is kept: the film has come so much further. False when it had come further by another already."""
        whole = start + size == upload.size
        moved = self.session.scalar(
            update(Upload)
            .where(
                Upload.id == upload.id,
                Upload.generation == upload.generation,
                Upload.state == "receiving",
                Upload.received_bytes == start,
            )
            .values(received_bytes=start + size, state="complete" if whole else "receiving")
            .returning(Upload.id)
        )
        if moved is None:
            return False
        piece = {"upload_id": upload.id, "generation": upload.generation, "start": start, "size": size}
        insert_if_absent(self.session, UploadChunk, {**piece, "object_key": object_key})
        return True

    def chunk_at(self, upload: Upload, start: int) -> UploadChunk | None:
        """What was kept for a place of a film."""
        return self.session.scalars(
            select(UploadChunk).where(
                UploadChunk.upload_id == upload.id,
                UploadChunk.generation == upload.generation,
                UploadChunk.start == start,
            )
        ).first()

    def chunks(self, upload_id: int, generation: int) -> Sequence[UploadChunk]:
        """What has been received of a film, in its order."""
        return self.session.scalars(
            select(UploadChunk)
            .where(UploadChunk.upload_id == upload_id, UploadChunk.generation == generation)
            .order_by(UploadChunk.start)
        ).all()

    def abort(self, upload: Upload) -> None:
        """The film is given up by whoever sent it; the link goes on."""
        self.session.execute(
            update(Upload)
            .where(Upload.id == upload.id, Upload.generation == upload.generation, Upload.state == "receiving")
            .values(state="open", received_bytes=0)
        )

    def expire_overdue(self, now: datetime) -> None:
        """Links whose time is over lead nowhere any more."""
        self.session.execute(
            update(Upload)
            .where(Upload.state.in_(("open", "receiving")), Upload.expires_at <= now)
            .values(state="ended")
        )

    def unneeded_chunks(self, limit: int) -> Sequence[UploadChunk]:
        """Pieces that nobody needs: of films taken in, given up, begun anew or overdue."""
        taken_in = select(InboxRow.message_key).where(InboxRow.channel == CHANNEL, InboxRow.state != "waiting")
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
        """The objects of these pieces are gone."""
        self.session.execute(delete(UploadChunk).where(UploadChunk.id.in_(chunk_ids)))
