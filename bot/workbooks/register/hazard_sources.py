"""Applies the sheet 重大危险源: each source with its parts and the three people who answer for its safety."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property

from sqlalchemy import select

from bot.workbooks.register.cells import name_key
from bot.workbooks.register.import_context import ImportContext, present_fields, update_fields
from bot.workbooks.register.parse import ParsedRow
from bot.workbooks.register.people_names import PeopleNames
from bot.workbooks.register.schema import HAZARD_SOURCES, IN_USE, PARTS, PEOPLE
from storage.db.models import Enterprise, KeyPart, MajorHazardSource
from storage.register_terms import GUARANTORS


def apply_hazard_sources(context: ImportContext) -> None:
    """Add and update sources by enterprise and number."""
    if HAZARD_SOURCES not in context.parsed.sheets:
        return
    sources = _Sources(context)
    for row in context.rows(HAZARD_SOURCES):
        enterprise = context.resolve_enterprise(HAZARD_SOURCES, row, "code", row.get("code"))
        if enterprise is not None:
            row.values["code"] = enterprise.code
            sources.apply(row, enterprise)
    context.store.session.flush()
    sources.tell_what_differs()


class _Sources:
    def __init__(self, work: ImportContext) -> None:
        self.work, self.session = work, work.store.session
        query = select(MajorHazardSource).order_by(MajorHazardSource.id)
        self.stored = {(each.enterprise_id, each.number): each for each in self.session.scalars(query)}
        self.touched: set[tuple[int, str]] = set()
        self.parts: dict[int, list[KeyPart]] = defaultdict(list)
        for part in self.session.scalars(select(KeyPart).order_by(KeyPart.id)):
            self.parts[part.enterprise_id].append(part)

    @cached_property
    def names(self) -> PeopleNames:
        """The people, those of the workbook included."""
        return PeopleNames(self.session)

    def apply(self, row: ParsedRow, enterprise: Enterprise) -> None:
        """Add or update the source of one row."""
        key = (enterprise.id, row.get("source_number"))
        if key in self.touched:
            name = enterprise.name
            return self.work.refuse(
                HAZARD_SOURCES, row, "source_number", "register.duplicate_hazard_source", enterprise=name
            )
        self.touched.add(key)
        source = self.stored.get(key)
        new = source is None
        if source is None:
            source = MajorHazardSource(enterprise_id=enterprise.id, number=row.get("source_number"), in_use=True)
        present = present_fields(row, ("source_name", "source_level"))
        values = {field.removeprefix("source_"): value for field, value in present.items()}
        if "use" in row.values:
            values["in_use"] = row.get("use") == IN_USE
        values |= {
            f"{each}_id": self._guarantor(row, each, enterprise, source) for each in GUARANTORS if each in row.values
        }
        if "part_numbers" in row.values:
            values["parts"] = self._parts(row, enterprise)
        changed = update_fields(source, values)
        if new:
            self.stored[key] = source
            self.session.add(source)
        self.work.result.sheet(HAZARD_SOURCES).count(new=new, changed=changed)
        return None

    def _parts(self, row: ParsedRow, enterprise: Enterprise) -> list[KeyPart]:
        """The parts by number, by number and name, or by name."""
        found = []
        for text in row.get("part_numbers") or ():
            parts = self.parts[enterprise.id]
            fitting = [each for each in parts if each.number == text] or [
                each for each in parts if name_key(text) in map(name_key, (each.name, each.label, each.number))
            ]
            if len(fitting) == 1:
                found += fitting
            # A part that is missing only because of a refused row of 重点部位 is not refused again here.
            elif not any(each.sheet == PARTS for each in self.work.result.refusals):
                numbers = [each.label for each in parts if each.in_use]
                text_key = "register.no_such_part" if not fitting else "register.ambiguous_part"
                self.work.refuse(
                    HAZARD_SOURCES, row, "part_numbers", text_key, text, enterprise=enterprise.name, parts=numbers
                )
        return sorted({part.id: part for part in found}.values(), key=lambda part: part.id)

    def _guarantor(self, row: ParsedRow, field: str, enterprise: Enterprise, source: MajorHazardSource) -> int | None:
        """The person of the enterprise; who was registered before and has left since stays, with a warning."""
        text, stored_id = row.get(field), source.guarantors.get(field)
        if not text:
            return None
        (name, people), employees = self.names.meant(text), self.names.employees_meant(text, enterprise.id)
        if len(employees) == 1:
            return employees[0].id
        if not employees and any(person.id == stored_id for person in people):
            self.work.warn("register.guarantor_left", name=name, source=source.name, enterprise=enterprise.name)
            return stored_id
        if employees:
            self.work.refuse(HAZARD_SOURCES, row, field, "register.ambiguous_person", count=len(employees), name=name)
        elif people:
            self.work.refuse(
                HAZARD_SOURCES, row, field, "register.not_an_employee", name=name, enterprise=enterprise.name
            )
        elif not self.work.parsed.mentions(PEOPLE, text) or not self.work.result.refusals:
            self.work.refuse(HAZARD_SOURCES, row, field, "register.person_not_found", name=text)
        return None

    def tell_what_differs(self) -> None:
        """Tell which sources the sheet does not mention, and where 企业 counts another number of them."""
        sheet = self.work.result.sheet(HAZARD_SOURCES)
        enterprises = {each.id: each for each in self.work.enterprises.values()}
        sheet.not_mentioned = [
            f"{enterprises[each.enterprise_id].code}-{each.number} {each.name}"
            for key, each in self.stored.items()
            if each.in_use and key not in self.touched
        ]
        counts = Counter(each.enterprise_id for each in self.stored.values() if each.in_use)
        for enterprise_id in dict.fromkeys(key[0] for key in sorted(self.touched)):
            enterprise, count = enterprises[enterprise_id], counts[enterprise_id]
            if enterprise.major_hazard_sources != count:
                self.work.warn(
                    "register.hazard_source_count",
                    name=enterprise.name,
                    registered=enterprise.major_hazard_sources,
                    listed=count,
                )
