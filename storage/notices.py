"""Decided and not yet said: every notice, its attempts, and what came of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from storage import notice_rows
from storage.db.models import DeliveryAttempt, GroupChat, Notice, Person
from storage.facts import insert_all_if_absent, insert_if_absent
from storage.notice_rows import NO_ACCOUNT, UNDELIVERABLE, NoticeDraft, notice_row
from storage.personal_channels import PersonalChannel, route_to

__all__ = ["FINAL_STATES", "NO_ACCOUNT", "UNDELIVERABLE", "NoticeDraft", "NoticeStore", "PendingDelivery"]

FINAL_STATES = ("sent", "unknown", "failed", "cancelled", "expired")
# What was said on a route within minutes is among so many of its youngest notices.
_RECENT = 200


@dataclass(frozen=True)
class PendingDelivery:
    """A notice that waits for the engine to be woken; `turn` counts the ways by which it was tried before."""

    notice_id: int
    route: str
    due_at: datetime
    failover_count: int = 0


class NoticeStore:
    """The notices, and those that wait for the engine to be woken."""

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
        """Decide to tell an account something, whether or not it belongs to anybody; None when it was decided before.

        A person who cannot be reached is not, and that and why stands on record.
        """
        return self._add(notice_rows.account_row(personal_channel, account, person, draft, failure_reason))

    def add_for_accounts(self, items: Sequence[tuple[PersonalChannel, str | None, Person, NoticeDraft, str]]) -> None:
        """The same for any number of people at once."""
        self._add_all([notice_rows.account_row(*each) for each in items])

    def add_for_chat(self, channel: str, chat_id: str, name: str, draft: NoticeDraft) -> Notice | None:
        """Decide to answer somebody in the group in which he spoke."""
        return self._add(notice_row(draft, name, channel, chat_id, route_to(channel, "", chat_id)))

    def add_follow_up(self, notice: Notice, draft: NoticeDraft) -> Notice | None:
        """Decide to say something more to whomever a notice went to, by the same way."""
        links = {"person_id": notice.person_id} if notice.person_id else {}
        return self._add(notice_row(draft, notice.recipient_name, notice.channel, notice.address, notice.route, links))

    def add_for_group(self, group: GroupChat, draft: NoticeDraft) -> Notice | None:
        """Decide to tell a work group something: by its robot, or by the smart bot where it has none."""
        return self._add(notice_rows.group_row(group, draft))

    def add_for_groups(self, items: Sequence[tuple[GroupChat, NoticeDraft]]) -> None:
        """The same for any number of groups at once."""
        self._add_all([notice_rows.group_row(group, saying) for group, saying in items])

    def add_for_fallback(self, draft: NoticeDraft) -> Notice | None:
        """Decide to use the fallback addresses (SMS, mail) that stand in the settings."""
        return self._add(notice_row(draft, "后备通道", "fallback", "settings", "fallback"))

    def add_for_external_monitor(self, draft: NoticeDraft) -> Notice | None:
        """Decide to tell the outside watcher that stands in the settings."""
        return self._add(notice_row(draft, "外部守望", "heartbeat", "settings", "heartbeat"))

    def _add(self, values: dict[str, Any]) -> Notice | None:
        notice_id = insert_if_absent(self.session, Notice, values)
        if notice_id is None:
            return None
        self._expect(notice_id, values)
        return self.session.get_one(Notice, notice_id)

    def _add_all(self, rows: Sequence[dict[str, Any]]) -> None:
        by_key = {each["once_key"]: each for each in rows}
        for notice_id, once_key in insert_all_if_absent(self.session, Notice, rows, "id, once_key"):
            self._expect(notice_id, by_key[once_key])

    def _expect(self, notice_id: int, values: dict[str, Any]) -> None:
        if values["state"] == "due":
            self.pending_deliveries.append(PendingDelivery(notice_id, values["route"], values["due_at"]))

    def get(self, notice_id: int) -> Notice | None:
        """The notice of that id, as it stands now."""
        return self.session.get(Notice, notice_id, populate_existing=True)

    def by_once_key(self, once_key: str) -> Notice | None:
        """The notice of that decision."""
        return self.session.scalar(select(Notice).where(Notice.once_key == once_key))

    def by_platform_message_id(self, channel: str, platform_message_id: str) -> Notice | None:
        """The notice that a platform knows by that id."""
        wanted = select(Notice).where(Notice.channel == channel, Notice.platform_message_id == platform_message_id)
        return self.session.scalars(wanted.order_by(Notice.id.desc()).limit(1)).first()

    def start_attempt(
        self, notice_id: int, now: datetime, wall_now: datetime, lease: timedelta, body: dict[str, Any]
    ) -> int | None:
        """Take a due notice for one attempt; the attempt's id, or None when somebody else has it."""
        taken = self.session.execute(
            update(Notice)
            .where(Notice.id == notice_id, Notice.state == "due")
            .values(
                state="sending",
                attempts=Notice.attempts + 1,
                last_attempted_at=now,
                lease_until=wall_now + lease,
                body=body,
            )
            .returning(Notice.route)
        ).first()
        if taken is None:
            return None
        spends = body.get("form") != "welcome" and not body.get("unasked")
        attempt = DeliveryAttempt(notice_id=notice_id, started_at=now, route=taken.route, uses_reply_quota=spends)
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
        **result: Any,
    ) -> None:
        """Write down what came of a notice and of the attempt at it."""
        values: dict[str, Any] = {"state": state, "detail": detail, "lease_until": None, **result}
        if state == "sent":
            values["sent_at"] = now
        self.session.execute(update(Notice).where(Notice.id == notice_id).values(**values))
        if attempt_id is not None:
            self.session.execute(
                update(DeliveryAttempt)
                .where(DeliveryAttempt.id == attempt_id)
                .values(ended_at=now, outcome=state, detail=detail)
            )

    def fail_over(
        self, notice_id: int, personal_channel: PersonalChannel, account: str, tried_routes: list[Any], reason: str
    ) -> None:
        """Let a notice take another way, from the beginning."""
        route = route_to(personal_channel.channel, personal_channel.realm, account)
        way = {
            "channel": personal_channel.channel,
            "address": account,
            "route": route,
            "tried_routes": tried_routes,
            "detail": reason,
        }
        values = {**way, "state": "due", "lease_until": None, "body": None}
        self.session.execute(update(Notice).where(Notice.id == notice_id).values(**values))

    def reopen(self, notice: Notice, now: datetime, reason: str, failed_route: str | None = None) -> None:
        """Let a notice that has ended try what ways there are: all but the one that failed it after all, or all."""
        noted: dict[str, Any] = {"channel": notice.channel, "why": reason, "at": now.isoformat()}
        before = notice.tried_routes or []
        if failed_route is None:
            before = [{**each, "way": None} for each in before]
        notice.state, notice.detail, notice.body = "due", reason, None
        notice.tried_routes = [*before, {**noted, "way": failed_route}]
        self.pending_deliveries.append(
            PendingDelivery(notice.id, notice.route, notice.due_at, len(notice.tried_routes))
        )

    def expire_leases(self, wall_now: datetime, notice_ids: Collection[int] | None = None) -> None:
        """Attempts at these notices (at all) that have no outcome yet have broken off: whoever was at them is gone."""
        under_way = update(Notice).where(Notice.state == "sending")
        if notice_ids is not None:
            under_way = under_way.where(Notice.id.in_(notice_ids))
        self.session.execute(under_way.values(lease_until=wall_now))

    def next_allowed_at(self, route: str, now: datetime, limit: int, period: timedelta) -> datetime | None:
        """When the route may be used next, None for at once: at most `limit` attempts in any `period`."""
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
        """The highest turn that anything took on a route, -1 if nothing did; what is repeated keeps its own."""
        tried = select(Notice.id).where(Notice.route == route, Notice.last_attempted_at.is_not(None))
        latest = tried.order_by(Notice.id.desc()).limit(_RECENT)
        turns = select(func.max(Notice.body["turn"].as_integer())).where(Notice.id.in_(latest))
        found = self.session.scalar(turns)
        return -1 if found is None else found

    def last_throttled_at(self, route: str, since: datetime, detail_prefix: str) -> datetime | None:
        """When the platform last shut the route, if it was later than `since`; `detail` marks the notices it hit."""
        query = select(func.max(Notice.last_attempted_at)).where(
            Notice.route == route,
            Notice.last_attempted_at > since,
            Notice.state == "due",
            Notice.detail.startswith(detail_prefix),
        )
        return self.session.scalar(query)

    def count_since(self, route: str, text_key: str, since: datetime) -> int:
        """How often one sentence was decided for a route since an instant."""
        query = select(func.count()).where(Notice.route == route, Notice.text_key == text_key, Notice.due_at >= since)
        return self.session.scalar(query) or 0

    def of_night(self, night: date) -> Sequence[Notice]:
        """Everything that was decided to be said for a night."""
        return self.session.scalars(
            select(Notice).where(Notice.night == night).order_by(Notice.due_at, Notice.id)
        ).all()

    def latest_to(self, people: Iterable[int], since: date, limit: int = 100) -> Sequence[Notice]:
        """What was decided to be said to these people for the nights since then, the latest first."""
        said = select(Notice).where(Notice.person_id.in_(list(people)), Notice.night >= since)
        return self.session.scalars(said.order_by(Notice.due_at.desc(), Notice.id.desc()).limit(limit)).all()

    def undelivered(self, since: datetime, limit: int = 200) -> Sequence[Notice]:
        """What did not arrive, or nobody can tell, of what fell due since an instant, the oldest first."""
        lost = select(Notice).where(Notice.state.in_(("failed", "unknown", "expired")), Notice.due_at >= since)
        return self.session.scalars(lost.order_by(Notice.id).limit(limit)).all()

    def of_alert(self, alert_id: int) -> Sequence[Notice]:
        """Everything said about one alert."""
        return self.session.scalars(select(Notice).where(Notice.alert_id == alert_id).order_by(Notice.id)).all()

    def unsent_pushes(self, item_id: int) -> list[Notice]:
        """Pushes of one item that have not left yet."""
        due = self.session.scalars(select(Notice).where(Notice.form == "content", Notice.state == "due"))
        return [notice for notice in due if notice.params.get("item") == item_id]

    def orphaned(self, due_before: datetime, wall_now: datetime, limit: int = 200) -> list[Notice]:
        """Notices that should have left and that nothing seems to be working on."""
        overdue = (Notice.state == "due") & (Notice.due_at <= due_before)
        broken_off = (Notice.state == "sending") & (Notice.lease_until <= wall_now)
        query = select(Notice).where(or_(overdue, broken_off)).order_by(Notice.due_at).limit(limit)
        return list(self.session.scalars(query))

    def make_due_after_clock_reset(self, now: datetime, before: datetime) -> Sequence[Notice]:
        """Notices that were due by a clock which said `before` and has been put back to `now`: they are due at once."""
        due = update(Notice).where(Notice.state == "due", Notice.due_at <= before)
        self.session.execute(due.where(Notice.due_at > now).values(due_at=now))
        return self.session.scalars(select(Notice).where(Notice.state == "due", Notice.due_at <= now)).all()

    def counts_by_state(self) -> dict[str, int]:
        """How many notices stand in each state."""
        rows = self.session.execute(select(Notice.state, func.count()).group_by(Notice.state))
        return {state: count for state, count in rows}
