"""Whether a notice may go by its route, and which route it takes when it may not or when it failed there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.channels.errors import ChannelError, RecipientLeft, RecipientUnreachable, ReplyWindowClosed
from bot.channels.interface import Channel
from bot.engine import delivery_job, retry
from bot.unit_of_work import TransactionStore
from schedules.channel_choice import RouteOption, route_key, route_options
from storage.db.models import Notice
from storage.delivery_causes import DeliveryCause
from storage.notices import UNDELIVERABLE, NoticeForm
from storage.outbound import OutboundMessage
from storage.personal_channels import PersonalChannel, canonical_account, route_to
from storage.store import Store

Option = RouteOption[PersonalChannel]

_NOT_OPEN = "not open now"
# States of a card that make its copy in text superfluous.
_CARD_STATES = ("due", "sending", "sent")


def skip_reason(channel: Channel, notice: Notice, store: Store) -> str | None:
    """Why a notice is not sent by this channel, None if it is: what it cannot carry is sent in another form too."""
    form = NoticeForm(notice.form)
    if form.is_card and not channel.limits.supports_cards:
        return "no cards here"
    if form is NoticeForm.REPORT_FILE and not channel.limits.max_file_bytes:
        return "no files here"
    return "its card says it" if form is NoticeForm.TEXT and _has_card(channel, notice, store) else None


def _has_card(channel: Channel, notice: Notice, store: Store) -> bool:
    """A question is sent as a card and as a text, for clients that show no cards; where all do, the card is enough."""
    if not channel.limits.cards_always_shown:
        return False
    card = store.notices.by_once_key(f"{notice.once_key}/card")
    return card is not None and card.route == notice.route and card.state in _CARD_STATES


def ensure_route_open(notice: Notice, store: TransactionStore, now: datetime) -> bool:
    """Whether a notice may go by its route. If not, it was moved to another or has failed."""
    is_resend = notice.message is not None and notice.message.outcome_unknown
    if not _can_fail_over(notice) or notice.state != "due" or is_resend:
        return True
    options = _options(notice, store, now)
    if any(_route(option) == notice.route for option in options):
        return True
    if options:
        _move(notice, options[0], _NOT_OPEN, DeliveryCause.ROUTE_CLOSED, store, now)
    else:
        detail = f"{UNDELIVERABLE}: {notice.detail or _NOT_OPEN}"
        store.notices.record_outcome(notice.id, "failed", now, detail, cause=DeliveryCause.NO_ROUTE)
    return False


def by_template(notice: Notice, store: TransactionStore, now: datetime) -> bool:
    """Whether a notice leaves outside its recipient's reply window, with the platform's template."""
    if not _can_fail_over(notice):
        return False
    own = next((option for option in _options(notice, store, now) if _route(option) == notice.route), None)
    return own is not None and own.outside_reply_window


def fail_over(
    notice: Notice, message: OutboundMessage, error: ChannelError, store: TransactionStore, now: datetime
) -> None:
    """A route has failed: record what that says about it, and take the next if there is one."""
    if isinstance(error, RecipientLeft):
        store.contacts.record_left(notice.route, now)
    elif isinstance(error, RecipientUnreachable):
        store.contacts.record_undeliverable(notice.route, now)
    elif isinstance(error, ReplyWindowClosed):
        store.contacts.close_reply_window(notice.route, now)
    if not _can_fail_over(notice):
        return
    failed = route_key(notice.channel, notice.address, outside_reply_window=message.by_template)
    options = [option for option in _options(notice, store, now) if option.key != failed]
    if options:
        _move(notice, options[0], error.detail, error.cause, store, now, failed)
    elif isinstance(error, RecipientUnreachable | ReplyWindowClosed):
        store.notices.record_outcome(notice.id, "failed", now, f"{UNDELIVERABLE}: {error.detail}", cause=error.cause)


def _can_fail_over(notice: Notice) -> bool:
    return notice.person_id is not None and not NoticeForm(notice.form).is_pinned


def _options(notice: Notice, store: TransactionStore, now: datetime) -> list[Option]:
    tried = {each.get("way") for each in notice.tried_routes or ()} - {None}
    statuses = store.contacts.route_statuses(notice.person_id or 0, store.personal_channels)
    if not_to := notice.params.get("not_to"):
        statuses = [
            (channel, status)
            for channel, status in statuses
            if f"{channel.realm}/{canonical_account(channel.realm, status.account)}" not in not_to
        ]
    return route_options(notice.kind, statuses, now, tried)


def _route(option: Option) -> str:
    return route_to(option.personal_channel.channel, option.personal_channel.realm, option.account)


def _move(
    notice: Notice,
    option: Option,
    reason: str,
    cause: DeliveryCause,
    store: TransactionStore,
    now: datetime,
    failed: str | None = None,
) -> None:
    """A route that was only not open stays an option: it may be open when the others have failed."""
    tried: dict[str, Any] = {"channel": notice.channel, "why": reason, "cause": cause, "at": now.isoformat()}
    tried |= {"way": failed} if failed else {}
    earlier = notice.tried_routes or []
    store.notices.fail_over(notice.id, option.personal_channel, option.account, [*earlier, tried], reason, cause)
    job = replace(delivery_job(notice), partition_key=_route(option))
    store.jobs.append(retry(job, timedelta(0)))
