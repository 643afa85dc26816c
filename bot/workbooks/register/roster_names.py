"""Resolves the names on the roster."""

from __future__ import annotations

from bot.workbooks.register.people_names import PeopleNames
from bot.workbooks.register.result import CellError
from storage.db.models import Person
from storage.register_terms import DUTY_LEADER, OFFICE_STAFF

ELIGIBLE_ROLES = {"leader": {DUTY_LEADER}, "backup": {DUTY_LEADER}, "staff": {OFFICE_STAFF, DUTY_LEADER}}


class RosterNames(PeopleNames):
    """The people who may be put on a post."""

    def eligible(self, post: str) -> list[Person]:
        """The people of the office who may be put on a post, by name."""
        fitting = [person for person in self.people.values() if person.active and self._fits(person, post)]
        return sorted(fitting, key=lambda person: (person.name, person.id))

    def resolve(self, text: str, post: str, *, include_former: bool = False) -> Person:
        """The person of a name on a post; `include_former` also finds people who left. Raises CellError."""
        name, people = self.meant(text)
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

    def _fits(self, person: Person, post: str) -> bool:
        return bool(ELIGIBLE_ROLES[post] & set(person.roles)) and not self.is_employed(person)

    def unambiguous_name(self, person: Person, post: str) -> str:
        """A name by which `resolve` finds this person; the plain name if nothing identifies the person."""
        candidates = self.candidate_names(person)
        return next((text for text in candidates if self._means(text, post, person)), person.name)

    def _means(self, text: str, post: str, person: Person) -> bool:
        try:
            return self.resolve(text, post, include_former=not person.active) is person
        except CellError:
            return False
