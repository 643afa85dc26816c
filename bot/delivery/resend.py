"""The message of a first send, and for how long it may be resent.

A due notice with a stored message is resent exactly, one without is rendered. After an attempt whose outcome is
unknown only the very same message is safe, and only while the platform still drops repeats of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from storage.db.models import Notice
from storage.outbound import CardPayload, OutboundMessage, Payload, decode, encode

# A resend reaches the platform within this; it must not arrive after the dedupe window.
_IN_TRANSIT = timedelta(seconds=25)
# Their texts carry no number of their own, unlike those of the other kinds; a card has its task id.
_REPETITIVE_KINDS = ("system", "question")


def first_send(
    notice: Notice, payload: Payload, sequence: int, *, by_template: bool, wall_now: datetime
) -> OutboundMessage:
    """The message of a notice; `sequence` is above that of every other message of its route."""
    message = OutboundMessage(
        payload=payload,
        sequence=sequence,
        first_sent_at=wall_now,
        unique=notice.kind not in _REPETITIVE_KINDS or isinstance(payload, CardPayload),
        reply_to_inbox_id=notice.reply_to_inbox_id,
        by_template=by_template,
    )
    # Through JSON, as every resend: then they cannot differ.
    return decode(encode(message))


def with_unknown_outcome(message: OutboundMessage) -> OutboundMessage:
    """The same message after an attempt that ended without an answer."""
    return replace(message, outcome_unknown=True)


def may_resend(message: OutboundMessage, wall_now: datetime) -> bool:
    """Whether the platform still drops a repeat of the message."""
    return timedelta(0) <= wall_now - message.first_sent_at < message.dedupe_window - _IN_TRANSIT
