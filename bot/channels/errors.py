"""What the platform can answer, as a short tree by what is to be done about it (protocol sheet, 14).

ChannelError
├── Transient       try again with back-off (class R, network)
│   └── Unheard     the answer got lost: it may have been done or not
├── MustWait        a frequency limit; wait for the window (class W)
├── TokenStale      refresh the token once, then try once more (class T)
├── BellStale       ask without the bell's token, slowly
├── Misconfigured   an operator must act (class C)
└── Permanent       this item will never go (class P)
    ├── MediaGone   the bytes are no longer there
    ├── Garbled     the bytes cannot be deciphered
    ├── WindowShut  nothing more may be said to this person until the next words of his
    ├── NotReachable  the platform does not deliver to this person
    │   └── Departed  he has gone: left, unfollowed, refused us
    └── Forbidden   an address that we do not go to
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ChannelError(Exception):
    """Something the platform refused or did not answer; `code` is its errcode where it gave one."""

    def __init__(self, detail: str, code: int | None = None) -> None:
        super().__init__(detail)
        self.detail, self.code = detail, code


class Transient(ChannelError):
    """May succeed when tried again."""


class OutcomeUnknown(Transient):
    """Sent, and no answer came: nobody can tell whether it was done."""


@contextmanager
def idempotent_call() -> Iterator[None]:
    """Around a call that posts nothing by itself: when its answer is lost, nobody can have heard anything."""
    try:
        yield
    except OutcomeUnknown as error:
        raise Transient(error.detail, error.code) from None


class RateLimited(ChannelError):
    """Too often; the same call is good again when the window is over."""


class TokenInvalid(ChannelError):
    """The access token is no longer accepted."""


class PollTokenInvalid(ChannelError):
    """The token that came with a bell is no longer accepted."""


class Misconfigured(ChannelError):
    """Settings or rights are wrong: every further call will fail the same way."""


class Permanent(ChannelError):
    """This one item can never succeed; `mark` is what stands on a film that it cost."""

    mark = "media_lost"


class MediaGone(Permanent):
    """The media id is unknown or its three days are over."""


class Undecryptable(Permanent):
    """Bytes whose key, length or padding is wrong."""

    mark = "media_garbled"


class ReplyWindowClosed(Permanent):
    """Too long after the person's last words, or too many answers to them."""


class RecipientUnreachable(Permanent):
    """The platform does not deliver to this person: unknown, out of range, not activated."""


class RecipientLeft(RecipientUnreachable):
    """The person has left, unfollowed or refused us."""


class AddressBlocked(Permanent):
    """An address that came with a message and leads where we do not go."""

    mark = "media_refused"


_TOKEN = {40001, 40014, 42001}
_WAIT = {45009, 43117}
_RETRY = {-1, 6000, 45033}
_GONE = {40007, 40004, 40005, 40006, 44001}
_BELL = {95007}
_SHUT = {45015, 45047, 95001}
_AWAY, _DEPARTED = {40003, 46004, 60111, 81013, 84061, 95013, 95018}, {43004, 43101}
_CONFIG = {
    40013,
    40056,
    40091,
    40164,
    48001,
    48002,
    48006,
    50001,
    50003,
    60011,
    60020,
    60021,
    80001,
    85005,
    92002,
    93000,
    93001,
    93004,
    93008,
    301002,
    301007,
    301042,
    301052,
    301053,
    701001,
    701058,
    850001,
    851014,
    95000,
    95004,
    95011,
    95012,
    95017,
    2000002,
    40125,
    40037,
}


def error_from_code(code: int, message: str) -> ChannelError:
    """The error for a platform's errcode; unknown codes are permanent for their item."""
    kinds: tuple[tuple[set[int], type[ChannelError]], ...] = (
        (_TOKEN, TokenInvalid),
        (_WAIT, RateLimited),
        (_RETRY, Transient),
        (_GONE, MediaGone),
        (_CONFIG, Misconfigured),
        (_BELL, PollTokenInvalid),
        (_SHUT, ReplyWindowClosed),
        (_AWAY, RecipientUnreachable),
        (_DEPARTED, RecipientLeft),
    )
    kind = next((kind for codes, kind in kinds if code in codes), Permanent)
    return kind(f"errcode {code}: {message[:200]}", code)
