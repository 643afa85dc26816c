"""The stored register as the rows of its workbook."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from bot.workbooks.register.match_people import REALMS, KnownPeople
from bot.workbooks.register.people_names import PeopleNames
from bot.workbooks.register.roster_names import RosterNames
from bot.workbooks.register.rule_kinds import RULE_KINDS
from bot.workbooks.register.schema import (
    CONTENT,
    EMPLOYED,
    ENTERPRISES,
    FILM_IN_SHUTDOWN,
    GROUPS,
    HAZARD_SOURCES,
    IN_USE,
    LEFT_JOB,
    OUT_OF_USE,
    PARTS,
    PEOPLE,
    ROSTER,
    RULES,
    SHEETS_BY_TITLE,
    SKIP_IN_SHUTDOWN,
)
from storage.db.models import ContentItem, DutyShift, Enterprise, KeyPart, MajorHazardSource, Person
from storage.duty import POSTS
from storage.register import natural_sort_key
from storage.register_terms import GUARANTORS, ROLES
from storage.store import Store

RowValues = list[dict[str, Any]]
SheetRows = dict[str, RowValues]


def register_rows(store: Store, sheet_titles: Container[str] = SHEETS_BY_TITLE) -> SheetRows:
    """Sheet -> rows -> field -> value. Rows of 人员 and 内容 have an `id`; `file_version` is in place of `file`."""
    return {title: cells(store) for title, cells in _CELLS.items() if title in sheet_titles}


def cell_text(value: Any) -> str:
    """The value of a row as text; empty where there is none."""
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def content_items(store: Store) -> list[ContentItem]:
    """The content items in the order in which they were added and are sent."""
    return list(store.session.scalars(select(ContentItem).order_by(ContentItem.added_at, ContentItem.id)))


def _ordered(store: Store) -> list[Enterprise]:
    return sorted(store.session.scalars(select(Enterprise)), key=lambda enterprise: natural_sort_key(enterprise.code))


def _codes(store: Store) -> dict[int, str]:
    return {enterprise.id: enterprise.code for enterprise in _ordered(store)}


def _enterprises(store: Store) -> RowValues:
    groups = {group.id: group.name for group in store.register.groups()}
    return [_enterprise(enterprise, groups) for enterprise in _ordered(store)]


def _enterprise(enterprise: Enterprise, groups: dict[int, str]) -> dict[str, Any]:
    fields = ("code", "name", "short_name", "risk", "major_hazard_sources", "status")
    group = groups[enterprise.group_id] if enterprise.group_id is not None else None
    return {field: getattr(enterprise, field) for field in fields} | {"group": group}


def _parts(store: Store) -> RowValues:
    codes = _codes(store)
    parts = store.session.scalars(select(KeyPart))
    ordered = sorted(
        parts, key=lambda part: (natural_sort_key(codes[part.enterprise_id]), natural_sort_key(part.number))
    )
    return [
        {
            "code": codes[part.enterprise_id],
            "number": part.number,
            "name": part.name,
            "risk": part.risk,
            "filming_requirement": part.filming_requirement,
            "kept": FILM_IN_SHUTDOWN if part.required_in_shutdown else SKIP_IN_SHUTDOWN,
            "use": IN_USE if part.in_use else OUT_OF_USE,
        }
        for part in ordered
    ]


def _people(store: Store) -> RowValues:
    known, codes = KnownPeople(store.session), _codes(store)
    return sorted((_person(person, known, codes) for person in known.people), key=_person_order)


def _person(person: Person, known: KnownPeople, codes: dict[int, str]) -> dict[str, Any]:
    own = sorted((codes[enterprise] for enterprise in known.enterprise_ids[person.id]), key=natural_sort_key)
    accounts = {realm: next(reversed(known.accounts(person.id, realm)), None) for realm in REALMS}
    return {
        "name": person.name,
        "mobile": person.mobile,
        "id": person.id,
        "roles": "、".join(sorted(person.roles, key=_role_order)),
        "codes": "、".join(own),
        "state": EMPLOYED if person.active else LEFT_JOB,
        **accounts,
    }


def _role_order(role: str) -> int:
    return ROLES.index(role) if role in ROLES else len(ROLES)


def _person_order(row: dict[str, Any]) -> tuple[Any, ...]:
    """The office first, then by enterprise; depends on the content of the row only."""
    return (
        natural_sort_key(row["codes"]),
        row["name"],
        *(row[field] or "" for field in ("mobile", *REALMS, "roles", "state")),
    )


def _hazard_sources(store: Store) -> RowValues:
    sources = store.session.scalars(select(MajorHazardSource).options(selectinload(MajorHazardSource.parts))).all()
    codes, names = _codes(store), PeopleNames(store.session) if sources else None
    rows = []
    for source in sources:
        people = {
            role: names.name_at(names.people[person_id], source.enterprise_id) if names else None
            for role, person_id in source.guarantors.items()
        }
        rows.append(
            {
                "code": codes[source.enterprise_id],
                "source_number": source.number,
                "source_name": source.name,
                "source_level": source.level,
                "part_numbers": "、".join(sorted((part.number for part in source.parts), key=natural_sort_key)),
                **dict.fromkeys(GUARANTORS),
                **people,
                "use": IN_USE if source.in_use else OUT_OF_USE,
            }
        )
    return sorted(rows, key=lambda row: (natural_sort_key(row["code"]), natural_sort_key(row["source_number"])))


def _groups(store: Store) -> RowValues:
    fields = ("name", "robot_key", "chat_id")
    return [{field: getattr(group, field) for field in fields} for group in store.register.groups()]


def _roster(store: Store) -> RowValues:
    names = RosterNames(store.session)
    shifts: dict[date, dict[str, list[str]]] = defaultdict(lambda: {post: [] for post in POSTS})
    query = select(DutyShift).order_by(DutyShift.day, DutyShift.sort_order, DutyShift.id)
    for shift in store.session.scalars(query):
        shifts[shift.day][shift.post].append(names.unambiguous_name(names.people[shift.person_id], shift.post))
    return [{"day": day} | {post: "、".join(found) for post, found in posts.items()} for day, posts in shifts.items()]


def _rules(store: Store) -> RowValues:
    order = list(RULE_KINDS)
    held = {(rule.name, rule.effective_from): rule.value for rule in store.register.rules() if rule.name in RULE_KINDS}
    ordered = sorted(held, key=lambda key: (order.index(key[0]), key[1] or date.min))
    return [{"name": name, "value": held[name, since], "effective_from": since} for name, since in ordered]


def _item(item: ContentItem) -> dict[str, Any]:
    return {
        "title": item.title,
        "kind": item.kind,
        "url": item.url,
        "id": item.id,
        "file_version": f"{item.file_name} ({(item.sha256 or '')[:8]})" if item.file_name else None,
        "source": item.source,
        "tags": "、".join(item.tags),
        "planned_for": item.planned_for,
        "use": IN_USE if item.in_use else OUT_OF_USE,
    }


def _content(store: Store) -> RowValues:
    return [_item(item) for item in content_items(store)]


_CELLS: dict[str, Callable[[Store], RowValues]] = {
    ENTERPRISES: _enterprises,
    PARTS: _parts,
    PEOPLE: _people,
    HAZARD_SOURCES: _hazard_sources,
    GROUPS: _groups,
    ROSTER: _roster,
    RULES: _rules,
    CONTENT: _content,
}
