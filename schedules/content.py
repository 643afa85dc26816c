"""The daily link and film of safety knowledge for every work group (送教)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from schedules.context import Context
from schedules.notify import notify_office, was_in_service
from schedules.patrol_night import local_instant
from storage.content import LINK, VIDEO
from storage.db.models import ContentItem, GroupChat
from storage.notices import NoticeDraft, NoticeForm
from storage.store import Store

# Made up for after an outage, but never into the evening.
_MADE_UP_WITHIN = timedelta(hours=10)
SEASON_MONTHS: dict[str, frozenset[int]] = {
    "春": frozenset({3, 4, 5}),
    "夏": frozenset({6, 7, 8}),
    "秋": frozenset({9, 10, 11}),
    "冬": frozenset({12, 1, 2}),
    "春季": frozenset({3, 4, 5}),
    "夏季": frozenset({6, 7, 8}),
    "秋季": frozenset({9, 10, 11}),
    "冬季": frozenset({11, 12, 1, 2}),
    "高温": frozenset({6, 7, 8}),
    "防汛": frozenset({6, 7, 8, 9}),
    "雷电": frozenset({5, 6, 7, 8}),
    "低温": frozenset({11, 12, 1, 2}),
    "防冻": frozenset({11, 12, 1, 2}),
    "春节": frozenset({1, 2}),
}


def push_content(ctx: Context) -> None:
    """Give every group that has not had them its link and its film of the day."""
    today = ctx.now.astimezone(ctx.rules.zone).date()
    due = local_instant(today, ctx.rules.for_night(today).push_time, ctx.rules)
    if not due <= ctx.now < due + _MADE_UP_WITHIN or not was_in_service(ctx.store, due):
        return
    had = ctx.store.content.kinds_pushed(today)
    wanting = [
        (group, kind)
        for group in ctx.store.register.groups()
        for kind in (LINK, VIDEO)
        if _hears(group, ctx.store) and (group.id, kind) not in had
    ]
    if not wanting:
        return
    items, ever_had = ctx.store.content.active_items(), ctx.store.content.item_ids_by_group()
    for group, kind in wanting:
        item = choose_item((item for item in items if item.kind == kind), ever_had.get(group.id, set()), today)
        if item is not None:
            _push(item, group, today, due, ctx.store)
    _tell_if_used_up(items, today, ctx.store, ctx.now)


def _hears(group: GroupChat, store: Store) -> bool:
    """Whether a group can be told anything: by its robot, or by the smart bot that sits in it."""
    return bool(
        group.robot_key or (group.chat_id and any(line.channel == "wecom_aibot" for line in store.personal_channels))
    )


def choose_item(items: Iterable[ContentItem], already_sent: set[int], today: date) -> ContentItem | None:
    """What a group gets today: planned for today, planned earlier and not sent, in season, then the oldest."""
    fitting = [
        item
        for item in items
        if item.id not in already_sent and _rank(item, today) is not None and not _failed(item, today)
    ]
    return min(
        fitting, key=lambda item: (_rank(item, today), item.planned_for or today, item.added_at, item.id), default=None
    )


def _failed(item: ContentItem, today: date) -> bool:
    """Its link was looked at today and could not be opened."""
    return item.checked_on == today and item.detail is not None


def _rank(item: ContentItem, today: date) -> int | None:
    if item.planned_for is not None:
        return None if item.planned_for > today else int(item.planned_for < today)
    seasons = [SEASON_MONTHS[tag] for tag in item.tags if tag in SEASON_MONTHS]
    if not seasons:
        return 3
    return 2 if any(today.month in months for months in seasons) else None


def _push(item: ContentItem, group: GroupChat, today: date, due: datetime, store: Store) -> None:
    saying = NoticeDraft(
        kind="content",
        text_key="content.link" if item.kind == LINK else "content.film",
        # With the day: what could not be sent is tried again tomorrow; what was sent, Push keeps from going twice.
        once_key=f"content/{group.id}/{item.id}/{today}",
        night=today,
        due_at=due,
        params={"item": item.id, "title": item.title, "source": f" · {item.source}" if item.source else ""},
        form=NoticeForm.CONTENT,
        expires_at=due + _MADE_UP_WITHIN,
    )
    notice = store.notices.add_for_group(group, saying)
    if notice is not None:
        store.content.add_push(item.id, group.id, today, notice.id)


def _tell_if_used_up(items: Sequence[ContentItem], today: date, store: Store, now: datetime) -> None:
    """A library that has nothing left of a kind is the office's to fill; once a day is enough to say so."""
    had = store.content.kinds_pushed(today)
    groups = store.register.groups()
    kinds = [kind for kind in (LINK, VIDEO) if any(item.kind == kind for item in items)]
    empty = [kind for kind in kinds if any(_hears(group, store) and (group.id, kind) not in had for group in groups)]
    if empty and store.facts.decide(f"content-exhausted/{today}", now):
        notify_office(store, today, now, "content.exhausted", f"content-exhausted/{today}", kinds=empty)
