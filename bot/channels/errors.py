"""What a platform can answer, by what must be done about it.

ChannelError
├── Transient             retry with backoff
│   └── OutcomeUnknown    no answer came: the call may have been carried out
├── RateLimited           wait until the platform's window has passed
├── TokenInvalid          refresh the access token once, then retry once
├── PollTokenInvalid      poll without the notification's token, at the slower rate
├── Misconfigured         an operator must act
└── Permanent             this item will never succeed
    ├── MediaGone             the bytes are no longer available
    ├── Undecryptable         the bytes cannot be decrypted
    ├── ReplyWindowClosed     nothing more may be sent to this person until their next message
    ├── RecipientUnreachable  the platform does not deliver to this person
    │   └── RecipientLeft     the person has left, unfollowed or refused us
    └── AddressBlocked        the SSRF guard refuses the address

CallbackRejected is the answer to a callback that is not accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from storage.delivery_causes import DeliveryCause


class ChannelError(Exception):
    """A call that failed; `code` is the platform's errcode where it gave one. `detail` holds no secret."""

    cause = DeliveryCause.REFUSED

    def __init__(self, detail: str, code: int | None = None) -> None:
        super().__init__(detail)
        self.detail, self.code = detail, code


class Transient(ChannelError):
    """Nothing was done, or doing it again is harmless: retry with backoff."""

    cause = DeliveryCause.PLATFORM_DOWN


class OutcomeUnknown(Transient):
    """The request was sent and no answer came."""

    cause = DeliveryCause.NO_ANSWER


@contextmanager
def idempotent_call() -> Iterator[None]:
    """Around a call that may be repeated without harm: a lost answer is an ordinary failure."""
    try:
        yield
    except OutcomeUnknown as error:
        raise Transient(error.detail, error.code) from None


class RateLimited(ChannelError):
    """Too many calls: the same call succeeds after the platform's window."""

    cause = DeliveryCause.THROTTLED


def trouble_with(channel: str, error: Exception) -> str:
    """The name under which the log counts an error: an unreachable platform is one trouble for all its calls."""
    return channel if isinstance(error, Transient) else f"{channel}: {type(error).__name__}"


class TokenInvalid(ChannelError):
    """The access token expired early or was replaced."""

    cause = DeliveryCause.PLATFORM_DOWN


class PollTokenInvalid(ChannelError):
    """The token of a notification expired; polling works without it."""


class Misconfigured(ChannelError):
    """Settings or permissions are wrong: every further call would fail the same way."""

    cause = DeliveryCause.SETTINGS


class Permanent(ChannelError):
    """`mark` is put on the submission whose film was lost by it."""

    mark = "media_lost"


class MediaGone(Permanent):
    """The media id is unknown or expired (after three days in WeCom, five minutes for the smart bot)."""


class Undecryptable(Permanent):
    """The key, the length or the padding of encrypted media is wrong."""

    mark = "media_garbled"


class ReplyWindowClosed(Permanent):
    """Too long after the person's last message, or too many messages since."""

    cause = DeliveryCause.WINDOW_CLOSED


class RecipientUnreachable(Permanent):
    """The person is unknown, not activated, or outside the app's visible range."""

    cause = DeliveryCause.UNREACHABLE


class RecipientLeft(RecipientUnreachable):
    """The person unfollowed the account or refuses its messages."""

    cause = DeliveryCause.LEFT


class AddressBlocked(Permanent):
    """Raised by the SSRF guard."""

    mark = "media_refused"


class CallbackRejected(Exception):
    """A callback that is not accepted: `status` is the HTTP answer, `reason` goes to the counter and the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


_CODES: dict[type[ChannelError], set[int]] = {
    TokenInvalid: {40001, 40014, 42001},
    RateLimited: {45009, 43117},
    Transient: {-1, 6000, 45033},
    MediaGone: {40007, 40004, 40005, 40006, 44001},
    PollTokenInvalid: {95007},
    ReplyWindowClosed: {45015, 45047, 95001},
    RecipientUnreachable: {40003, 46004, 60111, 81013, 84061, 95013, 95018},
    RecipientLeft: {43004, 43101},
    Misconfigured: (
        {40013, 40037, 40056, 40091, 40125, 40164, 48001, 48002, 48006, 50001, 50003}
        | {60011, 60020, 60021, 80001, 85005, 92002, 93000, 93001, 93004, 93008}
        | {95000, 95004, 95011, 95012, 95017, 301002, 301007, 301042, 301052, 301053}
        | {701001, 701058, 850001, 851014, 2000002}
    ),
}
_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes}


def error_from_code(code: int, message: str) -> ChannelError:
    """The error for a platform's errcode; an unknown code is permanent for its item."""
    return _KINDS.get(code, Permanent)(f"errcode {code}: {message[:200]}", code)
