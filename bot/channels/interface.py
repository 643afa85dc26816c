"""What every channel gives the bot, and what every door does besides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from bot.channels.ssrf_guard import SsrfGuard
from bot.channels.wecom_api.client import StoreFactory
from bot.channels.wecom_api.login import WeComLogin
from bot.clock import Clock
from bot.config import Config
from handlers.message import Message
from storage.personal_channels import PersonalChannel

OutboundMessage = dict[str, Any]
FileLoader = Callable[[], bytes]


# A repeat of what carries its own number is dropped for half an hour. An answer without one may be wanted again
# soon, word for word: its time is short (yet longer than it takes others to miss a dead worker), and differs from
# that of so many before it on the same route that only a repeat is the same.
_NUMBERED_S, _ANSWER_S = 1800, 90
_TURNS = 90


def dedupe_window(message: OutboundMessage) -> timedelta:
    """For how long a channel whose repeats are safe is to drop the same body if it comes again.

    A file is uploaded anew each time and is never the same message.
    """
    if message["form"] in ("file", "picture"):
        return timedelta(0)
    return timedelta(seconds=_NUMBERED_S if message.get("numbered") else _ANSWER_S + message.get("turn", 0) % _TURNS)


@dataclass(frozen=True)
class SendResult:
    """The platform took it: its own id for the message, and the code that can change a card later."""

    platform_message_id: str | None = None
    response_code: str | None = None


@dataclass(frozen=True)
class ChannelLimits:
    """What a channel can carry: so many messages in so long (and in an hour) per route, so many bytes of UTF-8,
    files up to a size (0: none), cards with buttons or words only; `legible` where every client shows them."""

    max_messages: int
    period: timedelta
    max_text_bytes: int
    max_file_bytes: int
    max_per_hour: int | None = None
    supports_cards: bool = True
    cards_always_shown: bool = False


class Channel(Protocol):
    """A way out. `repeats_are_safe` says that the platform itself drops the same message within its `repeat_window`,
    `of_platform` that those who film hear from us by the same one and its silence excuses them."""

    limits: ChannelLimits
    dedupes_repeats: bool
    counts_for_outage: bool

    @property
    def personal_channel(self) -> PersonalChannel | None:
        """The line it is to single people, if it is one."""

    def send(self, address: str, body: OutboundMessage, load_file: FileLoader | None) -> SendResult:
        """Send one message. Raises ChannelError."""


@dataclass(frozen=True)
class SourceNotification:
    """A callback that says nothing itself: the source of this name has something; `token` lets us ask more often."""

    source: str
    token: str | None = None


@dataclass(frozen=True)
class InboundMessage:
    """A callback that is genuine: the key under which it is heard once, and its plain content."""

    key: str
    raw: str
    notification: SourceNotification | None = None


class MarkedStream(Iterator[bytes]):
    """The bytes of a film in pieces; a word among them is what is to be noted of it."""

    def __init__(self, chunks: Iterator[bytes | str]) -> None:
        self._pieces, self.mark = chunks, ""

    def __next__(self) -> bytes:
        for piece in self._pieces:
            if isinstance(piece, bytes):
                return piece
            self.mark = piece
        raise StopIteration


@dataclass(frozen=True)
class PollResult:
    """What a source gave: messages, where to go on from, and whether there is more at once."""

    messages: Sequence[InboundMessage]
    cursor: str
    has_more: bool


class PollSource(Protocol):
    """A platform that keeps messages until they are fetched. `spacing` is the least time between two calls when no
    bell's token comes with them."""

    min_poll_interval: timedelta

    def poll(self, cursor: str, token: str | None) -> PollResult:
        """What came after `cursor`. Raises BellStale, or another ChannelError."""


class Receiver(Protocol):
    """A way in, however its messages come to be kept."""

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """What a kept message says."""

    def fetch(self, media: str) -> Iterator[bytes]:
        """The bytes of a film or photo, in pieces. Raises ChannelError."""


@runtime_checkable
class RedactingReceiver(Protocol):
    """A door whose messages hold what nobody needs once they are done with, such as the key of a film."""

    def redact(self, raw: str) -> str:
        """What is kept of a message that is done with."""


@runtime_checkable
class CallbackReceiver(Receiver, Protocol):
    """A way in by callbacks."""

    def verify_url(self, query: Mapping[str, str]) -> str:
        """The plain text that proves to the platform that this address is ours. Raises Rejected."""

    def receive(self, query: Mapping[str, str], body: bytes) -> InboundMessage:
        """Check, decrypt and key a callback. Raises Rejected."""


@runtime_checkable
class Diagnosable(Protocol):
    """A door that can tell what is wrong with its settings, for the doctor."""

    def diagnose(self) -> str | None:
        """What is wrong, None when the platform takes them; says nothing to anybody."""


@dataclass(frozen=True)
class ChannelContext:
    """What a builder makes its door of: the settings, the clock, the database that all processes share, and the way
    to addresses that stand in messages."""

    config: Config
    clock: Clock
    transaction: StoreFactory
    read: StoreFactory
    ssrf_guard: SsrfGuard


@dataclass(frozen=True)
class ChannelParts:
    """What the settings have switched on under one name: a way out, a way in, one to be asked, one to sign in by,
    and the platform's address that they call."""

    channel: Channel | None = None
    receiver: Receiver | None = None
    source: PollSource | None = None
    login: WeComLogin | None = None
    api_url: str | None = None


class CallbackRejected(Exception):
    """A callback that is not kept; `status` is the HTTP answer, `reason` goes to the counter and the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason
