"""Messages as they leave through a channel, and their JSON in `notice.body`.

Pure: no database, no texts, no channel. A resend must be identical to the first send, because WeCom and customer
service drop a repeat only if it is the same message. So everything that shapes the call to the platform is in here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import Discriminator, TypeAdapter

# Where WeCom takes an account, this stands for all of them.
EVERYBODY = "@all"


class NoticeForm(StrEnum):
    """The form that the author of a notice asks for (column `notice.form`); the channel decides how to render it."""

    TEXT = "text"
    WAVE = "wave"
    ALERT = "alert"
    BUTTONS = "buttons"
    SELECTION = "selection"
    REVIEW = "review"
    BINDING = "binding"
    CARD_UPDATE = "card_update"
    WELCOME = "welcome"
    PICTURE = "picture"
    CONTENT = "content"
    REPORT_FILE = "report_file"

    @property
    def is_card(self) -> bool:
        """Whether it is a card with buttons or options."""
        return self in (
            NoticeForm.ALERT,
            NoticeForm.BUTTONS,
            NoticeForm.SELECTION,
            NoticeForm.REVIEW,
            NoticeForm.BINDING,
        )

    @property
    def is_pinned(self) -> bool:
        """Whether it belongs to one card or chat, so that no other channel can carry it."""
        return self in (NoticeForm.CARD_UPDATE, NoticeForm.WELCOME)


class MessageForm(StrEnum):
    """A message that is sent through a channel."""

    TEXT = "text"
    CARD = "card"
    CARD_UPDATE = "card_update"
    WELCOME = "welcome"
    LINK = "link"
    FILE = "file"
    IMAGE = "image"


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """A file of the object store."""

    object_key: str
    kind: Literal["object"] = "object"


@dataclass(frozen=True, kw_only=True)
class StillFrame:
    """One frame of a film, extracted when it is sent."""

    film_key: str
    at_s: float
    kind: Literal["still"] = "still"


@dataclass(frozen=True, kw_only=True)
class DailyWorkbook:
    """The workbook of a daily report as it was issued."""

    night: date
    kind: Literal["daily"] = "daily"


FileSource: TypeAlias = Annotated[StoredObject | StillFrame | DailyWorkbook, Discriminator("kind")]
FileLoader: TypeAlias = Callable[[FileSource], bytes]


class Choice(NamedTuple):
    """A button or an option: the key the platform sends back when it is chosen, and its label."""

    key: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Dropdown:
    """Shows the choices as a list with a submit button instead of one button each."""

    label: str
    submit: str


@dataclass(frozen=True, kw_only=True)
class _Payload:
    """`text` is also what a channel sends that cannot carry the form."""

    text: str


@dataclass(frozen=True, kw_only=True)
class TextPayload(_Payload):
    """Only group robots can mention people."""

    form: Literal[MessageForm.TEXT] = MessageForm.TEXT
    mention_users: tuple[str, ...] = ()
    mention_mobiles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CardPayload(_Payload):
    """`task_id` must be unique for the app; it comes back with the click. `url` opens when the card is tapped."""

    form: Literal[MessageForm.CARD] = MessageForm.CARD
    title: str
    task_id: str
    choices: tuple[Choice, ...]
    dropdown: Dropdown | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class CardUpdatePayload(_Payload):
    """`text` replaces the buttons of the card that `response_code` names; the code works once."""

    form: Literal[MessageForm.CARD_UPDATE] = MessageForm.CARD_UPDATE
    response_code: str


@dataclass(frozen=True, kw_only=True)
class WelcomePayload(_Payload):
    """Answers the opening of a chat; does not count against the reply window."""

    form: Literal[MessageForm.WELCOME] = MessageForm.WELCOME
    response_code: str


@dataclass(frozen=True, kw_only=True)
class LinkPayload(_Payload):
    """`text` is the description under the title."""

    form: Literal[MessageForm.LINK] = MessageForm.LINK
    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class FilePayload(_Payload):
    """`name` has the suffix by which the platform recognizes the type."""

    form: Literal[MessageForm.FILE, MessageForm.IMAGE]
    name: str
    source: FileSource


Payload: TypeAlias = Annotated[
    TextPayload | CardPayload | CardUpdatePayload | WelcomePayload | LinkPayload | FilePayload, Discriminator("form")
]

# A message that is unique is the same only if it is a repeat: half an hour. The text of an answer may soon be needed
# again: its window is short, yet longer than it takes to detect a dead worker, and differs from that of the 89
# messages before it on the same route, so that two equal answers in a row are two messages to the platform.
_UNIQUE_S, _ANSWER_S, _SPREAD = 1800, 90, 90


@dataclass(frozen=True, kw_only=True)
class OutboundMessage:
    """One message, from its first send to its outcome.

    `sequence` is its place among the messages of its route and `first_sent_at` (wall clock) the first attempt; both
    stay the same when it is resent. `unique`: no other message has this text, it carries a number of its own.
    `reply_to_inbox_id` is the inbox row it answers. `by_template`: sent outside the reply window, with the platform's
    template. `outcome_unknown`: an attempt ended without an answer, so it may have arrived.
    """

    payload: Payload
    sequence: int
    first_sent_at: datetime
    unique: bool = False
    reply_to_inbox_id: int | None = None
    by_template: bool = False
    outcome_unknown: bool = False

    @property
    def dedupe_window(self) -> timedelta:
        """For how long the platform is asked to drop repeats; zero for a file, whose media id differs each time."""
        if isinstance(self.payload, FilePayload):
            return timedelta(0)
        return timedelta(seconds=_UNIQUE_S if self.unique else _ANSWER_S + self.sequence % _SPREAD)

    @property
    def uses_reply_quota(self) -> bool:
        """Whether it counts against the messages a platform allows after a person's last one."""
        return not self.by_template and self.payload.form is not MessageForm.WELCOME

    @property
    def identity(self) -> str:
        """The same for every resend, different for every other message of the route."""
        return json.dumps(encode(replace(self, outcome_unknown=False)), ensure_ascii=False, sort_keys=True)


@cache
def _adapter() -> TypeAdapter[OutboundMessage]:
    """It takes longer to build than most commands take, and they encode no message."""
    return TypeAdapter(OutboundMessage)


def encode(message: OutboundMessage) -> dict[str, Any]:
    """The JSON of `notice.body`."""
    body: dict[str, Any] = _adapter().dump_python(message, mode="json")
    return body


def decode(body: dict[str, Any]) -> OutboundMessage:
    """The inverse of `encode`. Raises ValueError for a body that is not a message."""
    return _adapter().validate_python(body)
