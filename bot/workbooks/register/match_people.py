"""Which person of the database a row of 人员 means.

By 企业微信账号, else 微信openid, else 手机 with the name, else 手机 alone where it is one person's,
else name and enterprises. Each person is recognised once; the surest signs of all rows go first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.workbooks.register.parse import Row
from bot.workbooks.register.schema import LEFT
from storage.db.models import Binding, Employment, Person
from storage.personal_channels import canonical_account

REALMS = ("wecom", "official_account")
Signs = Callable[["Wanted"], Hashable | None]


@dataclass
class Wanted:
    """A person as a row describes him; `enterprises` is None where the sheet has no such column."""

    row: Row
    name: str
    mobile: str | None
    roles: list[str]
    enterprises: frozenset[int] | None
    accounts: dict[str, str]
    left: bool | None
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, row: Row, enterprises: frozenset[int] | None) -> Wanted:
        """What the row says."""
        accounts = {realm: row.get(realm) for realm in REALMS if row.get(realm)}
        left = row.get("state") == LEFT if "state" in row.values else None
        return cls(row, row.get("name"), row.get("mobile"), row.get("roles"), enterprises, accounts, left)

    @property
    def keys(self) -> dict[str, str]:
        """The accounts as they are compared."""
        return {realm: canonical_account(realm, account) for realm, account in self.accounts.items()}


class KnownPeople:
    """Everybody in the database with enterprises and accounts, loaded once."""

    def __init__(self, session: Session) -> None:
        self.people = list(session.scalars(select(Person).order_by(Person.id)))
        self.enterprises: dict[int, set[int]] = defaultdict(set)
        for person_id, enterprise_id in session.execute(select(Employment.person_id, Employment.enterprise_id)):
            self.enterprises[person_id].add(enterprise_id)
        self.holder: dict[tuple[str, str], int] = {}
        self.last_holder: dict[tuple[str, str], int] = {}
        self.held: dict[int, list[Binding]] = defaultdict(list)
        for binding in session.scalars(select(Binding).order_by(Binding.id)):
            self._note(binding)

    def _note(self, binding: Binding) -> None:
        key = (binding.realm, binding.account_key)
        self.last_holder[key] = binding.person_id
        if binding.until is None:
            self.holder[key] = binding.person_id
            self.held[binding.person_id].append(binding)

    def accounts(self, person_id: int, realm: str) -> list[str]:
        """The accounts a person holds now on one platform, the newest last."""
        return [binding.account for binding in self.held[person_id] if binding.realm == realm]


class Recogniser:
    """Finds for each wanted person the one in the database; `found` is by row number."""

    def __init__(self, known: KnownPeople) -> None:
        self.known = known
        self.claimed: set[int] = set()
        self.found: dict[int, Person] = {}

    def recognise(self, wanted: list[Wanted]) -> None:
        """Fill `found` with everybody who is known already."""
        by_id = {person.id: person for person in self.known.people}
        for realm in REALMS:
            self._by_holder(wanted, realm, self.known.holder, by_id)
        self._by(wanted, lambda one: one.mobile and (one.mobile, one.name), lambda p: [(p.mobile, p.name)], self._fits)
        for realm in REALMS:
            # Whoever has left holds his account no longer, but the office's sheet still shows it.
            leaving = [one for one in wanted if one.left]
            self._by_holder(leaving, realm, self.known.last_holder, by_id)
        self._by_mobile_alone(wanted)
        self._by(wanted, lambda one: one.name, lambda person: [person.name], self._same_place)

    def _by_holder(
        self, wanted: list[Wanted], realm: str, holder: dict[tuple[str, str], int], by_id: dict[int, Person]
    ) -> None:
        for one in self._open(wanted):
            person_id = holder.get((realm, one.keys.get(realm, "")))
            if person_id is None or person_id in self.claimed:
                continue
            # Nobody is renamed and sent off in one row: there the account has passed to somebody else.
            if not one.left or by_id[person_id].name == one.name:
                self._claim(one, by_id[person_id])

    def _by(
        self,
        wanted: list[Wanted],
        sign: Signs,
        signs_of: Callable[[Person], Iterable[Hashable]],
        fits: Callable[[Wanted, Person], bool],
    ) -> None:
        by_sign: dict[Hashable, list[Person]] = defaultdict(list)
        for person in self.known.people:
            for found in signs_of(person):
                by_sign[found].append(person)
        for one in self._open(wanted):
            candidates = by_sign.get(sign(one), ())
            free = [person for person in candidates if person.id not in self.claimed and fits(one, person)]
            if free:
                self._claim(one, min(free, key=lambda person: self._unlikeness(one, person)))

    def _by_mobile_alone(self, wanted: list[Wanted]) -> None:
        """A changed name; a telephone shared by several is nobody's sign."""
        rows = Counter(one.mobile for one in self._open(wanted))
        people = Counter(person.mobile for person in self.known.people)
        single = [one for one in self._open(wanted) if rows[one.mobile] == people[one.mobile] == 1]
        self._by(single, lambda one: one.mobile, lambda person: [person.mobile], self._no_other_account)

    def _fits(self, one: Wanted, person: Person) -> bool:
        """With mobile and name the same, an account nobody holds is simply a new one of his."""
        held = {self.known.holder.get((realm, account)) for realm, account in one.keys.items()}
        return held <= {None, person.id}

    def _no_other_account(self, one: Wanted, person: Person) -> bool:
        held = {(binding.realm, binding.account_key) for binding in self.known.held[person.id]}
        return all((realm, key) in held or not self.known.accounts(person.id, realm) for realm, key in one.keys.items())

    def _same_place(self, one: Wanted, person: Person) -> bool:
        same_enterprises = one.enterprises is None or one.enterprises == self.known.enterprises[person.id]
        other_mobile = one.mobile and person.mobile and one.mobile != person.mobile
        return same_enterprises and not other_mobile and self._no_other_account(one, person)

    def _unlikeness(self, one: Wanted, person: Person) -> tuple[bool, bool, bool, int]:
        same_enterprises = one.enterprises is None or one.enterprises == self.known.enterprises[person.id]
        return bool(one.left) == person.active, not same_enterprises, set(one.roles) != set(person.roles), person.id

    def _open(self, wanted: list[Wanted]) -> list[Wanted]:
        return [one for one in wanted if one.row.number not in self.found]

    def _claim(self, one: Wanted, person: Person) -> None:
        self.claimed.add(person.id)
        self.found[one.row.number] = person
