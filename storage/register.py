"""The register: enterprises, their key parts, people, accounts, groups and agreed rules."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, literal, or_, select, true
from sqlalchemy.orm import Session

from storage.db.models import Binding, Employment, Enterprise, GroupChat, KeyPart, Person, Rule
from storage.db.upsert import in_list
from storage.personal_channels import canonical_account
from storage.register_terms import ADMIN, DEREGISTERED, OFFICE_STAFF, PRODUCING, SHUT_DOWN


@lru_cache(maxsize=4096)
def natural_sort_key(number: str) -> tuple[Any, ...]:
    return tuple((0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in re.findall(r"\d+|\D+", number))


class Register:
    def __init__(self, session: Session) -> None:
        self.session = session
        self._named: dict[tuple[int, str], Sequence[int]] = {}

    # People and their accounts

    def person(self, person_id: int) -> Person | None:
        return self.session.get(Person, person_id)

    def people_by_id(self, ids: Iterable[int]) -> dict[int, Person]:
        wanted = list(ids)
        people = self.session.scalars(select(Person).where(Person.id.in_(wanted))) if wanted else ()
        return {person.id: person for person in people}

    def account_owner(self, realm: str, account: str, at: datetime) -> Person | None:
        """The person the account was bound to at an instant; None for a stranger."""
        return self.session.scalars(
            select(Person)
            .join(Binding, Binding.person_id == Person.id)
            .where(
                Binding.realm == realm,
                Binding.canonical_account == canonical_account(realm, account),
                or_(Binding.since.is_(None), Binding.since <= at),
                or_(Binding.until.is_(None), Binding.until > at),
            )
            .order_by(Binding.id.desc())
            .limit(1)
        ).first()

    def with_account(self, people: Iterable[int], realms: Iterable[str]) -> set[int]:
        """The ids among `people` that have an account in one of these realms."""
        bound = select(Binding.person_id).where(
            Binding.person_id.in_(list(people)), Binding.realm.in_(list(realms)), Binding.until.is_(None)
        )
        return set(self.session.scalars(bound))

    def accounts(self, people: Iterable[int], realm: str) -> dict[int, str]:
        """Person id -> the latest account in the realm, for people who have one."""
        rows = self.session.execute(
            select(Binding.person_id, Binding.account)
            .where(in_list(self.session, Binding.person_id, people), Binding.realm == realm, Binding.until.is_(None))
            .order_by(Binding.id)
        )
        return {person_id: account for person_id, account in rows}

    def current_bindings(self, person_id: int) -> Sequence[Binding]:
        """The bindings of a person that have not ended, the latest first."""
        current = select(Binding).where(Binding.person_id == person_id, Binding.until.is_(None))
        return self.session.scalars(current.order_by(Binding.id.desc())).all()

    def bind(self, person_id: int, realm: str, account: str, since: datetime | None) -> Binding | None:
        """Bind an account to a person from `since` on (None = always); its binding to anyone else ends then.

        The new binding, None if the account was the person's before.
        """
        key = canonical_account(realm, account)
        for binding in self.session.scalars(
            select(Binding).where(Binding.realm == realm, Binding.canonical_account == key, Binding.until.is_(None))
        ).all():
            if binding.person_id == person_id:
                binding.since = since if since is None else binding.since
                return None
            if since is None:
                self.session.delete(binding)
            else:
                binding.until = since
        bound = Binding(person_id=person_id, realm=realm, account=account, canonical_account=key, since=since)
        self.session.add(bound)
        self.session.flush()
        return bound

    def unbind_all(self, person_id: int, at: datetime) -> None:
        """End every binding of a person."""
        for binding in self.current_bindings(person_id):
            binding.until = at

    def people_with_role(self, *roles: str) -> list[Person]:
        """The active people with at least one of these roles."""
        people = self.session.scalars(select(Person).where(Person.active).order_by(Person.id))
        return [person for person in people if person.has_role(*roles)]

    def office_staff(self) -> list[Person]:
        """The office staff; the administrators if there is no staff."""
        return self.people_with_role(OFFICE_STAFF) or self.people_with_role(ADMIN)

    def people_named(self, name: str) -> list[Person]:
        return list(self.session.scalars(select(Person).where(Person.name == name, Person.active)))

    # Groups

    def group_by_chat_id(self, chat_id: str) -> GroupChat | None:
        """The group with this chat id, by which the smart bot knows it."""
        return self.session.scalars(select(GroupChat).where(GroupChat.chat_id == chat_id).limit(1)).first()

    # Enterprises and parts

    def enterprise(self, enterprise_id: int) -> Enterprise | None:
        return self.session.get(Enterprise, enterprise_id)

    def supervised_enterprises(self) -> Sequence[Enterprise]:
        """All enterprises but the deregistered ones, by code."""
        supervised = select(Enterprise).where(Enterprise.status != DEREGISTERED)
        return self.session.scalars(supervised.order_by(Enterprise.code)).all()

    def enterprise_by_code(self, code: str) -> Enterprise | None:
        return self.session.scalar(select(Enterprise).where(Enterprise.code == code))

    def enterprises_of(self, person_id: int) -> list[Enterprise]:
        """The enterprises a person works for, by code; without deregistered ones."""
        return list(
            self.session.scalars(
                select(Enterprise)
                .join(Employment, Employment.enterprise_id == Enterprise.id)
                .where(Employment.person_id == person_id, Enterprise.status != DEREGISTERED)
                .order_by(Enterprise.code)
            )
        )

    def enterprise_ids_of(self, people: Iterable[int]) -> dict[int, list[int]]:
        """Person id -> ids of the enterprises the person works for."""
        found: dict[int, list[int]] = defaultdict(list)
        rows = select(Employment.person_id, Employment.enterprise_id)
        rows = rows.where(in_list(self.session, Employment.person_id, people))
        for person_id, enterprise_id in self.session.execute(rows):
            found[person_id].append(enterprise_id)
        return found

    def parts_of(self, enterprise_id: int, *, also_unused: bool = False) -> list[KeyPart]:
        """The key parts in use, in the natural order of their numbers."""
        parts = select(KeyPart).where(KeyPart.enterprise_id == enterprise_id, or_(KeyPart.in_use, literal(also_unused)))
        return sorted(self.session.scalars(parts), key=lambda part: natural_sort_key(part.number))

    def required_parts_of(self, enterprise_id: int) -> list[KeyPart]:
        """The parts to film now: during a shutdown only those required in it, if there are any."""
        parts, enterprise = self.parts_of(enterprise_id), self.enterprise(enterprise_id)
        required = [part for part in parts if part.required_in_shutdown]
        return required if enterprise and enterprise.status == SHUT_DOWN and required else parts

    def enterprise_names(self) -> dict[int, tuple[str, str]]:
        """Enterprise id -> code and short name, deregistered ones included."""
        rows = self.session.execute(select(Enterprise.id, Enterprise.code, Enterprise.short_name))
        return {enterprise_id: (code, name) for enterprise_id, code, name in rows}

    def part_names(self, ids: Iterable[int] | None = None) -> dict[int, str]:
        """Part id -> number and name, of all parts or of these, parts no longer in use included."""
        among = true() if ids is None else in_list(self.session, KeyPart.id, ids)
        rows = self.session.execute(select(KeyPart.id, KeyPart.number, KeyPart.name).where(among))
        return {part_id: f"{number} {name}" for part_id, number, name in rows}

    def part_numbers(self) -> dict[int, str]:
        """Part id -> number, parts no longer in use included."""
        return {part_id: number for part_id, number in self.session.execute(select(KeyPart.id, KeyPart.number))}

    def part(self, part_id: int) -> KeyPart | None:
        return self.session.get(KeyPart, part_id)

    def expected_parts(self, enterprise_id: int | None = None, group_id: int | None = None) -> Sequence[Any]:
        """One row per enterprise and part in use, without deregistered enterprises; `part_*` is None without parts."""
        query = (
            select(
                Enterprise.id,
                Enterprise.code,
                Enterprise.name,
                Enterprise.short_name,
                Enterprise.risk,
                Enterprise.group_id,
                Enterprise.status,
                KeyPart.id.label("part_id"),
                KeyPart.number,
                KeyPart.name.label("part_name"),
                KeyPart.required_in_shutdown,
                KeyPart.risk.label("part_risk"),
            )
            .join(KeyPart, and_(KeyPart.enterprise_id == Enterprise.id, KeyPart.in_use), isouter=True)
            .where(Enterprise.status != DEREGISTERED)
            .order_by(Enterprise.code)
        )
        if enterprise_id is not None:
            query = query.where(Enterprise.id == enterprise_id)
        if group_id is not None:
            query = query.where(Enterprise.group_id == group_id)
        return self.session.execute(query).all()

    def employees(self, enterprise_ids: Iterable[int]) -> dict[int, list[Person]]:
        """Enterprise id -> its active people."""
        rows = self.session.execute(
            select(Employment.enterprise_id, Person)
            .join(Person, Person.id == Employment.person_id)
            .where(in_list(self.session, Employment.enterprise_id, enterprise_ids), Person.active)
            .order_by(Person.id)
        )
        found: dict[int, list[Person]] = defaultdict(list)
        for enterprise_id, person in rows:
            found[enterprise_id].append(person)
        return found

    def employees_named(self, enterprise_id: int, name: str) -> Sequence[int]:
        """Ids of the active people of that name at the enterprise, as the transaction first saw them."""
        if (enterprise_id, name) not in self._named:
            query = select(Person.id).join(Employment, Employment.person_id == Person.id)
            query = query.where(Employment.enterprise_id == enterprise_id, Person.name == name, Person.active)
            self._named[enterprise_id, name] = self.session.scalars(query).all()
        return self._named[enterprise_id, name]

    # Groups and rules

    def groups(self) -> list[GroupChat]:
        return list(self.session.scalars(select(GroupChat).order_by(GroupChat.name)))

    def has_several_groups(self) -> bool:
        return len(self.session.scalars(select(GroupChat.id).limit(2)).all()) > 1

    def enterprises_without_group(self) -> list[int]:
        """Ids of the producing enterprises that belong to no work group."""
        query = select(Enterprise.id).where(Enterprise.group_id.is_(None), Enterprise.status == PRODUCING)
        return list(self.session.scalars(query.order_by(Enterprise.id)))

    def group(self, group_id: int) -> GroupChat | None:
        return self.session.get(GroupChat, group_id)

    def rules(self) -> list[Rule]:
        """Every rule, oldest first; `effective_from` is the night from which it holds."""
        return list(self.session.scalars(select(Rule).order_by(Rule.id)))
