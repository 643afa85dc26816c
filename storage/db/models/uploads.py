"""One-use links to the upload page, and the chunks received so far."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id, random_id


class Upload(Base):
    """One link, and the upload of its film."""

    __tablename__ = "upload"
    __table_args__ = (
        Index("upload_state", "state", "expires_at"),
        Index(
            "upload_one_open",
            "person_id",
            "enterprise_id",
            unique=True,
            sqlite_where=text("state in ('open','receiving')"),
            postgresql_where=text("state in ('open','receiving')"),
        ),
        CheckConstraint("state in ('open','receiving','complete','ended')", name="upload_state_known"),
        CheckConstraint(
            "received_bytes >= 0 and (size is null or received_bytes <= size)", name="upload_received_within_size"
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    once_key: Mapped[str] = mapped_column(unique=True)
    link_id: Mapped[str] = mapped_column(unique=True, default=random_id)
    realm: Mapped[str]
    sender: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    # None: chosen on the page.
    part_id: Mapped[int | None] = mapped_column(ForeignKey("key_part.id"))
    night: Mapped[date]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="open")
    # Digest of the cookie of the browser that started the upload; no other can continue it.
    browser_digest: Mapped[str | None]
    # Counts the starts; chunks of an earlier generation are ignored.
    generation: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    # When the latest chunk was stored.
    received_at: Mapped[datetime | None]
    file_name: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)


class UploadChunk(Base):
    """A chunk of an upload, stored as an object so that every process can read it."""

    __tablename__ = "upload_chunk"
    __table_args__ = (UniqueConstraint("upload_id", "generation", "start", name="upload_chunk_once"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    upload_id: Mapped[int] = mapped_column(ForeignKey("upload.id"), index=True)
    generation: Mapped[int]
    start: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    object_key: Mapped[str]
