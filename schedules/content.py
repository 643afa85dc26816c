"""The daily safety link and safety film for every work group (送教)."""

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

# After an outage the push is made up for, but not late into the evening.
_MAKE_UP_WITHIN = timedelta(hours=10)
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
    """Push to every group the link and the film of the day that it has not had yet."""
    today, store = ctx.today, ctx.store
    due = local_instant(today, ctx.rules.for_night(today).push_time, ctx.rules)
    if not due <= ctx.now < due + _MAKE_UP_WITHIN or not was_in_service(store, due):
        return
    missing = _missing_pushes(today, (LINK, VIDEO), store)
    if not missing:
        return
    items, sent_items = store.content.active_items(), store.content.item_ids_by_group()
    for group, kind in missing:
        item = choose_item((item for item in items if item.kind == kind), sent_items.get(group.id, set()), today)
        if item is not None:
            _push(item, group, today, due, store)
    _report_exhausted_content(items, ctx)


def _missing_pushes(today: date, kinds: Sequence[str], store: Store) -> list[tuple[GroupChat, str]]:
    """The groups that can be written to and have not had a push of that kind today."""
    pushed = store.content.kinds_pushed(today)
    groups = [group for group in store.register.groups() if _is_reachable(group, store)]
    return [(group, kind) for group in groups for kind in kinds if (group.id, kind) not in pushed]


def _is_reachable(group: GroupChat, store: Store) -> bool:
    """Whether a group has a robot of its own or the smart bot as a member."""
    has_aibot = any(each.channel == "wecom_aibot" for each in store.personal_channels)
    return bool(group.robot_key or (group.chat_id and has_aibot))


def choose_item(items: Iterable[ContentItem], already_sent: set[int], today: date) -> ContentItem | None:
    """Today's item for a group: planned for today, planned earlier and not sent, in season, then the oldest."""
    ranked = [
        (rank, item.planned_for or today, item.added_at, item.id, item)
        for item in items
        if item.id not in already_sent and not _has_dead_link(item, today) and (rank := _rank(item, today)) is not None
    ]
    return min(ranked, key=lambda each: each[:-1])[-1] if ranked else None


def _has_dead_link(item: ContentItem, today: date) -> bool:
    """Whether its link was checked today and could not be opened."""
    return item.checked_on == today and item.detail is not None


def _rank(item: ContentItem, today: date) -> int | None:
    if item.planned_for is not None:
        return None if item.planned_for > today else int(item.planned_for < today)
    seasons = [SEASON_MONTHS[tag] for tag in item.tags if tag in SEASON_MONTHS]
    if not seasons:
        return 3
    return 2 if any(today.month in months for months in seasons) else None


def _push(item: ContentItem, group: GroupChat, today: date, due: datetime, store: Store) -> None:
    source = [{"say": "content.source", "name": item.source}] if item.source else []
    draft = NoticeDraft(
        kind="content",
        text_key="content.link" if item.kind == LINK else "content.film",
        # With the day, so that an item that could not be sent is tried again tomorrow; the push table
        # prevents sending one twice.
        once_key=f"content/{group.id}/{item.id}/{today}",
        night=today,
        due_at=due,
        params={"item": item.id, "title": item.title, "source": source},
        form=NoticeForm.CONTENT,
        expires_at=due + _MAKE_UP_WITHIN,
    )
    notice = store.notices.add_for_group(group, draft)
    if notice is not None:
        store.content.add_push(item.id, group.id, today, notice.id)


def _report_exhausted_content(items: Sequence[ContentItem], ctx: Context) -> None:
    """Tell the office, once a day, when every item of a kind has been sent to some group."""
    kinds = [kind for kind in (LINK, VIDEO) if any(item.kind == kind for item in items)]
    missing = {kind for _, kind in _missing_pushes(ctx.today, kinds, ctx.store)}
    key = f"content-exhausted/{ctx.today}"
    if missing and ctx.store.facts.decide(key, ctx.now):
        notify_office(ctx, ctx.today, "content.exhausted", key, kinds=[kind for kind in kinds if kind in missing])
