"""Applies the sheet 值班表: resolves the names and replaces whole shifts."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from sqlalchemy import delete, select

from bot.workbooks.register.import_context import ImportContext
from bot.workbooks.register.parse import ParsedRow
from bot.workbooks.register.result import CellError, shortened_list
from bot.workbooks.register.roster_names import RosterNames
from bot.workbooks.register.schema import PEOPLE, ROSTER, SHEETS_BY_TITLE
from storage.db.models import DutyShift, Person
from storage.duty import POSTS

PeopleByPost = dict[str, list[int]]


def apply_roster(context: ImportContext) -> None:
    """Replace every shift in the sheet."""
    if ROSTER not in context.parsed.sheets:
        return
    roster = _Roster(context)
    by_day: dict[date, list[ParsedRow]] = defaultdict(list)
    for row in context.rows(ROSTER):
        by_day[row.get("day")].append(row)
    for day, rows in by_day.items():
        roster.write(day, rows)
    roster.warn_of_unreachable(by_day)
    for name, days in roster.days_without_backup.items():
        context.warn("register.own_backup", name=name, days=shortened_list(days))


class _Roster:
    def __init__(self, work: ImportContext) -> None:
        self.work, self.session = work, work.store.session
        self.names = RosterNames(self.session)
        self.today = work.now.date()
        self.shifts: dict[date, PeopleByPost] = defaultdict(lambda: {post: [] for post in POSTS})
        for shift in self.session.scalars(select(DutyShift).order_by(DutyShift.sort_order, DutyShift.id)):
            self.shifts[shift.day].setdefault(shift.post, []).append(shift.person_id)
        self.leaders: dict[int, Person] = {}
        self.days_without_backup: dict[str, list[str]] = defaultdict(list)

    def write(self, day: date, rows: list[ParsedRow]) -> None:
        """Write one shift, from one or several rows of the same day."""
        refusals = len(self.work.result.refusals)
        people = {post: self._people(day, post, rows) for post in POSTS}
        if not any(row.get("leader") for row in rows):
            self.work.refuse(ROSTER, rows[0], "leader", "register.shift_without_leader")
        if len(self.work.result.refusals) > refusals:
            return
        shift = {post: list(dict.fromkeys(person.id for person in found)) for post, found in people.items()}
        if day >= self.today:
            self.leaders |= {person.id: person for person in people["leader"]}
            self._warn_of_left(day, people)
            for name in {person.name for person in people["leader"] if person in people["backup"]}:
                self.days_without_backup[name].append(day.isoformat())
        new = day not in self.shifts
        changed = not new and self.shifts[day] != shift
        if new or changed:
            self._replace(day, shift)
        self.work.result.sheet(ROSTER).count(new=new, changed=changed)

    def _people(self, day: date, post: str, rows: list[ParsedRow]) -> list[Person]:
        found = []
        given = [row for row in rows if post in row.values]
        for row in given:
            found += [person for name in row.get(post) or () if (person := self._person(row, day, post, name))]
        return found if given else [self.names.people[person_id] for person_id in self.shifts_on(day)[post]]

    def shifts_on(self, day: date) -> PeopleByPost:
        """The stored shift of a day; does not add an empty one to `shifts`."""
        return self.shifts[day] if day in self.shifts else {post: [] for post in POSTS}

    def _person(self, row: ParsedRow, day: date, post: str, name: str) -> Person | None:
        already = [self.names.people[person_id] for person_id in self.shifts_on(day)[post]]
        same = [person for person in already if person.name == name]
        if len(same) == 1:
            return same[0]
        try:
            return self.names.resolve(name, post, include_former=day < self.today)
        except CellError as problem:
            # A person who is missing only because of a refused row of 人员 is not refused again here.
            known = self.names.people_named(name) or not self.work.parsed.mentions(PEOPLE, name)
            if known or not self.work.result.refusals:
                self.work.result.refuse(ROSTER, row.number, SHEETS_BY_TITLE[ROSTER].title_of(post), name, problem)
            return None

    def _warn_of_left(self, day: date, people: dict[str, list[Person]]) -> None:
        for person in {person.id: person for found in people.values() for person in found}.values():
            if not person.active:
                self.work.warn("register.left_person_on_roster", day=day.isoformat(), name=person.name)

    def _replace(self, day: date, shift: PeopleByPost) -> None:
        self.session.execute(delete(DutyShift).where(DutyShift.day == day))
        self.session.add_all(
            DutyShift(day=day, post=post, sort_order=rank, person_id=person_id)
            for post, people in shift.items()
            for rank, person_id in enumerate(people)
        )

    def warn_of_unreachable(self, by_day: dict[date, list[ParsedRow]]) -> None:
        """Warn of duty leaders without any account: they cannot be alerted."""
        if not by_day:
            return
        for person in self.leaders.values():
            if person.active and not self.names.has_account(person):
                self.work.warn("register.leader_unreachable", name=person.name)
