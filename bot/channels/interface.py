"""What a channel provides: a way to send, to receive, to be polled, to sign in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from bot.channels.ssrf_guard import SsrfGuard
from bot.channels.wecom_api.client import StoreFactory
from bot.channels.wecom_api.login import WeComLogin
from bot.clock import Clock
from bot.config import Config
from handlers.message import Message
from storage.inbox import InboundMessage
from storage.outbound import FileLoader, OutboundMessage
from storage.personal_channels import PersonalChannel


@dataclass(frozen=True)
class SendResult:
    """The platform accepted a message: its id there, and the code with which a card can be changed later."""

    platform_message_id: str | None = None
    response_code: str | None = None


@dataclass(frozen=True)
class ChannelLimits:
    """At most `max_messages` per `period` (and `max_per_hour`) on each route; sizes in bytes of UTF-8 and of the file.
    Of these, `kept_for_emergencies` are only used by notices of an emergency.

    `max_file_bytes` 0: the channel carries no files. `markdown`: its texts are read as markdown. `cards_always_shown`:
    every client of this channel shows cards, so a card needs no copy in text.
    """

    max_messages: int
    period: timedelta
    max_text_bytes: int
    max_file_bytes: int
    max_per_hour: int | None = None
    kept_for_emergencies: int = 0
    markdown: bool = False
    supports_cards: bool = True
    cards_always_shown: bool = False


class Channel(Protocol):
    """The sending side. `dedupes_repeats`: the platform drops a repeat of a message within its dedupe window.
    `counts_for_outage`: a failure here is evidence of a WeChat outage, which excuses late films."""

    limits: ChannelLimits
    dedupes_repeats: bool
    counts_for_outage: bool

    @property
    def personal_channel(self) -> PersonalChannel | None:
        """How it reaches single people; None for a channel that does not."""

    def send(self, address: str, message: OutboundMessage, load_file: FileLoader) -> SendResult:
        """Send one message. Raises ChannelError."""


class MarkedStream(Iterator[bytes]):
    """The chunks of a film. A string among them is not data: it becomes the mark to put on the submission."""

    def __init__(self, chunks: Iterator[bytes | str]) -> None:
        self._chunks, self.mark = chunks, ""

    def __next__(self) -> bytes:
        for chunk in self._chunks:
            if isinstance(chunk, bytes):
                return chunk
            self.mark = chunk
        raise StopIteration


@dataclass(frozen=True)
class PollResult:
    """The messages of one call, the cursor for the next, and whether there is more already."""

    messages: Sequence[InboundMessage]
    cursor: str
    has_more: bool


class PollSource(Protocol):
    """A platform that holds messages until they are fetched. `min_poll_interval` applies to calls without the token
    of a notification."""

    min_poll_interval: timedelta

    def poll(self, cursor: str, token: str | None) -> PollResult:
        """The messages after `cursor`. Raises PollTokenInvalid, or another ChannelError."""


class Receiver(Protocol):
    """The receiving side, whichever way its messages reach the inbox."""

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """Read a stored message."""

    def fetch(self, media: str) -> Iterator[bytes]:
        """The bytes of a film or photo, in chunks. Raises ChannelError."""


@runtime_checkable
class RedactingReceiver(Protocol):
    """A receiver whose messages hold secrets that are not needed once they are handled, such as the key of a film."""

    def redact(self, raw: str) -> str:
        """The message without its secrets, to be stored once it is handled."""


@runtime_checkable
class CallbackReceiver(Receiver, Protocol):
    """A receiver with a callback URL."""

    def verify_url(self, query: Mapping[str, str]) -> str:
        """The answer to the platform's URL verification. Raises CallbackRejected."""

    def receive(self, query: Mapping[str, str], body: bytes) -> InboundMessage:
        """Check the signature, decrypt, and derive the key. Raises CallbackRejected."""


@runtime_checkable
class Diagnosable(Protocol):
    """A receiver that can check its settings against the platform."""

    def diagnose(self) -> str | None:
        """A description of the problem, None without one; sends no message."""


@dataclass(frozen=True)
class ChannelContext:
    """What a channel is built from; `transaction` and `read` open the database that all processes share."""

    config: Config
    clock: Clock
    transaction: StoreFactory
    read: StoreFactory
    ssrf_guard: SsrfGuard


@dataclass(frozen=True)
class ChannelParts:
    """The parts of one channel that the settings switch on, and the base URL of the platform they call."""

    channel: Channel | None = None
    receiver: Receiver | None = None
    source: PollSource | None = None
    login: WeComLogin | None = None
    api_url: str | None = None
