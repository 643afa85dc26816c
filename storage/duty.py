"""The roster: who is on duty on which shift."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.models import DutyShift, Person

POSTS = ("leader", "backup", "staff")


class DutyStore:
    """The roster, by the day on which a shift begins."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def people_on_shift(self, day: date) -> dict[str, list[Person]]:
        """Who is on each post of the shift that begins on that day, in the order written down."""
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
