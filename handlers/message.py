"""`Message`: one message of a person, from any channel. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

# Channels that deliver what people write to each other in their group, not to us.
ARCHIVE_CHANNELS = frozenset({"wecom_msgaudit"})


@dataclass(frozen=True)
class FilmTarget:
    """The night, enterprise and part of a film, where they are known before it arrives."""

    night: date
    enterprise_id: int
    part_id: int


@dataclass(frozen=True)
class Message:
    """One message. `sent_at` is the platform's time of sending, `key` is unique within the channel.

    `chat_id` is the group it was sent in, empty for a direct message. `kind` is one of text, film, photo, file, voice,
    location, link, press (a button), too_large (in place of a film that the platform does not deliver), event,
    unknown. `related_key` is the key of the message that an event is about.
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
        """Messages with the same key are handled one after the other."""
        return f"sender/{self.realm}/{self.sender}"
