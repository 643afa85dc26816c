"""Groups, enterprises and key parts out of the workbook."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import select

from bot.workbooks.register.import_context import Work, picked, update
from bot.workbooks.register.parse import Row
from bot.workbooks.register.schema import CLOSED, ENTERPRISES, FILMED, GROUPS, IN_USE, PARTS, PRODUCING, SHUT_DOWN
from storage.db.models import Enterprise, GroupChat, KeyPart

DEFAULT_NUMBER, DEFAULT_NAME, DEFAULT_RULE = "1", "全厂", "可用手机"
Parts = dict[int, dict[str, KeyPart]]


def apply_groups(work: Work) -> None:
    """群, by name."""
    for row in work.rows(GROUPS):
        group = work.groups.get(row.get("name"))
        new = group is None
        if group is None:
            group = work.groups[row.get("name")] = GroupChat(name=row.get("name"))
            work.store.session.add(group)
        changed = update(group, picked(row, ("robot_key", "chat_id")))
        work.outcome.sheet(GROUPS).count(new=new, changed=changed)
    work.store.session.flush()


def apply_enterprises(work: Work) -> None:
    """企业, by code."""
    for row in work.rows(ENTERPRISES):
        values = _enterprise_values(work, row)
        enterprise = work.enterprises.get(row.get("code"))
        new = enterprise is None
        if enterprise is None:
            enterprise = work.enterprises[row.get("code")] = Enterprise(
                code=row.get("code"), short_name=row.get("name"), major_hazard_sources=0, status=PRODUCING
            )
            work.store.session.add(enterprise)
        elif enterprise.short_name == enterprise.name:
            values.setdefault("short_name", values["name"])
        work.outcome.sheet(ENTERPRISES).count(new=new, changed=update(enterprise, values))
    work.store.session.flush()
    if ENTERPRISES in work.parsed.sheets:
        work.outcome.sheet(ENTERPRISES).not_mentioned = [
            f"{code} {enterprise.name}"
            for code, enterprise in work.enterprises.items()
            if enterprise.status != CLOSED and not work.parsed.mentions(ENTERPRISES, code)
        ]


def _enterprise_values(work: Work, row: Row) -> dict[str, Any]:
    values = picked(row, ("name", "risk", "major_hazard_sources", "status"))
    if "short_name" in row.values:
        values["short_name"] = row.get("short_name") or row.get("name")
    if "group" in row.values:
        group = work.group(row)
        values["group_id"] = group.id if group else None
    return values


def apply_parts(work: Work) -> None:
    """重点部位, by code and number; an enterprise left without any gets one."""
    parts: Parts = defaultdict(dict)
    for part in work.store.session.scalars(select(KeyPart).order_by(KeyPart.id)):
        parts[part.enterprise_id][part.number] = part
    touched: dict[int, set[str]] = defaultdict(set)
    for row in work.rows(PARTS):
        enterprise = work.enterprise(PARTS, row, "code", row.get("code"))
        if enterprise is not None:
            touched[enterprise.id].add(row.get("number"))
            _apply_part(work, row, enterprise, parts)
    _tell_parts_not_mentioned(work, parts, touched)
    mentioned = {work.enterprises[row.get("code")].id for row in work.rows(ENTERPRISES)} | touched.keys()
    for enterprise in work.enterprises.values():
        if enterprise.id in mentioned and enterprise.status != CLOSED:
            _complete(work, enterprise, parts)
    work.store.session.flush()


def _apply_part(work: Work, row: Row, enterprise: Enterprise, parts: Parts) -> None:
    values = picked(row, ("name", "risk", "filming_rule"))
    if "kept" in row.values:
        values["kept_in_shutdown"] = row.get("kept") == FILMED
    if "use" in row.values:
        values["in_use"] = row.get("use") == IN_USE
    part = parts[enterprise.id].get(row.get("number"))
    new = part is None
    if part is None:
        part = _new_part(work, enterprise, row.get("number"), parts)
    work.outcome.sheet(PARTS).count(new=new, changed=update(part, values))


def _new_part(work: Work, enterprise: Enterprise, number: str, parts: Parts) -> KeyPart:
    part = KeyPart(
        enterprise_id=enterprise.id,
        number=number,
        filming_rule=DEFAULT_RULE,
        kept_in_shutdown=False,
        in_use=True,
    )
    parts[enterprise.id][number] = part
    work.store.session.add(part)
    return part


def _tell_parts_not_mentioned(work: Work, parts: Parts, touched: dict[int, set[str]]) -> None:
    if PARTS not in work.parsed.sheets:
        return
    work.outcome.sheet(PARTS).not_mentioned = [
        f"{code}-{number} {part.name}"
        for code, enterprise in work.enterprises.items()
        if enterprise.status != CLOSED
        for number, part in parts.get(enterprise.id, {}).items()
        if part.in_use and number not in touched.get(enterprise.id, ())
    ]


def _complete(work: Work, enterprise: Enterprise, parts: Parts) -> None:
    """No enterprise may be expected to film nothing without anybody knowing it."""
    if not parts.get(enterprise.id):
        if work.parsed.refusals:
            return
        _new_part(work, enterprise, DEFAULT_NUMBER, parts).name = DEFAULT_NAME
        work.outcome.sheet(PARTS).count(new=True)
        work.warn("register.default_part", name=enterprise.name, part=DEFAULT_NAME)
    in_use = [part for part in parts[enterprise.id].values() if part.in_use]
    if not in_use:
        work.warn("register.no_part_in_use", name=enterprise.name)
    elif enterprise.status == SHUT_DOWN and not any(part.kept_in_shutdown for part in in_use):
        work.warn("register.nothing_expected", name=enterprise.name)
