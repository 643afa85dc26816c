"""Safety training items, and which item each group has been sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.db.models import ContentItem, ContentPush, Notice
from storage.db.upsert import insert_if_absent

LINK, VIDEO = "链接", "视频"


class ContentStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, item_id: int) -> ContentItem | None:
        return self.session.get(ContentItem, item_id)

    def by_link(self, link_id: str) -> ContentItem | None:
        return self.session.scalars(select(ContentItem).where(ContentItem.link_id == link_id)).one_or_none()

    def active_items(self) -> Sequence[ContentItem]:
        """Every item that is in use and whose link is not known to be dead, oldest first."""
        return self.session.scalars(
            select(ContentItem)
            .where(ContentItem.dead_since.is_(None), ContentItem.in_use)
            .order_by(ContentItem.added_at, ContentItem.id)
        ).all()

    def item_ids_by_group(self) -> dict[int, set[int]]:
        """Group id -> ids of the items pushed or about to be pushed to it."""
        items: dict[int, set[int]] = {}
        for group_id, item_id in self.session.execute(select(ContentPush.group_id, ContentPush.item_id)):
            items.setdefault(group_id, set()).add(item_id)
        return items

    def kinds_pushed(self, day: date) -> set[tuple[int, str]]:
        """The (group id, kind) pairs with an item on that day."""
        rows = self.session.execute(
            select(ContentPush.group_id, ContentItem.kind)
            .join(ContentItem, ContentItem.id == ContentPush.item_id)
            .where(ContentPush.day == day)
        )
        return {(group_id, kind) for group_id, kind in rows}

    def add_push(self, item_id: int, group_id: int, day: date, notice_id: int) -> bool:
        """Record that a group gets an item; False when it has had it before."""
        values = {"item_id": item_id, "group_id": group_id, "day": day, "notice_id": notice_id}
        return insert_if_absent(self.session, ContentPush, values) is not None

    def delete_push(self, notice_id: int) -> None:
        """Delete a push that was not sent, so that the group gets another item."""
        push = self.session.scalar(select(ContentPush).where(ContentPush.notice_id == notice_id))
        if push is not None:
            self.session.delete(push)

    def push_counts(self, since: date, until: date) -> Sequence[Any]:
        """Group id, kind and number of pushes sent, from one day to another, both included."""
        return self.session.execute(
            select(ContentPush.group_id, ContentItem.kind, func.count())
            .join(ContentItem, ContentItem.id == ContentPush.item_id)
            .join(Notice, Notice.id == ContentPush.notice_id)
            .where(ContentPush.day >= since, ContentPush.day <= until, Notice.state == "sent")
            .group_by(ContentPush.group_id, ContentItem.kind)
        ).all()
