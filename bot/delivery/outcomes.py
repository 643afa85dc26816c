"""Handling the outcome of an attempt: done, retry, unknown, or failed with a failover or an alert."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from bot.background import backoff
from bot.channels.errors import ChannelError, Misconfigured, OutcomeUnknown, RateLimited, Transient, trouble_with
from bot.channels.interface import Channel, SendResult
from bot.clock import real_delay
from bot.delivery.attachments import Attachments
from bot.delivery.failover import fail_over
from bot.delivery.rate_limits import RATE_LIMITED
from bot.delivery.resend import with_unknown_outcome
from bot.engine import delivery_job, retry
from bot.logs import over, trouble
from bot.monitoring.office_alerts import notify_channel_failure
from bot.monitoring.outage_recorder import PlatformMonitor
from bot.unit_of_work import TransactionStore, UnitOfWork
from storage.db.models import Notice
from storage.delivery_causes import DeliveryCause
from storage.outbound import OutboundMessage

log = logging.getLogger(__name__)

# Escalation must not wait for a dead platform: after so many attempts the next rung's people are alerted.
_URGENT_KINDS, _URGENT_TRIES = ("alert", "escalation"), 4


@dataclass(frozen=True)
class Attempt:
    """A claimed notice and the message to send."""

    notice: Notice
    channel: Channel
    id: int
    message: OutboundMessage


class OutcomeRecorder:
    """Records outcomes, each within the caller's transaction."""

    def __init__(self, uow: UnitOfWork, attachments: Attachments) -> None:
        self._uow, self._clock, self._attachments = uow, uow.clock, attachments
        self._platform_monitor = PlatformMonitor(uow.clock)

    def record_sent(self, attempt: Attempt, result: SendResult, store: TransactionStore) -> None:
        """The platform accepted the message."""
        log.info("%s works again", attempt.notice.channel, extra=over(attempt.notice.channel))
        if attempt.channel.counts_for_outage:
            self._platform_monitor.record_result(store, None)
        store.notices.record_outcome(
            attempt.notice.id,
            "sent",
            self._clock.now(),
            attempt_id=attempt.id,
            platform_message_id=result.platform_message_id,
            response_code=result.response_code,
        )
        store.contacts.record_delivery(attempt.notice.route)

    def record_failure(self, attempt: Attempt, error: ChannelError, store: TransactionStore) -> None:
        """Retry what may succeed later; the rest ends as unknown or failed."""
        notice, channel = attempt.notice, attempt.channel
        subject = trouble(trouble_with(notice.channel, error))
        log.warning("notice %d was not sent over %s: %s", notice.id, notice.channel, error.detail, extra=subject)
        if channel.counts_for_outage:
            self._platform_monitor.record_result(store, error)
        if isinstance(error, RateLimited):
            wait = real_delay(self._clock, self._clock.now() + channel.limits.period)
            message = attempt.message if attempt.message.outcome_unknown else None
            self._retry(attempt, wait, f"{RATE_LIMITED}: {error.detail}", message, error.cause, store)
        elif isinstance(error, OutcomeUnknown) and not channel.dedupes_repeats:
            now, cause = self._clock.now(), error.cause
            store.notices.record_outcome(notice.id, "unknown", now, error.detail, attempt.id, cause=cause)
        elif isinstance(error, Transient) and not _is_hopeless(notice):
            wait, message = backoff(notice.attempts + 1), _to_resend(attempt, error)
            self._retry(attempt, wait, error.detail, message, error.cause, store)
        else:
            self._end(attempt, error, store)

    def _retry(
        self,
        attempt: Attempt,
        wait: timedelta,
        detail: str,
        message: OutboundMessage | None,
        cause: DeliveryCause,
        store: TransactionStore,
    ) -> None:
        notice = attempt.notice
        store.notices.postpone(notice.id, self._clock.now(), detail, attempt.id, message, cause)
        store.jobs.append(retry(delivery_job(notice), wait))

    def _end(self, attempt: Attempt, error: ChannelError, store: TransactionStore) -> None:
        notice, now = attempt.notice, self._clock.now()
        is_unknown = isinstance(error, OutcomeUnknown) or attempt.message.outcome_unknown
        state = "unknown" if is_unknown else "failed"
        store.notices.record_outcome(notice.id, state, now, error.detail, attempt.id, cause=error.cause)
        self._attachments.mark_push_unsent(notice, store)
        if isinstance(error, Misconfigured):
            notify_channel_failure(notice, error, self._uow.context(store))
        if not is_unknown:
            fail_over(notice, attempt.message, error, store, now)


def _is_hopeless(notice: Notice) -> bool:
    return notice.kind in _URGENT_KINDS and notice.attempts + 1 >= _URGENT_TRIES


def _to_resend(attempt: Attempt, error: Transient) -> OutboundMessage | None:
    """The message to resend exactly; None to render it anew, if it cannot have arrived."""
    if isinstance(error, OutcomeUnknown):
        return with_unknown_outcome(attempt.message)
    may_have_arrived = attempt.message.outcome_unknown or (attempt.channel.dedupes_repeats and error.code is None)
    return attempt.message if may_have_arrived else None
