"""Applies the sheet 人员: people, their enterprises and their accounts."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from sqlalchemy import delete

from bot.workbooks.register.import_context import ImportContext, update_fields
from bot.workbooks.register.match_people import REALMS, KnownPeople, PersonMatcher, PersonRow
from bot.workbooks.register.parse import ParsedRow
from bot.workbooks.register.schema import PEOPLE
from storage.db.models import Binding, Employment, Person
from storage.register_terms import APPOINTED_ROLES


def apply_people(context: ImportContext) -> None:
    """Add and update people; the accounts of people who left end at `context.now`."""
    if PEOPLE not in context.parsed.sheets:
        return
    wanted = [one for row in context.rows(PEOPLE) if (one := _wanted(context, row)) is not None]
    _refuse_shared_accounts(context, wanted)
    known = KnownPeople(context.store.session)
    recogniser = PersonMatcher(known)
    recogniser.match(wanted)
    kept = _merged(context, wanted, recogniser.matches)
    _warn_of_namesakes(context, kept, known, recogniser.matches)
    writer = _Writer(context, known)
    context.row_of_person |= {person.id: number for number, person in recogniser.matches.items()}
    for one in kept:
        writer.write(one, recogniser.matches.get(one.row.number))
    context.store.session.flush()
    writer.write_ties()
    context.result.sheet(PEOPLE).not_mentioned = [
        person.name for person in known.people if person.active and person.id not in recogniser.matched_ids
    ]


def _wanted(work: ImportContext, row: ParsedRow) -> PersonRow | None:
    if "codes" not in row.values:
        return PersonRow.from_row(row, None)
    found = [work.resolve_enterprise(PEOPLE, row, "codes", code) for code in row.get("codes") or ()]
    if None in found:
        return None
    enterprises = {enterprise.id: enterprise for enterprise in found if enterprise is not None}
    row.values["codes"] = [enterprise.code for enterprise in enterprises.values()]
    return PersonRow.from_row(row, frozenset(enterprises))


def _refuse_shared_accounts(work: ImportContext, wanted: list[PersonRow]) -> None:
    first: dict[tuple[str, str], int] = {}
    for one in wanted:
        for key in one.account_keys.items():
            if first.setdefault(key, one.row.number) != one.row.number:
                work.refuse(PEOPLE, one.row, key[0], "register.duplicate_account", first_row=first[key])


def _merged(work: ImportContext, wanted: list[PersonRow], found: dict[int, Person]) -> list[PersonRow]:
    """Merge two rows of one active person, with the roles and enterprises of both."""
    kept: list[PersonRow] = []
    by_sign: dict[Hashable, PersonRow] = {}
    for one in sorted(wanted, key=lambda one: one.row.number not in found):
        by_sign.setdefault(_sign(one), one)
    for one in wanted:
        first = by_sign[_sign(one)]
        if first is one or one.has_left or one.row.number in found or (one.accounts and first.accounts):
            kept.append(one)
            continue
        first.roles = list(dict.fromkeys(first.roles + one.roles))
        if first.enterprise_ids is not None and one.enterprise_ids is not None:
            first.enterprise_ids |= one.enterprise_ids
        first.accounts |= one.accounts
        work.result.sheet(PEOPLE).count(new=False)
        work.warn("register.merged_people", row=one.row.number, first_row=first.row.number)
    return kept


def _sign(one: PersonRow) -> Hashable:
    if one.mobile:
        return one.name, one.mobile, one.has_left
    # A row with an account of its own is not a duplicate.
    return one.name, one.enterprise_ids, tuple(one.account_keys.items()), one.has_left


def _warn_of_namesakes(
    work: ImportContext, kept: list[PersonRow], known: KnownPeople, found: dict[int, Person]
) -> None:
    places = {(person.name, frozenset(known.enterprise_ids[person.id])) for person in known.people if person.active}
    for one in kept:
        if one.row.number not in found and (one.name, one.enterprise_ids) in places:
            work.warn("register.same_name_new_person", row=one.row.number, name=one.name)


class _Writer:
    """Writes people first, then the rows that refer to their ids."""

    def __init__(self, work: ImportContext, known: KnownPeople) -> None:
        self.work, self.known = work, known
        self.ties: list[tuple[PersonRow, Person, bool, bool]] = []

    def write(self, one: PersonRow, person: Person | None) -> None:
        """Add or update the person."""
        new = person is None
        if person is None:
            person = Person(name=one.name, roles=[], active=True)
            self.work.store.session.add(person)
        elif person.name != one.name:
            self.work.warn("register.person_renamed", row=one.row.number, old=person.name, new=one.name)
        self.ties.append((one, person, new, update_fields(person, self._values(one, person))))

    def _values(self, one: PersonRow, person: Person) -> dict[str, Any]:
        self._check_appointment(one, person)
        values: dict[str, Any] = {"name": one.name}
        if "mobile" in one.row.values:
            values["mobile"] = one.mobile
        if set(person.roles) != set(one.roles):
            values["roles"] = one.roles
        if one.has_left is not None:
            values["active"] = not one.has_left
        elif not person.active:
            self.work.warn("register.left_person_listed", row=one.row.number, name=one.name)
        return values

    def _check_appointment(self, one: PersonRow, person: Person) -> None:
        """Refuse to give, or bring back, a role that only an administrator gives."""
        held = set(person.roles) if person.active else set()
        if not self.work.may_appoint and set(APPOINTED_ROLES) & set(one.roles) - held:
            given = [role for role in APPOINTED_ROLES if role in one.roles]
            self.work.refuse(PEOPLE, one.row, "roles", "register.only_administrator", roles="、".join(given))

    def write_ties(self) -> None:
        """Write enterprises and accounts, and count each person as changed or not."""
        for one, person, new, changed in self.ties:
            moved = self._employ(one, person)
            bound = self._bind(one, person) if person.active else self._unbind(person)
            self.work.result.sheet(PEOPLE).count(new=new, changed=changed or moved or bound)

    def _employ(self, one: PersonRow, person: Person) -> bool:
        old = self.known.enterprise_ids[person.id]
        if one.enterprise_ids is None or one.enterprise_ids == old:
            return False
        session = self.work.store.session
        if gone := old - one.enterprise_ids:
            session.execute(
                delete(Employment).where(Employment.person_id == person.id, Employment.enterprise_id.in_(gone))
            )
        session.add_all(
            Employment(person_id=person.id, enterprise_id=enterprise) for enterprise in sorted(one.enterprise_ids - old)
        )
        return True

    def _unbind(self, person: Person) -> bool:
        if not self.known.current_bindings[person.id]:
            return False
        self.work.store.register.unbind_all(person.id, self.work.now)
        return True

    def _bind(self, one: PersonRow, person: Person) -> bool:
        bound = [self._bind_one(one, person, realm) for realm in REALMS if realm in one.accounts]
        return any(bound)

    def _bind_one(self, one: PersonRow, person: Person, realm: str) -> bool:
        account, key = one.accounts[realm], one.account_keys[realm]
        holder = self.known.current_holders.get((realm, key))
        if holder is not None and holder == person.id:
            held = [
                binding
                for binding in self.known.current_bindings[person.id]
                if (binding.realm, binding.canonical_account) == (realm, key)
            ]
            return update_fields(held[-1], {"account": account})
        if holder is not None:
            other = next(known.name for known in self.known.people if known.id == holder)
            self.work.refuse(PEOPLE, one.row, realm, "register.account_taken", name=other)
            return False
        if person.has_role(*APPOINTED_ROLES) and not self.work.may_appoint:
            roles = [role for role in APPOINTED_ROLES if role in person.roles]
            self.work.refuse(PEOPLE, one.row, realm, "register.only_administrator", roles="、".join(roles))
            return False
        for binding in self.known.current_bindings[person.id]:
            # An account from an earlier sheet ends; one that the person bound by code stays.
            if binding.realm == realm and binding.since is None:
                binding.until = self.work.now
        # The account is known to be free; Register.bind would need a query per row to find that out.
        bound = Binding(person_id=person.id, realm=realm, account=account, canonical_account=key, since=None)
        self.work.store.session.add(bound)
        self.work.result.new_bindings.append(bound)
        return True
