"""Applies the sheets 群, 企业 and 重点部位."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import select

from bot.workbooks.register.import_context import ImportContext, present_fields, update_fields
from bot.workbooks.register.parse import ParsedRow
from bot.workbooks.register.schema import ENTERPRISES, FILM_IN_SHUTDOWN, GROUPS, IN_USE, PARTS
from storage.db.models import Enterprise, GroupChat, KeyPart
from storage.register_terms import DEREGISTERED, PRODUCING, SHUT_DOWN

DEFAULT_PART_NUMBER, DEFAULT_PART_NAME, DEFAULT_FILMING_RULE = "1", "全厂", "可用手机"
PartsByEnterprise = dict[int, dict[str, KeyPart]]


def apply_groups(context: ImportContext) -> None:
    """Add and update groups by name."""
    for row in context.rows(GROUPS):
        group = context.groups.get(row.get("name"))
        new = group is None
        if group is None:
            group = context.groups[row.get("name")] = GroupChat(name=row.get("name"))
            context.store.session.add(group)
        changed = update_fields(group, present_fields(row, ("robot_key", "chat_id")))
        context.result.sheet(GROUPS).count(new=new, changed=changed)
    context.store.session.flush()


def apply_enterprises(context: ImportContext) -> None:
    """Add and update enterprises by code."""
    for row in context.rows(ENTERPRISES):
        values = _enterprise_values(context, row)
        enterprise = context.enterprises.get(row.get("code"))
        new = enterprise is None
        if enterprise is None:
            enterprise = context.enterprises[row.get("code")] = Enterprise(
                code=row.get("code"), short_name=row.get("name"), major_hazard_sources=0, status=PRODUCING
            )
            context.store.session.add(enterprise)
        elif enterprise.short_name == enterprise.name:
            values.setdefault("short_name", values["name"])
        context.result.sheet(ENTERPRISES).count(new=new, changed=update_fields(enterprise, values))
    context.store.session.flush()
    if ENTERPRISES in context.parsed.sheets:
        context.result.sheet(ENTERPRISES).not_mentioned = [
            f"{code} {enterprise.name}"
            for code, enterprise in context.enterprises.items()
            if enterprise.status != DEREGISTERED and not context.parsed.mentions(ENTERPRISES, code)
        ]


def _enterprise_values(work: ImportContext, row: ParsedRow) -> dict[str, Any]:
    values = present_fields(row, ("name", "risk", "major_hazard_sources", "status"))
    if "short_name" in row.values:
        values["short_name"] = row.get("short_name") or row.get("name")
    if "group" in row.values:
        group = work.resolve_group(row)
        values["group_id"] = group.id if group else None
    return values


def apply_parts(context: ImportContext) -> None:
    """Add and update parts by enterprise and number; an enterprise without any gets a default part."""
    parts: PartsByEnterprise = defaultdict(dict)
    for part in context.store.session.scalars(select(KeyPart).order_by(KeyPart.id)):
        parts[part.enterprise_id][part.number] = part
    touched: dict[int, set[str]] = defaultdict(set)
    for row in context.rows(PARTS):
        enterprise = context.resolve_enterprise(PARTS, row, "code", row.get("code"))
        if enterprise is None:
            continue
        row.values["code"] = enterprise.code
        if row.get("number") in touched[enterprise.id]:
            context.refuse(PARTS, row, "number", "register.duplicate_part", enterprise=enterprise.name)
        else:
            touched[enterprise.id].add(row.get("number"))
            _apply_part(context, row, enterprise, parts)
    _tell_parts_not_mentioned(context, parts, touched)
    mentioned = {context.enterprises[row.get("code")].id for row in context.rows(ENTERPRISES)} | touched.keys()
    for enterprise in context.enterprises.values():
        if enterprise.id in mentioned and enterprise.status != DEREGISTERED:
            _complete(context, enterprise, parts)
    context.store.session.flush()


def _apply_part(work: ImportContext, row: ParsedRow, enterprise: Enterprise, parts: PartsByEnterprise) -> None:
    values = present_fields(row, ("name", "risk", "filming_requirement"))
    if "kept" in row.values:
        values["required_in_shutdown"] = row.get("kept") == FILM_IN_SHUTDOWN
    if "use" in row.values:
        values["in_use"] = row.get("use") == IN_USE
    part = parts[enterprise.id].get(row.get("number"))
    new = part is None
    if part is None:
        part = _new_part(work, enterprise, row.get("number"), parts)
    work.result.sheet(PARTS).count(new=new, changed=update_fields(part, values))


def _new_part(work: ImportContext, enterprise: Enterprise, number: str, parts: PartsByEnterprise) -> KeyPart:
    part = KeyPart(
        enterprise_id=enterprise.id,
        number=number,
        filming_requirement=DEFAULT_FILMING_RULE,
        required_in_shutdown=False,
        in_use=True,
    )
    parts[enterprise.id][number] = part
    work.store.session.add(part)
    return part


def _tell_parts_not_mentioned(work: ImportContext, parts: PartsByEnterprise, touched: dict[int, set[str]]) -> None:
    if PARTS not in work.parsed.sheets:
        return
    work.result.sheet(PARTS).not_mentioned = [
        f"{code}-{number} {part.name}"
        for code, enterprise in work.enterprises.items()
        if enterprise.status != DEREGISTERED
        for number, part in parts.get(enterprise.id, {}).items()
        if part.in_use and number not in touched.get(enterprise.id, ())
    ]


def _complete(work: ImportContext, enterprise: Enterprise, parts: PartsByEnterprise) -> None:
    """Add a default part to an enterprise without any, and warn of one that has nothing to film."""
    if not parts.get(enterprise.id):
        if work.parsed.refusals:
            return
        _new_part(work, enterprise, DEFAULT_PART_NUMBER, parts).name = DEFAULT_PART_NAME
        work.result.sheet(PARTS).count(new=True)
        work.warn("register.default_part", name=enterprise.name, part=DEFAULT_PART_NAME)
    in_use = [part for part in parts[enterprise.id].values() if part.in_use]
    if not in_use:
        work.warn("register.no_part_in_use", name=enterprise.name)
    elif enterprise.status == SHUT_DOWN and not any(part.required_in_shutdown for part in in_use):
        work.warn("register.nothing_expected", name=enterprise.name)
