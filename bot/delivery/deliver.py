"""`deliver`: from a notice row to its channel.

In one transaction: is the notice due, within the rate and still true? Render it and record the attempt. Then send,
and record the outcome in a second transaction. A crash in between leaves the notice in `sending`: where the platform
drops repeats it is resent exactly, elsewhere it becomes `unknown`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.channels.errors import ChannelError, OutcomeUnknown, Permanent, Transient
from bot.channels.interface import Channel
from bot.channels.registry import Channels
from bot.clock import monotonic, real_delay, sleep, wall_now
from bot.delivery.attachments import Attachments
from bot.delivery.failover import by_template, ensure_route_open, skip_reason
from bot.delivery.outcomes import Attempt, OutcomeRecorder
from bot.delivery.rate_limits import earliest_send_at
from bot.delivery.rendering import Renderer
from bot.delivery.resend import first_send, may_resend, with_unknown_outcome
from bot.delivery.send_checks import SendCheck
from bot.engine import delivery_job, retry
from bot.unit_of_work import TransactionStore, UnitOfWork
from storage.db.models import Notice
from storage.delivery_causes import DeliveryCause
from storage.errors import DatabaseUnavailable
from storage.notices import FINAL_STATES, NoticeDraft, NoticeForm
from storage.objects import ObjectError
from storage.outbound import OutboundMessage, encode

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeliveryTimings:
    """`lease` is longer than any call may take: after it, an attempt without an outcome was interrupted.

    An outcome waits `outcome_wait_s` for an unavailable database, well within the lease.
    """

    lease: timedelta = timedelta(minutes=4)
    outcome_wait_s: float = 120.0
    outcome_retry_s: float = 1.0
    wall_now: Callable[[], datetime] = wall_now


class Delivery:
    """Sends due notices through the channels."""

    def __init__(
        self,
        uow: UnitOfWork,
        channels: Channels,
        checks: Mapping[str, SendCheck],
        attachments: Attachments,
        timings: DeliveryTimings | None = None,
    ) -> None:
        self._uow, self._clock, self._channels = uow, uow.clock, channels
        self._checks, self._attachments = checks, attachments
        self._timings = timings or DeliveryTimings()
        self._renderer = Renderer(uow.clock.is_rehearsal)
        self._outcomes = OutcomeRecorder(uow, attachments)

    def deliver(self, notice_id: int) -> None:
        """Bring one notice to its end, or schedule the next attempt."""
        self._attachments.check_link(notice_id)
        with self._uow.transaction() as store:
            attempt = self._claim(notice_id, store)
        if attempt is not None:
            self._send(attempt)

    def _claim(self, notice_id: int, store: TransactionStore) -> Attempt | None:
        notice, now = store.notices.get(notice_id), self._clock.now()
        if notice is None or notice.state in FINAL_STATES:
            return None
        channel = self._channels.senders.get(notice.channel)
        if channel is None:
            if ensure_route_open(notice, store, now):
                store.notices.record_outcome(notice.id, "failed", now, "channel_off", cause=DeliveryCause.CHANNEL_OFF)
            return None
        if not self._is_sendable(notice, channel, store):
            return None
        params = self._current_params(notice, store)
        return None if params is None else self._start_attempt(notice, params, channel, store)

    def _is_sendable(self, notice: Notice, channel: Channel, store: TransactionStore) -> bool:
        """Whether a notice may be sent now. If not, it has ended, was moved to another route, or is retried later."""
        now = self._clock.now()
        if notice.state == "sending" and not self._recover(notice, channel, store):
            return False
        message = notice.message
        if message is not None and message.outcome_unknown and not may_resend(message, self._timings.wall_now()):
            detail, cause = "outcome unknown, and too late to resend", DeliveryCause.NO_ANSWER
            store.notices.record_outcome(notice.id, "unknown", now, detail, cause=cause)
            return False
        if not self._is_in_time(notice, channel, store) or not ensure_route_open(notice, store, now):
            return False
        if reason := skip_reason(channel, notice, store):
            store.notices.record_outcome(notice.id, "cancelled", now, reason, cause=DeliveryCause.OTHER_FORM)
            return False
        return True

    def _recover(self, notice: Notice, channel: Channel, store: TransactionStore) -> bool:
        """Make an interrupted attempt due again where that is safe, else record that its outcome is unknown."""
        assert notice.lease_until is not None
        assert notice.message is not None
        lease_left = notice.lease_until - self._timings.wall_now()
        if lease_left > timedelta(0):
            store.jobs.append(retry(delivery_job(notice), lease_left))
            return False
        if not channel.dedupes_repeats:
            now, cause = self._clock.now(), DeliveryCause.INTERRUPTED
            store.notices.record_outcome(notice.id, "unknown", now, "the attempt was interrupted", cause=cause)
            return False
        notice.state, notice.detail = "due", "the attempt was interrupted"
        notice.body = encode(with_unknown_outcome(notice.message))
        store.session.flush()
        return True

    def _is_in_time(self, notice: Notice, channel: Channel, store: TransactionStore) -> bool:
        """Whether a notice is neither expired nor early, and its route has room."""
        now = self._clock.now()
        if notice.expires_at is not None and notice.expires_at <= now:
            store.notices.record_outcome(notice.id, _unless_unknown("expired", notice), now)
            self._attachments.mark_push_unsent(notice, store)
            return False
        send_at = earliest_send_at(notice, channel.limits, store, now)
        if send_at > now:
            store.jobs.append(retry(delivery_job(notice), real_delay(self._clock, send_at)))
            return False
        return True

    def _current_params(self, notice: Notice, store: TransactionStore) -> dict[str, Any] | None:
        """The parameters as its check gives them now; None if it is no longer true, which cancels it."""
        check = self._checks.get(notice.check_name or "")
        params = check(notice, self._uow.context(store)) if check else notice.params
        if params is None:
            state, now, cause = _unless_unknown("cancelled", notice), self._clock.now(), DeliveryCause.NO_LONGER_TRUE
            store.notices.record_outcome(notice.id, state, now, "no longer true", cause=cause)
        return params

    def _start_attempt(
        self, notice: Notice, params: dict[str, Any], channel: Channel, store: TransactionStore
    ) -> Attempt | None:
        """Resend the stored message, or render one."""
        remaining: list[Any] = []
        message = notice.message
        if message is None:
            message, remaining = self._render(notice, params, channel, store)
        now, wall_now = self._clock.now(), self._timings.wall_now()
        attempt_id = store.notices.start_attempt(notice.id, now, wall_now, self._timings.lease, message)
        if attempt_id is None:
            return None
        if remaining:
            self._add_continuation(notice, params, remaining, store)
        return Attempt(notice, channel, attempt_id, message)

    def _render(
        self, notice: Notice, params: dict[str, Any], channel: Channel, store: TransactionStore
    ) -> tuple[OutboundMessage, list[Any]]:
        """The message of a first send, and the enterprise codes of a wave for which it has no room."""
        rendered = self._renderer.render(notice, params, channel.limits)
        payload = self._attachments.complete_payload(notice, rendered.payload, channel, store)
        sequence, wall_now = store.notices.latest_sequence(notice.route) + 1, self._timings.wall_now()
        is_template = by_template(notice, store, self._clock.now())
        return first_send(notice, payload, sequence, by_template=is_template, wall_now=wall_now), rendered.remaining

    def _add_continuation(
        self, notice: Notice, params: dict[str, Any], codes: list[Any], store: TransactionStore
    ) -> None:
        """Add a notice for the rest of a long wave, which is checked again when it is sent."""
        group = store.register.group(notice.params["group"])
        shown = len(params["codes"]) - len(codes)
        draft = NoticeDraft(
            kind=notice.kind,
            text_key=notice.text_key,
            once_key=f"{notice.once_key}+",
            night=notice.night,
            due_at=notice.due_at,
            params={**notice.params, "only": codes, "offset": params["offset"] + shown},
            form=NoticeForm(notice.form),
            check_name=notice.check_name,
            expires_at=notice.expires_at,
        )
        if group is not None:
            store.notices.add_for_group(group, draft)

    def _send(self, attempt: Attempt) -> None:
        """The channel gets a message without `outcome_unknown`, so that a resend is equal to the first send."""
        message = replace(attempt.message, outcome_unknown=False)
        try:
            result = attempt.channel.send(attempt.notice.address, message, self._attachments.load_file)
        except Exception as error:  # noqa: BLE001 - every attempt gets an outcome
            failure = _as_channel_error(error)
            self._record(lambda store: self._outcomes.record_failure(attempt, failure, store))
        else:
            self._record(lambda store: self._outcomes.record_sent(attempt, result, store))

    def _record(self, outcome: Callable[[TransactionStore], None]) -> None:
        """Only this process knows the outcome of an attempt: it waits for an unavailable database."""
        deadline = monotonic() + self._timings.outcome_wait_s
        while True:
            try:
                with self._uow.transaction() as store:
                    return outcome(store)
            except DatabaseUnavailable:
                if monotonic() > deadline:
                    raise
                sleep(self._timings.outcome_retry_s)


def _unless_unknown(state: str, notice: Notice) -> str:
    """A notice whose outcome is unknown must not be recorded as unsent."""
    return "unknown" if notice.message is not None and notice.message.outcome_unknown else state


def _as_channel_error(error: Exception) -> ChannelError:
    """An unexpected exception may have come after the message was sent."""
    if isinstance(error, ChannelError):
        return error
    if isinstance(error, ObjectError):
        return Transient(str(error)) if error.transient else Permanent(str(error))
    log.error("an attempt failed unexpectedly", exc_info=error)
    return OutcomeUnknown(repr(error)[:200])
