"""Which way a notice takes to its person: by another one when its own is shut, and visibly by none when all are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.channels.errors import ChannelError, RecipientLeft, RecipientUnreachable, ReplyWindowClosed
from bot.channels.interface import OutboundMessage
from bot.delivery.resend import outcome_unknown
from bot.engine import DELIVER, retry_job
from bot.unit_of_work import TransactionStore
from schedules.channel_choice import RouteOption, route_key, route_options
from storage.db.models import Notice
from storage.notices import UNDELIVERABLE
from storage.personal_channels import PersonalChannel, route_to

# What belongs to one message or card on one screen goes there or nowhere.
_FIXED = ("card_update", "welcome")
_NOT_NOW = "not open now"


def ensure_route_open(notice: Notice, store: TransactionStore, now: datetime) -> bool:
    """Whether a notice may leave by the way it is on. If not, it has been put on another, or has ended."""
    if notice.person_id is None or notice.form in _FIXED or notice.state != "due" or outcome_unknown(notice.body):
        return True
    found = _ways(notice, store, now)
    if any(_is_its(way, notice) for way in found):
        return True
    if found:
        _divert(notice, found[0], _NOT_NOW, store, now)
    else:
        store.notices.record_outcome(notice.id, "failed", now, _end_of(notice, _NOT_NOW))
    return False


def reply_window_flags(notice: Notice, store: TransactionStore, now: datetime) -> OutboundMessage:
    """What the body must say when a notice leaves although its person has not spoken lately."""
    if notice.person_id is None or notice.form in _FIXED:
        return {}
    mine = [way for way in _ways(notice, store, now) if _is_its(way, notice)]
    return {"unasked": True} if mine and mine[0].outside_reply_window else {}


def fail_over(
    notice: Notice, body: OutboundMessage, error: ChannelError, store: TransactionStore, now: datetime
) -> None:
    """A way has failed: learn from it, and take the next where there is one."""
    if isinstance(error, RecipientLeft):
        store.contacts.record_left(notice.route, now)
    elif isinstance(error, RecipientUnreachable):
        store.contacts.record_undeliverable(notice.route, now, error.detail)
    elif isinstance(error, ReplyWindowClosed):
        store.contacts.close_reply_window(notice.route, now)
    if notice.person_id is None or notice.form in _FIXED:
        return
    went = route_key(notice.channel, notice.address, outside_reply_window=bool(body.get("unasked")))
    found = [way for way in _ways(notice, store, now) if way.key != went]
    if found:
        _divert(notice, found[0], error.detail, store, now, went)
    elif isinstance(error, RecipientUnreachable | ReplyWindowClosed):
        store.notices.record_outcome(notice.id, "failed", now, f"{UNDELIVERABLE}: {error.detail}")


def _ways(notice: Notice, store: TransactionStore, now: datetime) -> list[RouteOption[PersonalChannel]]:
    tried = {each.get("way") for each in notice.tried_routes or ()} - {None}
    return route_options(
        notice.kind, store.contacts.route_statuses(notice.person_id or 0, store.personal_channels), now, tried
    )


def _is_its(way: RouteOption[PersonalChannel], notice: Notice) -> bool:
    return route_to(way.personal_channel.channel, way.personal_channel.realm, way.account) == notice.route


def _divert(
    notice: Notice,
    way: RouteOption[PersonalChannel],
    why: str,
    store: TransactionStore,
    now: datetime,
    went: str | None = None,
) -> None:
    """A way that only was not open is not struck off: it may be open when the others have failed."""
    left: dict[str, Any] = {"channel": notice.channel, "why": why, "at": now.isoformat()}
    tried = [*(notice.tried_routes or ()), left | ({"way": went} if went else {})]
    store.notices.fail_over(notice.id, way.personal_channel, way.account, tried, why)
    route = route_to(way.personal_channel.channel, way.personal_channel.realm, way.account)
    store.jobs.append(retry_job(DELIVER, notice.id, route, now - now))


def _end_of(notice: Notice, why: str) -> str:
    return f"{UNDELIVERABLE}: {notice.detail or why}"
