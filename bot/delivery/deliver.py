"""`deliver`: from a notice row to its channel. Still true? Within the rate? Attempt on record, send, outcome on record.

A crash between the attempt and its outcome leaves a notice in `sending`. Where the platform itself
drops repeats it is sent again word for word; elsewhere it becomes `unknown`, and is never claimed as sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.channels import Channel, Channels
from bot.channels.errors import ChannelError, Misconfigured, OutcomeUnknown, Permanent, RateLimited, Transient
from bot.channels.interface import OutboundMessage, SendResult
from bot.clock import monotonic, real_delay, sleep, wall_now
from bot.delivery.applicability import skip_reason
from bot.delivery.attachments import Attachments
from bot.delivery.failover import ensure_route_open, fail_over, reply_window_flags
from bot.delivery.rate_limits import RATE_LIMITED, earliest_send_at
from bot.delivery.rendering import Renderer
from bot.delivery.resend import mark_first_sent, mark_outcome_unknown, original_body, outcome_unknown, resend_is_safe
from bot.engine import DELIVER, retry_job
from bot.intake.take_in import backoff
from bot.monitoring.office_alerts import notify_channel_failure
from bot.monitoring.outage_recorder import PlatformMonitor
from bot.unit_of_work import TransactionStore, UnitOfWork
from schedules.context import Context
from storage.db.models import Notice
from storage.errors import DatabaseUnavailable
from storage.notices import FINAL_STATES, NoticeDraft
from storage.objects import ObjectError

log = logging.getLogger(__name__)

SendCheck = Callable[[Notice, Context], dict[str, Any] | None]
# Longer than any one call may take; after it an attempt without an outcome has broken off.
_LEASE = timedelta(minutes=4)
# So long an outcome waits for the database; well within the lease, after which it is anybody's guess.
_OUTCOME_PATIENCE_S, _AWAY_S = 120.0, 1.0
# How the detail of a notice begins whose last attempt may have arrived.
_UNHEARD = "unheard"
# An alert must not wait for a dead platform: the ladder goes on to the next rung.
_URGENT, _URGENT_TRIES = ("alert", "escalation"), 4


@dataclass(frozen=True)
class _Attempt:
    """One claimed notice, ready to leave."""

    notice: Notice
    id: int
    body: OutboundMessage


class Delivery:
    """Sends due notices through the channels."""

    def __init__(
        self, uow: UnitOfWork, channels: Channels, checks: Mapping[str, SendCheck], attachments: Attachments
    ) -> None:
        self._memory, self._clock, self._switchboard = uow, uow.clock, channels
        self._checks, self._attachments = checks, attachments
        self._renderer, self._watch = Renderer(uow.clock.is_rehearsal), PlatformMonitor(uow.clock)

    def deliver(self, notice_id: int) -> None:
        """Carry one notice to its end, or arrange its next try."""
        self._attachments.check_link(notice_id)
        with self._memory.transaction() as store:
            attempt = self._claim(notice_id, store)
        if attempt is not None:
            self._send(attempt)

    def _claim(self, notice_id: int, store: TransactionStore) -> _Attempt | None:
        notice, now = store.notices.get(notice_id), self._clock.now()
        if notice is None or notice.state in FINAL_STATES:
            return None
        channel = self._switchboard.senders.get(notice.channel)
        if channel is None:
            if ensure_route_open(notice, store, now):
                store.notices.record_outcome(notice.id, "failed", now, "channel_off")
            return None
        if notice.state == "sending" and not self._recovered(notice, channel, store):
            return None
        if outcome_unknown(notice.body) and not resend_is_safe(notice.body or {}, wall_now()):
            store.notices.record_outcome(notice.id, "unknown", now, "nobody can tell, and it is too late to repeat it")
            return None
        if not self._may_leave(notice, channel, store) or not ensure_route_open(notice, store, now):
            return None
        if why := skip_reason(channel, notice, store):
            store.notices.record_outcome(notice.id, "cancelled", now, why)
            return None
        params = self._true_now(notice, store)
        return None if params is None else self._take(notice, params, channel, store)

    def _recovered(self, notice: Notice, channel: Channel, store: TransactionStore) -> bool:
        """An attempt that broke off: repeat it where that is safe, else own up to not knowing."""
        assert notice.lease_until is not None
        if notice.lease_until > wall_now():
            store.jobs.append(retry_job(DELIVER, notice.id, notice.route, notice.lease_until - wall_now()))
            return False
        if channel.dedupes_repeats:
            notice.state, notice.detail, notice.body = "due", _UNHEARD, mark_outcome_unknown(notice.body)
            store.session.flush()
            return True
        store.notices.record_outcome(notice.id, "unknown", self._clock.now(), "the attempt broke off")
        return False

    def _may_leave(self, notice: Notice, channel: Channel, store: TransactionStore) -> bool:
        """Neither too early, nor too late, nor too much for its route."""
        now = self._clock.now()
        if notice.expires_at is not None and notice.expires_at <= now:
            store.notices.record_outcome(notice.id, _unless_in_doubt("expired", notice), now)
            self._attachments.mark_push_unsent(notice, store)
            return False
        wait_until = earliest_send_at(notice, channel.limits, store, now)
        if wait_until > now:
            store.jobs.append(retry_job(DELIVER, notice.id, notice.route, real_delay(self._clock, wait_until)))
            return False
        return True

    def _true_now(self, notice: Notice, store: TransactionStore) -> dict[str, Any] | None:
        """The parameters with which it is said now; what has ceased to be true is cancelled."""
        check = self._checks.get(notice.check_name or "")
        params = check(notice, self._memory.context(store)) if check else notice.params
        if params is None:
            state = _unless_in_doubt("cancelled", notice)
            store.notices.record_outcome(notice.id, state, self._clock.now(), "no longer true")
        return params

    def _take(
        self, notice: Notice, params: dict[str, Any], channel: Channel, store: TransactionStore
    ) -> _Attempt | None:
        body, left_over = notice.body, []
        # A repeat of what may have arrived must be the same to the letter, or the platform cannot drop it.
        if body is None or not (outcome_unknown(body) or (notice.detail or "").startswith(_UNHEARD)):
            rendered = self._renderer.render(notice, params, channel.limits.max_text_bytes)
            whole = self._attachments.complete_body(notice, rendered.body, channel, store)
            whole |= {"answers": notice.reply_to_inbox_id, **reply_window_flags(notice, store, self._clock.now())}
            body = mark_first_sent(whole, store.notices.latest_sequence(notice.route) + 1, wall_now())
            left_over = rendered.overflow
        attempt_id = store.notices.start_attempt(notice.id, self._clock.now(), wall_now(), _LEASE, body)
        if attempt_id is None:
            return None
        if left_over:
            self._continue(notice, params, left_over, store)
        return _Attempt(notice, attempt_id, body)

    def _continue(self, notice: Notice, params: dict[str, Any], codes: list[str], store: TransactionStore) -> None:
        """The rest of a long wave goes into a further message, which is checked for truth again."""
        group = store.register.group(notice.params["group"])
        shown = len(params["codes"]) - len(codes)
        rest = {**notice.params, "only": codes, "offset": params["offset"] + shown}
        saying = NoticeDraft(
            kind=notice.kind,
            text_key=notice.text_key,
            once_key=f"{notice.once_key}+",
            night=notice.night,
            due_at=notice.due_at,
            params=rest,
            form=notice.form,
            check_name=notice.check_name,
            expires_at=notice.expires_at,
        )
        if group is not None:
            store.notices.add_for_group(group, saying)

    def _send(self, attempt: _Attempt) -> None:
        notice = attempt.notice
        channel = self._switchboard.senders[notice.channel]
        try:
            words = original_body(attempt.body)
            delivered = channel.send(notice.address, words, self._attachments.file_reader(attempt.body))
        except Exception as error:  # noqa: BLE001 - whatever it was, the attempt gets an outcome
            failure = _as_channel_error(error)
            self._write_down(lambda store: self._failed(attempt, failure, channel, store))
        else:
            self._write_down(lambda store: self._left(attempt, delivered, channel, store))

    def _write_down(self, outcome: Callable[[TransactionStore], None]) -> None:
        """Only this process knows what came of an attempt: it waits a while for a database that is away."""
        until = monotonic() + _OUTCOME_PATIENCE_S
        while True:
            try:
                with self._memory.transaction() as store:
                    return outcome(store)
            except DatabaseUnavailable:
                if monotonic() > until:
                    raise
                sleep(_AWAY_S)

    def _left(self, attempt: _Attempt, delivered: SendResult, channel: Channel, store: TransactionStore) -> None:
        if channel.counts_for_outage:
            self._watch.record_result(store, None)
        store.notices.record_outcome(
            attempt.notice.id,
            "sent",
            self._clock.now(),
            attempt_id=attempt.id,
            platform_message_id=delivered.platform_message_id,
            response_code=delivered.response_code,
        )
        store.contacts.record_delivery(attempt.notice.route)

    def _failed(self, attempt: _Attempt, error: ChannelError, channel: Channel, store: TransactionStore) -> None:
        """What the error asks for: wait, try again, own up, or give up and call somebody."""
        notice, now = attempt.notice, self._clock.now()
        log.warning("notice %d to %s did not leave: %s", notice.id, notice.recipient_name, error.detail)
        if channel.counts_for_outage:
            self._watch.record_result(store, error)
        tries = notice.attempts + 1
        if isinstance(error, RateLimited):
            wait = real_delay(self._clock, now + channel.limits.period)
            self._later(attempt, wait, f"{RATE_LIMITED}: {error.detail}", store)
        elif isinstance(error, OutcomeUnknown) and not channel.dedupes_repeats:
            store.notices.record_outcome(notice.id, "unknown", now, error.detail, attempt.id)
        elif isinstance(error, Transient) and not (notice.kind in _URGENT and tries >= _URGENT_TRIES):
            if isinstance(error, OutcomeUnknown):
                attempt = replace(attempt, body=mark_outcome_unknown(attempt.body))
            unsure = channel.dedupes_repeats and (error.code is None or outcome_unknown(attempt.body))
            self._later(attempt, backoff(tries), f"{_UNHEARD}: {error.detail}" if unsure else error.detail, store)
        else:
            unheard = isinstance(error, OutcomeUnknown) or outcome_unknown(attempt.body)
            store.notices.record_outcome(notice.id, "unknown" if unheard else "failed", now, error.detail, attempt.id)
            self._attachments.mark_push_unsent(notice, store)
            if isinstance(error, Misconfigured):
                notify_channel_failure(notice, error, Context(store, self._memory.rules(store), now))
            if not unheard:
                fail_over(notice, attempt.body, error, store, now)

    def _later(self, attempt: _Attempt, wait: timedelta, detail: str, store: TransactionStore) -> None:
        notice = attempt.notice
        store.notices.record_outcome(notice.id, "due", self._clock.now(), detail, attempt.id, body=attempt.body)
        store.jobs.append(retry_job(DELIVER, notice.id, notice.route, wait))


def _unless_in_doubt(state: str, notice: Notice) -> str:
    """That something did not leave is only said where it is certain."""
    return "unknown" if outcome_unknown(notice.body) else state


def _as_channel_error(error: Exception) -> ChannelError:
    """Whatever breaks off an attempt has an outcome: what nobody foresaw may have happened after it left."""
    if isinstance(error, ChannelError):
        return error
    if isinstance(error, ObjectError):
        return Transient(str(error)) if error.transient else Permanent(str(error))
    log.error("an attempt broke off", exc_info=error)
    return OutcomeUnknown(repr(error)[:200])
