"""Resolves the names on the roster; 姓名（手机） tells people of the same name apart."""

from __future__ import annotations

import re
from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.workbooks.register.result import CellError
from storage.db.models import Binding, Employment, Enterprise, Person
from storage.register_terms import DUTY_LEADER, OFFICE_STAFF

ELIGIBLE_ROLES = {"leader": {DUTY_LEADER}, "backup": {DUTY_LEADER}, "staff": {OFFICE_STAFF, DUTY_LEADER}}
_QUALIFIED = re.compile(r"(.+?)\s*[（(]\s*([^（）()]+?)\s*[）)]")


class RosterNames:
    """All people by name, with what else identifies a person, loaded once."""

    def __init__(self, session: Session) -> None:
        self.people: dict[int, Person] = {}
        self._by_name: dict[str, list[Person]] = defaultdict(list)
        self._marks: dict[int, list[str]] = defaultdict(list)
        self._employed: set[int] = set()
        self._told: set[int] = set()
        for person in session.scalars(select(Person).order_by(Person.id)):
            self.people[person.id] = person
            self._by_name[person.name].append(person)
            self._marks[person.id] += [person.mobile] if person.mobile else []
        self._load_accounts(session)
        self._load_enterprises(session)

    def _load_accounts(self, session: Session) -> None:
        query = select(Binding.person_id, Binding.account).where(Binding.until.is_(None)).order_by(Binding.id)
        for person_id, account in session.execute(query):
            self._told.add(person_id)
            self._marks[person_id].append(account)

    def _load_enterprises(self, session: Session) -> None:
        query = select(Employment.person_id, Enterprise.code).join(
            Enterprise, Enterprise.id == Employment.enterprise_id
        )
        for person_id, code in session.execute(query.order_by(Enterprise.code)):
            self._employed.add(person_id)
            self._marks[person_id].append(code)

    def has_account(self, person: Person) -> bool:
        """True if the person has any account."""
        return person.id in self._told

    def people_named(self, name: str) -> list[Person]:
        """All people of exactly that name, active or not."""
        return self._by_name.get(name, [])

    def eligible(self, post: str) -> list[Person]:
        """The people of the office who may be put on a post, by name."""
        fitting = [person for person in self.people.values() if person.active and self._fits(person, post)]
        return sorted(fitting, key=lambda person: (person.name, person.id))

    def resolve(self, text: str, post: str, *, include_former: bool = False) -> Person:
        """The person of a name on a post; `include_former` also finds people who left. Raises CellError."""
        name, people = self._meant(text)
        serving = [person for person in people if person.active]
        fitting = [person for person in serving if self._fits(person, post)]
        for found in (serving, fitting, people if include_former and not serving else []):
            if len(found) == 1:
                return found[0]
        if not people:
            raise CellError("register.person_not_found", name=text)
        if not serving and not include_former:
            raise CellError("register.person_left", name=text)
        raise CellError("register.ambiguous_person", count=len(serving or people), name=name)

    def _meant(self, written: str) -> tuple[str, list[Person]]:
        if people := self.people_named(written):
            return written, people
        match = _QUALIFIED.fullmatch(written)
        if match is None:
            return written, []
        return match[1], [person for person in self.people_named(match[1]) if match[2] in self._marks[person.id]]

    def _fits(self, person: Person, post: str) -> bool:
        return bool(ELIGIBLE_ROLES[post] & set(person.roles)) and person.id not in self._employed

    def unambiguous_name(self, person: Person, post: str) -> str:
        """A name by which `resolve` finds this person; the plain name if nothing identifies the person."""
        candidates = [person.name, *(f"{person.name}（{mark}）" for mark in self._marks[person.id])]
        return next((text for text in candidates if self._means(text, post, person)), person.name)

    def _means(self, text: str, post: str, person: Person) -> bool:
        try:
            return self.resolve(text, post, include_former=not person.active) is person
        except CellError:
            return False
