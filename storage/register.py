"""The register: enterprises, their key parts, people, accounts, groups and agreed rules."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Binding, Employment, Enterprise, GroupChat, Invitation, KeyPart, Person, Rule
from storage.db.upsert import in_list
from storage.personal_channels import canonical_account
from storage.register_terms import ADMIN, DEREGISTERED, OFFICE_STAFF, PRODUCING, SHUT_DOWN


@lru_cache(maxsize=4096)
def natural_sort_key(number: str) -> tuple[Any, ...]:
    """Sorts 2 before 10, and A2 before A10."""
    return tuple((0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in re.findall(r"\d+|\D+", number))


class Register:
    """Who there is, and what each has agreed to film."""

    def __init__(self, session: Session) -> None:
        self.session = session

    # People and their accounts

    def person(self, person_id: int) -> Person | None:
        """The person of that id."""
        return self.session.get(Person, person_id)

    def people_by_id(self, ids: Iterable[int]) -> dict[int, Person]:
        """The people of these ids."""
        wanted = list(ids)
        found = self.session.scalars(select(Person).where(Person.id.in_(wanted))) if wanted else ()
        return {person.id: person for person in found}

    def account_owner(self, realm: str, account: str, at: datetime) -> Person | None:
        """Whose account this was at an instant; None for a stranger."""
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
        """Those of several people who have an account in one of these realms."""
        bound = select(Binding.person_id).where(
            Binding.person_id.in_(list(people)), Binding.realm.in_(list(realms)), Binding.until.is_(None)
        )
        return set(self.session.scalars(bound))

    def accounts(self, people: Iterable[int], realm: str) -> dict[int, str]:
        """The present accounts of several people on one platform."""
        rows = self.session.execute(
            select(Binding.person_id, Binding.account)
            .where(in_list(self.session, Binding.person_id, people), Binding.realm == realm, Binding.until.is_(None))
            .order_by(Binding.id)
        )
        return {person_id: account for person_id, account in rows}

    def bind(self, person_id: int, realm: str, account: str, since: datetime | None) -> None:
        """Give a person an account from an instant on (None = always); whoever had it before loses it then."""
        key = canonical_account(realm, account)
        for binding in self.session.scalars(
            select(Binding).where(Binding.realm == realm, Binding.canonical_account == key, Binding.until.is_(None))
        ).all():
            if binding.person_id == person_id:
                binding.since = since if since is None else binding.since
                return
            if since is None:
                self.session.delete(binding)
            else:
                binding.until = since
        self.session.add(Binding(person_id=person_id, realm=realm, account=account, canonical_account=key, since=since))
        self.session.flush()

    def unbind_all(self, person_id: int, at: datetime) -> None:
        """End every account of a person who has left."""
        for binding in self.session.scalars(
            select(Binding).where(Binding.person_id == person_id, Binding.until.is_(None))
        ):
            binding.until = at

    def people_with_role(self, *roles: str) -> list[Person]:
        """The active people who have one of these roles."""
        people = self.session.scalars(select(Person).where(Person.active).order_by(Person.id))
        return [person for person in people if person.has_role(*roles)]

    def office_staff(self) -> list[Person]:
        """The supervising office: staff, failing them the administrators."""
        return self.people_with_role(OFFICE_STAFF) or self.people_with_role(ADMIN)

    def invitation(self, code: str) -> Invitation | None:
        """The invitation with that code."""
        return self.session.get(Invitation, code)

    def open_invitations(self, limit: int = 200) -> Sequence[Any]:
        """The codes that nobody has used yet with whom each is for, the oldest first."""
        query = select(Invitation, Person).join(Person, Person.id == Invitation.person_id)
        waiting = query.where(Invitation.used_at.is_(None), Person.active)
        return self.session.execute(waiting.order_by(Invitation.created_at, Invitation.code).limit(limit)).all()

    def redate_invitations(self, created_at: datetime) -> None:
        """Let every unused invitation count as made at an instant; it lives as long as it was meant to."""
        for invitation in self.session.scalars(select(Invitation).where(Invitation.used_at.is_(None))):
            invitation.expires_at += created_at - invitation.created_at
            invitation.created_at = created_at

    def people_named(self, name: str) -> list[Person]:
        """Every active person of that name."""
        return list(self.session.scalars(select(Person).where(Person.name == name, Person.active)))

    # Groups

    def group_by_chat_id(self, chat_id: str) -> GroupChat | None:
        """The work group that is known by this chat id of the smart bot."""
        return self.session.scalars(select(GroupChat).where(GroupChat.chat_id == chat_id).limit(1)).first()

    # Enterprises and parts

    def enterprise(self, enterprise_id: int) -> Enterprise | None:
        """The enterprise of that id."""
        return self.session.get(Enterprise, enterprise_id)

    def enterprise_by_code(self, code: str) -> Enterprise | None:
        """The enterprise with that code."""
        return self.session.scalar(select(Enterprise).where(Enterprise.code == code))

    def enterprises_of(self, person_id: int) -> list[Enterprise]:
        """The enterprises a person films or answers for."""
        return list(
            self.session.scalars(
                select(Enterprise)
                .join(Employment, Employment.enterprise_id == Enterprise.id)
                .where(Employment.person_id == person_id, Enterprise.status != DEREGISTERED)
                .order_by(Enterprise.code)
            )
        )

    def enterprise_ids_of(self, people: Iterable[int]) -> dict[int, list[int]]:
        """Person id -> ids of the enterprises the person films for."""
        found: dict[int, list[int]] = defaultdict(list)
        rows = select(Employment.person_id, Employment.enterprise_id)
        rows = rows.where(in_list(self.session, Employment.person_id, people))
        for person_id, enterprise_id in self.session.execute(rows):
            found[person_id].append(enterprise_id)
        return found

    def parts_of(self, enterprise_id: int) -> list[KeyPart]:
        """An enterprise's key parts in use, by number."""
        parts = self.session.scalars(select(KeyPart).where(KeyPart.enterprise_id == enterprise_id, KeyPart.in_use))
        return sorted(parts, key=lambda part: natural_sort_key(part.number))

    def required_parts_of(self, enterprise_id: int) -> list[KeyPart]:
        """The parts an enterprise has to film now: while production has stopped, those that are kept on."""
        parts, enterprise = self.parts_of(enterprise_id), self.enterprise(enterprise_id)
        kept_on = [part for part in parts if part.required_in_shutdown]
        return kept_on if enterprise and enterprise.status == SHUT_DOWN and kept_on else parts

    def enterprise_names(self) -> dict[int, tuple[str, str]]:
        """Code and short name of every enterprise there is or was."""
        rows = self.session.execute(select(Enterprise.id, Enterprise.code, Enterprise.short_name))
        return {enterprise_id: (code, name) for enterprise_id, code, name in rows}

    def part_names(self) -> dict[int, str]:
        """Number and name of every part there is or was."""
        rows = self.session.execute(select(KeyPart.id, KeyPart.number, KeyPart.name))
        return {part_id: f"{number} {name}" for part_id, number, name in rows}

    def part(self, part_id: int) -> KeyPart | None:
        """The key part of that id."""
        return self.session.get(KeyPart, part_id)

    def expected_parts(self, enterprise_id: int | None = None, group_id: int | None = None) -> Sequence[Any]:
        """Every enterprise still in the register, or one, or a group's, with each of its parts, as plain columns."""
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
        """The active people of each of these enterprises."""
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

    # Groups and rules

    def groups(self) -> list[GroupChat]:
        """Every work group, by name."""
        return list(self.session.scalars(select(GroupChat).order_by(GroupChat.name)))

    def has_several_groups(self) -> bool:
        """Whether there are several work groups."""
        return len(self.session.scalars(select(GroupChat.id).limit(2)).all()) > 1

    def enterprises_without_group(self) -> list[int]:
        """The producing enterprises that belong to no work group."""
        alone = select(Enterprise.id).where(Enterprise.group_id.is_(None), Enterprise.status == PRODUCING)
        return list(self.session.scalars(alone.order_by(Enterprise.id)))

    def group(self, group_id: int) -> GroupChat | None:
        """The work group of that id."""
        return self.session.get(GroupChat, group_id)

    def rules(self) -> list[Rule]:
        """Every agreed value with the night from which it holds."""
        return list(self.session.scalars(select(Rule).order_by(Rule.id)))
