"""Why a notice or an attempt did not arrive, as it is recorded; the words of the platform stand beside it."""

from __future__ import annotations

from enum import StrEnum


class DeliveryCause(StrEnum):
    """The columns `notice.cause` and `delivery_attempt.cause`."""

    PLATFORM_DOWN = "platform_down"
    NO_ANSWER = "no_answer"
    INTERRUPTED = "interrupted"
    THROTTLED = "throttled"
    SETTINGS = "settings"
    REFUSED = "refused"
    WINDOW_CLOSED = "window_closed"
    UNREACHABLE = "unreachable"
    LEFT = "left"
    ROUTE_CLOSED = "route_closed"
    REACHABLE_AGAIN = "reachable_again"
    NO_ACCOUNT = "no_account"
    NO_ROUTE = "no_route"
    CHANNEL_OFF = "channel_off"
    TRUE_AGAIN = "true_again"
    NO_LONGER_TRUE = "no_longer_true"
    OTHER_FORM = "other_form"
    DEAD_LINK = "dead_link"


# The person could not be reached, whatever this service did.
CAUSES_AT_RECIPIENT = frozenset(
    {
        DeliveryCause.WINDOW_CLOSED,
        DeliveryCause.UNREACHABLE,
        DeliveryCause.LEFT,
        DeliveryCause.NO_ACCOUNT,
        DeliveryCause.NO_ROUTE,
    }
)
