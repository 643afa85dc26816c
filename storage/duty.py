"""The duty roster."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.models import DutyShift, Person

POSTS = ("leader", "backup", "staff")


class DutyStore:
    """Shifts are named by the day on which they begin."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def people_on_shift(self, day: date) -> dict[str, list[Person]]:
        """Post -> the active people on it, in the order of the roster; every post has a key."""
        rows = self.session.execute(
            select(DutyShift.post, Person)
            .join(Person, Person.id == DutyShift.person_id)
            .where(DutyShift.day == day, Person.active)
            .order_by(DutyShift.sort_order, DutyShift.id)
        )
        posts: dict[str, list[Person]] = {post: [] for post in POSTS}
        for post, person in rows:
            posts[post].append(person)
        return posts
