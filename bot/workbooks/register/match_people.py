"""Finds the person in the database for each row of 人员.

By 企业微信账号, else 微信openid, else 手机 with the name, else 手机 alone where only one person has it, else name and
enterprises. Each person matches one row; the most reliable key is tried for all rows before the next one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from itertools import product

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.workbooks.register.parse import ParsedRow
from bot.workbooks.register.schema import LEFT_JOB
from storage.db.models import Binding, Employment, Person
from storage.personal_channels import canonical_account

REALMS = ("wecom", "official_account")
MatchKey = Callable[["PersonRow"], Hashable | None]


@dataclass
class PersonRow:
    """The person of a row; `enterprise_ids` is None where the sheet has no such column."""

    row: ParsedRow
    name: str
    mobile: str | None
    roles: list[str]
    enterprise_ids: frozenset[int] | None
    accounts: dict[str, str]
    has_left: bool | None
    rows: list[ParsedRow] = field(default_factory=list)

    @classmethod
    def from_row(cls, row: ParsedRow, enterprise_ids: frozenset[int] | None) -> PersonRow:
        accounts = {realm: row.get(realm) for realm in REALMS if row.get(realm)}
        left = row.get("state") == LEFT_JOB if "state" in row.values else None
        return cls(row, row.get("name"), row.get("mobile"), row.get("roles"), enterprise_ids, accounts, left)

    @property
    def account_keys(self) -> dict[str, str]:
        """The accounts in the form in which they are compared."""
        return {realm: canonical_account(realm, account) for realm, account in self.accounts.items()}


class KnownPeople:
    """All people in the database with their enterprises and accounts, loaded once."""

    def __init__(self, session: Session) -> None:
        self.people = list(session.scalars(select(Person).order_by(Person.id)))
        self.enterprise_ids: dict[int, set[int]] = defaultdict(set)
        for person_id, enterprise_id in session.execute(select(Employment.person_id, Employment.enterprise_id)):
            self.enterprise_ids[person_id].add(enterprise_id)
        self.current_holders: dict[tuple[str, str], int] = {}
        self.last_holders: dict[tuple[str, str], int] = {}
        self.current_bindings: dict[int, list[Binding]] = defaultdict(list)
        for binding in session.scalars(select(Binding).order_by(Binding.id)):
            self._note(binding)

    def _note(self, binding: Binding) -> None:
        key = (binding.realm, binding.canonical_account)
        self.last_holders[key] = binding.person_id
        if binding.until is None:
            self.current_holders[key] = binding.person_id
            self.current_bindings[binding.person_id].append(binding)

    def accounts(self, person_id: int, realm: str) -> list[str]:
        """The current accounts of a person in one realm, the newest last."""
        return [binding.account for binding in self.current_bindings[person_id] if binding.realm == realm]


class PersonMatcher:
    """Matches rows with people; `matches` is by row number."""

    def __init__(self, known: KnownPeople) -> None:
        self.known = known
        self.matched_ids: set[int] = set()
        self.matches: dict[int, Person] = {}

    def match(self, person_rows: list[PersonRow]) -> None:
        """Fill `matches` with the people in the database."""
        by_id = {person.id: person for person in self.known.people}
        for realm in REALMS:
            self._by_holder(person_rows, realm, self.known.current_holders, by_id)
        self._by(
            person_rows, lambda one: one.mobile and (one.mobile, one.name), lambda p: [(p.mobile, p.name)], self._fits
        )
        for realm in REALMS:
            # The accounts of people who left have ended, but the sheet still shows them.
            leaving = [one for one in person_rows if one.has_left]
            self._by_holder(leaving, realm, self.known.last_holders, by_id)
        self._by_mobile_alone(person_rows)
        self._by(person_rows, lambda one: one.name, lambda person: [person.name], self._same_place)

    def _by_holder(
        self, wanted: list[PersonRow], realm: str, holder: dict[tuple[str, str], int], by_id: dict[int, Person]
    ) -> None:
        for one in self._open(wanted):
            person_id = holder.get((realm, one.account_keys.get(realm, "")))
            if person_id is None or person_id in self.matched_ids:
                continue
            # With another name and 离职 in one row, the account has passed to another person.
            if not one.has_left or by_id[person_id].name == one.name:
                self._claim(one, by_id[person_id])

    def _by(
        self,
        wanted: list[PersonRow],
        sign: MatchKey,
        signs_of: Callable[[Person], Iterable[Hashable]],
        fits: Callable[[PersonRow, Person], bool],
    ) -> None:
        by_sign: dict[Hashable, list[Person]] = defaultdict(list)
        for person in self.known.people:
            for found in signs_of(person):
                by_sign[found].append(person)
        # The closest pairs first: a row must not take the person that fits another row better.
        for differences in product((False, True), repeat=3):
            for one in self._open(wanted):
                candidates = by_sign.get(sign(one), ())
                free = [person for person in candidates if person.id not in self.matched_ids and fits(one, person)]
                close = [person for person in free if self._differences(one, person) == differences]
                if close:
                    self._claim(one, min(close, key=lambda person: person.id))

    def _by_mobile_alone(self, wanted: list[PersonRow]) -> None:
        """Match people whose name has changed; a telephone number that several share is not used."""
        rows = Counter(one.mobile for one in self._open(wanted))
        people = Counter(person.mobile for person in self.known.people)
        single = [one for one in self._open(wanted) if rows[one.mobile] == people[one.mobile] == 1]
        self._by(single, lambda one: one.mobile, lambda person: [person.mobile], self._no_other_account)

    def _fits(self, one: PersonRow, person: Person) -> bool:
        """Whether the accounts of the row are free or the person's own."""
        held = {self.known.current_holders.get((realm, account)) for realm, account in one.account_keys.items()}
        return held <= {None, person.id}

    def _no_other_account(self, one: PersonRow, person: Person) -> bool:
        held = {(binding.realm, binding.canonical_account) for binding in self.known.current_bindings[person.id]}
        return all(
            (realm, key) in held or not self.known.accounts(person.id, realm) for realm, key in one.account_keys.items()
        )

    def _same_place(self, one: PersonRow, person: Person) -> bool:
        same_enterprises = one.enterprise_ids is None or one.enterprise_ids == self.known.enterprise_ids[person.id]
        other_mobile = one.mobile and person.mobile and one.mobile != person.mobile
        return same_enterprises and not other_mobile and self._no_other_account(one, person)

    def _differences(self, one: PersonRow, person: Person) -> tuple[bool, bool, bool]:
        same_enterprises = one.enterprise_ids is None or one.enterprise_ids == self.known.enterprise_ids[person.id]
        return bool(one.has_left) == person.active, not same_enterprises, set(one.roles) != set(person.roles)

    def _open(self, wanted: list[PersonRow]) -> list[PersonRow]:
        return [one for one in wanted if one.row.number not in self.matches]

    def _claim(self, one: PersonRow, person: Person) -> None:
        self.matched_ids.add(person.id)
        self.matches[one.row.number] = person
