"""Links to the upload page, and how far the films behind them have come. Every step is one conditional update:
any number of web processes may serve the same film."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Inbox, Upload, UploadPiece
from storage.facts import insert_once

CHANNEL = "upload"


class UploadStore:
    """The links and the pieces."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def offer(self, **values: Any) -> Upload:
        """A link for a film; the same `once_key` gives the same link."""
        insert_once(self.session, Upload, {"state": "open", "generation": 0, "received": 0, **values})
        return self.session.scalars(select(Upload).where(Upload.once_key == values["once_key"])).one()

    def get(self, upload_id: int) -> Upload | None:
        """The link of that id, as it stands now."""
        return self.session.get(Upload, upload_id, populate_existing=True)

    def begin(self, upload_id: int, visitor: str, now: datetime, **film: Any) -> int | None:
        """A browser begins a film, or begins anew; the film's generation, None when the link is not for it."""
        return self.session.scalar(
            update(Upload)
            .where(
                Upload.id == upload_id,
                Upload.state.in_(("open", "receiving")),
                Upload.expires_at > now,
                or_(Upload.visitor.is_(None), Upload.visitor == visitor),
            )
            .values(
                state="receiving", visitor=visitor, generation=Upload.generation + 1, received=0, begun_at=now,
                **film,
            )
            .returning(Upload.generation)
        )  # fmt: skip

    def advance(self, upload: Upload, start: int, size: int, object_key: str) -> bool:
        """A piece is kept: the film has come so much further. False when it had come further by another already."""
        whole = start + size == upload.size
        moved = self.session.scalar(
            update(Upload)
            .where(
                Upload.id == upload.id,
                Upload.generation == upload.generation,
                Upload.state == "receiving",
                Upload.received == start,
            )
            .values(received=start + size, state="complete" if whole else "receiving")
            .returning(Upload.id)
        )
        if moved is None:
            return False
        piece = {"upload_id": upload.id, "generation": upload.generation, "start": start, "size": size}
        insert_once(self.session, UploadPiece, {**piece, "object_key": object_key})
        return True

    def piece_at(self, upload: Upload, start: int) -> UploadPiece | None:
        """What was kept for a place of a film."""
        return self.session.scalars(
            select(UploadPiece).where(
                UploadPiece.upload_id == upload.id,
                UploadPiece.generation == upload.generation,
                UploadPiece.start == start,
            )
        ).first()

    def pieces(self, upload_id: int, generation: int) -> Sequence[UploadPiece]:
        """What has been received of a film, in its order."""
        return self.session.scalars(
            select(UploadPiece)
            .where(UploadPiece.upload_id == upload_id, UploadPiece.generation == generation)
            .order_by(UploadPiece.start)
        ).all()

    def stop(self, upload: Upload) -> None:
        """The film is given up by whoever sent it; the link goes on."""
        self.session.execute(
            update(Upload)
            .where(Upload.id == upload.id, Upload.generation == upload.generation, Upload.state == "receiving")
            .values(state="open", received=0)
        )

    def end_overdue(self, now: datetime) -> None:
        """Links whose time is over lead nowhere any more."""
        self.session.execute(
            update(Upload)
            .where(Upload.state.in_(("open", "receiving")), Upload.expires_at <= now)
            .values(state="ended")
        )

    def spare_pieces(self, limit: int) -> Sequence[UploadPiece]:
        """Pieces that nobody needs: of films taken in, given up, begun anew or overdue."""
        taken_in = select(Inbox.message_key).where(Inbox.channel == CHANNEL, Inbox.state != "waiting")
        query = (
            select(UploadPiece)
            .join(Upload, Upload.id == UploadPiece.upload_id)
            .where(
                or_(
                    Upload.state.in_(("ended", "open")),
                    Upload.generation != UploadPiece.generation,
                    (Upload.state == "complete") & Upload.once_key.in_(taken_in),
                )
            )
        )
        return self.session.scalars(query.order_by(UploadPiece.id).limit(limit)).all()

    def forget(self, piece_ids: Sequence[int]) -> None:
        """The objects of these pieces are gone."""
        self.session.execute(delete(UploadPiece).where(UploadPiece.id.in_(piece_ids)))
