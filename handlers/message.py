"""`Message`: what a person sent, whichever door it came through. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class FilmTarget:
    """What a film is for, where that was settled before it came: its night, enterprise and part."""

    night: date
    enterprise_id: int
    part_id: int


# Doors by which nobody speaks to us: what people say to each other is overheard.
ARCHIVE_CHANNELS = frozenset({"wecom_msgaudit"})


@dataclass(frozen=True)
class Message:
    """One thing said. `sent_at` is the platform's word on when, `key` is unique within the channel.

    `chat` is the group it was said in, empty for a single chat. `kind` is one of text, film, photo, file, voice,
    location, link, press (a button), too_large (in place of a film that the platform does not hand on), event,
    unknown. `about` is the key of the message that an event concerns.
    """

    channel: str
    realm: str
    key: str
    inbox_id: int
    sender: str
    sent_at: datetime
    received_at: datetime
    kind: str
    text: str = ""
    media: str | None = None
    file_name: str | None = None
    event: str = ""
    button: str = ""
    task_id: str = ""
    response_code: str = ""
    related_key: str = ""
    chat_id: str = ""
    film_target: FilmTarget | None = None

    @property
    def ordering_key(self) -> str:
        """What one person says is handled one thing after the other."""
        return f"sender/{self.realm}/{self.sender}"


@dataclass(frozen=True)
class MediaFetch:
    """What a handler leaves for the worker to do outside any transaction: fetch these bytes."""

    submission_id: int
    media: str
