"""The outbox: every notice, the attempts to send it, and the outcome of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from storage import notice_drafts
from storage.db.models import DeliveryAttempt, GroupChat, Notice, Person, Verdict
from storage.db.upsert import insert_all_if_absent, insert_if_absent
from storage.delivery_causes import DeliveryCause
from storage.notice_drafts import EXTERNAL_MONITOR, NO_ACCOUNT, SMS_MAIL, UNDELIVERABLE, NoticeDraft, notice_row
from storage.outbound import NoticeForm, OutboundMessage, encode
from storage.personal_channels import PersonalChannel, route_to

__all__ = [
    "EXTERNAL_MONITOR",
    "FINAL_STATES",
    "NO_ACCOUNT",
    "SMS_MAIL",
    "UNDELIVERABLE",
    "NoticeDraft",
    "NoticeForm",
    "NoticeStore",
    "PendingDelivery",
]

FINAL_STATES = ("sent", "unknown", "failed", "cancelled", "expired")
# More notices than a route can carry within a dedupe window.
_RECENT = 200


@dataclass(frozen=True)
class PendingDelivery:
    """A due notice for which the engine has no job yet; `failover_count` numbers the jobs of one notice."""

    notice_id: int
    route: str
    due_at: datetime
    priority: int
    failover_count: int = 0


class NoticeStore:
    """The notices; `pending_deliveries` are those that need an engine job when the transaction commits."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.pending_deliveries: list[PendingDelivery] = []

    def add_for_account(
        self,
        personal_channel: PersonalChannel,
        account: str | None,
        person: Person | None,
        draft: NoticeDraft,
        failure_reason: str = NO_ACCOUNT,
    ) -> Notice | None:
        """Add a notice to an account, whether or not it belongs to a known person; None if its once-key exists.

        Without an account the notice is recorded as failed, with `failure_reason`.
        """
        return self._add(notice_drafts.account_row(personal_channel, account, person, draft, failure_reason))

    def add_for_accounts(self, items: Sequence[tuple[PersonalChannel, str | None, Person, NoticeDraft, str]]) -> None:
        """Add notices to any number of people with one statement."""
        self._add_all([notice_drafts.account_row(*each) for each in items])

    def add_for_chat(self, channel: str, chat_id: str, name: str, draft: NoticeDraft) -> Notice | None:
        """Add a reply in the group in which a message was posted; None if its once-key exists."""
        return self._add(notice_row(draft, name, channel, chat_id, route_to(channel, "", chat_id)))

    def add_follow_up(self, notice: Notice, draft: NoticeDraft) -> Notice | None:
        """Add a notice to the recipient of an earlier one, on the same route; None if its once-key exists."""
        links = {"person_id": notice.person_id} if notice.person_id else {}
        return self._add(notice_row(draft, notice.recipient_name, notice.channel, notice.address, notice.route, links))

    def add_for_group(self, group: GroupChat, draft: NoticeDraft) -> Notice | None:
        """Add a notice to a work group; None if its once-key exists."""
        return self._add(notice_drafts.group_row(group, draft))

    def add_for_groups(self, items: Sequence[tuple[GroupChat, NoticeDraft]]) -> None:
        """Add notices to any number of groups with one statement."""
        self._add_all([notice_drafts.group_row(group, draft) for group, draft in items])

    def add_for_sms_mail(self, draft: NoticeDraft) -> Notice | None:
        """Add a notice to the fallback addresses (SMS, mail) of the settings; None if its once-key exists."""
        return self._add(notice_drafts.settings_row(SMS_MAIL, draft))

    def add_for_external_monitor(self, draft: NoticeDraft) -> Notice | None:
        """Add a notice to the external monitor of the settings; None if its once-key exists."""
        return self._add(notice_drafts.settings_row(EXTERNAL_MONITOR, draft))

    def _add(self, values: dict[str, Any]) -> Notice | None:
        notice_id = insert_if_absent(self.session, Notice, values)
        if notice_id is None:
            return None
        self._add_pending(notice_id, values)
        return self.session.get_one(Notice, notice_id)

    def _add_all(self, rows: Sequence[dict[str, Any]]) -> None:
        by_key = {row["once_key"]: row for row in rows}
        for notice_id, once_key in insert_all_if_absent(self.session, Notice, rows, "id, once_key"):
            self._add_pending(notice_id, by_key[once_key])

    def _add_pending(self, notice_id: int, values: dict[str, Any]) -> None:
        if values["state"] == "due":
            pending = PendingDelivery(notice_id, values["route"], values["due_at"], values["priority"])
            self.pending_deliveries.append(pending)

    def get(self, notice_id: int) -> Notice | None:
        """Read from the database even if the session has loaded it before."""
        return self.session.get(Notice, notice_id, populate_existing=True)

    def by_once_key(self, once_key: str) -> Notice | None:
        return self.session.scalar(select(Notice).where(Notice.once_key == once_key))

    def by_platform_message_id(self, channel: str, platform_message_id: str) -> Notice | None:
        """The latest notice that the platform of a channel knows by this id."""
        wanted = select(Notice).where(Notice.channel == channel, Notice.platform_message_id == platform_message_id)
        return self.session.scalars(wanted.order_by(Notice.id.desc()).limit(1)).first()

    def start_attempt(
        self, notice_id: int, now: datetime, wall_now: datetime, lease: timedelta, message: OutboundMessage
    ) -> int | None:
        """Claim a due notice and record what is about to be sent; the attempt's id, None if it is no longer due."""
        claim = update(Notice).where(Notice.id == notice_id, Notice.state == "due")
        values = {
            "state": "sending",
            "last_attempted_at": now,
            "lease_until": wall_now + lease,
            "body": encode(message),
        }
        claim = claim.values(attempts=Notice.attempts + 1, **values)
        claimed = self.session.execute(claim.returning(Notice.route)).first()
        if claimed is None:
            return None
        attempt = DeliveryAttempt(
            notice_id=notice_id, started_at=now, route=claimed.route, uses_reply_quota=message.uses_reply_quota
        )
        self.session.add(attempt)
        self.session.flush()
        return attempt.id

    def record_outcome(
        self,
        notice_id: int,
        state: str,
        now: datetime,
        detail: str | None = None,
        attempt_id: int | None = None,
        *,
        cause: DeliveryCause | None = None,
        **columns: Any,
    ) -> None:
        """Record the state in which a notice ends (or waits again), and the outcome of the attempt at it.

        `columns` are further columns of the notice, such as `platform_message_id`.
        """
        if state == "sent":
            columns["sent_at"] = now
        self._update(notice_id, state=state, cause=cause, detail=detail, lease_until=None, **columns)
        if attempt_id is not None:
            attempt = update(DeliveryAttempt).where(DeliveryAttempt.id == attempt_id)
            self.session.execute(attempt.values(ended_at=now, outcome=state, cause=cause, detail=detail))

    def postpone(
        self,
        notice_id: int,
        now: datetime,
        detail: str,
        attempt_id: int | None,
        message: OutboundMessage | None,
        cause: DeliveryCause | None = None,
    ) -> None:
        """Make a notice due again after an attempt. With `message` it is resent exactly, with None rendered anew."""
        body = encode(message) if message else None
        self.record_outcome(notice_id, "due", now, detail, attempt_id, cause=cause, body=body)

    def _update(self, notice_id: int, **values: Any) -> None:
        self.session.execute(update(Notice).where(Notice.id == notice_id).values(**values))

    def fail_over(
        self,
        notice_id: int,
        personal_channel: PersonalChannel,
        account: str,
        tried_routes: list[Any],
        reason: str,
        cause: DeliveryCause,
    ) -> None:
        """Make a notice due again on another route, to be rendered for that channel."""
        channel = personal_channel.channel
        route = route_to(channel, personal_channel.realm, account)
        values = {"channel": channel, "address": account, "route": route, "tried_routes": tried_routes}
        self._update(notice_id, **values, state="due", cause=cause, detail=reason, lease_until=None, body=None)

    def reopen(
        self, notice: Notice, now: datetime, reason: str, cause: DeliveryCause, failed_route: str | None = None
    ) -> None:
        """Try a notice that has ended once more: on all routes but `failed_route` and those tried, or on all."""
        tried = {"channel": notice.channel, "why": reason, "cause": cause, "at": now.isoformat(), "way": failed_route}
        earlier = notice.tried_routes or []
        if failed_route is None:
            earlier = [{**route, "way": None} for route in earlier]
        notice.state, notice.cause, notice.detail, notice.body = "due", cause, reason, None
        notice.tried_routes = [*earlier, tried]
        count = len(notice.tried_routes)
        pending = PendingDelivery(notice.id, notice.route, notice.due_at, notice.priority, count)
        self.pending_deliveries.append(pending)

    def expire_leases(self, wall_now: datetime, notice_ids: Collection[int] | None = None) -> None:
        """End the leases of attempts without an outcome, of these notices or of all: their process is dead."""
        sending = update(Notice).where(Notice.state == "sending")
        if notice_ids is not None:
            sending = sending.where(Notice.id.in_(notice_ids))
        self.session.execute(sending.values(lease_until=wall_now))

    def next_allowed_at(self, route: str, now: datetime, limit: int, period: timedelta) -> datetime | None:
        """When a route has room again, None for now: at most `limit` attempts in any `period`."""
        recent = self.session.scalars(
            select(DeliveryAttempt.started_at)
            .where(
                DeliveryAttempt.route == route,
                DeliveryAttempt.started_at > now - period,
                DeliveryAttempt.started_at <= now,
            )
            .order_by(DeliveryAttempt.started_at.desc())
            .limit(limit)
        ).all()
        return None if len(recent) < limit else recent[-1] + period

    def latest_sequence(self, route: str) -> int:
        """The highest sequence number of the messages on a route, -1 if there are none."""
        attempted = select(Notice.id).where(Notice.route == route, Notice.last_attempted_at.is_not(None))
        latest = attempted.order_by(Notice.id.desc()).limit(_RECENT)
        highest = func.max(Notice.body["sequence"].as_integer())
        sequence = self.session.scalar(select(highest).where(Notice.id.in_(latest)))
        return -1 if sequence is None else sequence

    def last_throttled_at(self, route: str, since: datetime, detail_prefix: str) -> datetime | None:
        """When the platform last throttled a route after `since`; `detail_prefix` marks the notices it hit."""
        query = select(func.max(Notice.last_attempted_at)).where(
            Notice.route == route,
            Notice.last_attempted_at > since,
            Notice.state == "due",
            Notice.detail.startswith(detail_prefix),
        )
        return self.session.scalar(query)

    def count_since(self, route: str, text_key: str, since: datetime) -> int:
        """How many notices with this text a route has had since an instant."""
        query = select(func.count()).where(Notice.route == route, Notice.text_key == text_key, Notice.due_at >= since)
        return self.session.scalar(query) or 0

    def of_night(self, night: date) -> Sequence[Notice]:
        """All notices of a night, by due time."""
        return self.session.scalars(
            select(Notice).where(Notice.night == night).order_by(Notice.due_at, Notice.id)
        ).all()

    def undelivered(self, since: datetime, limit: int = 200) -> Sequence[Notice]:
        """Notices due since an instant that did not arrive or whose outcome is unknown, the oldest first."""
        lost = select(Notice).where(Notice.state.in_(("failed", "unknown", "expired")), Notice.due_at >= since)
        return self.session.scalars(lost.order_by(Notice.id).limit(limit)).all()

    def of_alert(self, alert_id: int) -> Sequence[Notice]:
        """All notices of one alert, in order."""
        return self.session.scalars(select(Notice).where(Notice.alert_id == alert_id).order_by(Notice.id)).all()

    def cancelled_of_verdict(self, verdict: Verdict) -> list[Notice]:
        """The notices about a verdict that were cancelled."""
        about = select(Notice).where(Notice.night == verdict.night, Notice.check_name == "verdict")
        cancelled = self.session.scalars(about.where(Notice.state == "cancelled").order_by(Notice.id))
        return [notice for notice in cancelled if notice.params.get("verdict") == verdict.id]

    def unsent_pushes(self, item_id: int) -> list[Notice]:
        """The pushes of a content item that are still due."""
        due = self.session.scalars(select(Notice).where(Notice.form == NoticeForm.CONTENT, Notice.state == "due"))
        return [notice for notice in due if notice.params.get("item") == item_id]

    def orphaned(self, due_before: datetime, wall_now: datetime, limit: int = 200) -> list[Notice]:
        """Notices that are overdue, or whose attempt has lost its lease: no job may be working on them."""
        overdue = (Notice.state == "due") & (Notice.due_at <= due_before)
        broken_off = (Notice.state == "sending") & (Notice.lease_until <= wall_now)
        query = select(Notice).where(or_(overdue, broken_off)).order_by(Notice.due_at).limit(limit)
        return list(self.session.scalars(query))

    def make_due_after_clock_reset(self, now: datetime, before: datetime) -> Sequence[Notice]:
        """Make due at once what was due by a clock that showed `before` and was set back to `now`; all that is due."""
        due = update(Notice).where(Notice.state == "due", Notice.due_at <= before)
        self.session.execute(due.where(Notice.due_at > now).values(due_at=now))
        return self.session.scalars(select(Notice).where(Notice.state == "due", Notice.due_at <= now)).all()
