"""An empty register workbook for an office that starts: headings with explanations, and an example in each sheet."""

from __future__ import annotations

from datetime import date
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font

from bot.texts import say
from bot.workbooks.register.export import build_workbook
from bot.workbooks.register.rule_kinds import RULE_KINDS
from bot.workbooks.register.schema import (
    CONTENT,
    EMPLOYED,
    ENTERPRISES,
    EXAMPLE_PREFIX,
    FILMING_RULES,
    GROUPS,
    HAZARD_SOURCES,
    IN_USE,
    LINK,
    PARTS,
    PEOPLE,
    ROSTER,
    RULES,
    SHEETS,
    SKIP_IN_SHUTDOWN,
    Column,
)
from bot.workbooks.styles import FONT_NAME, cell_at
from storage.register_terms import PRODUCING, SOURCE_LEVELS

_COMMENT_WIDTH, _COMMENT_HEIGHT = 320, 140
_TEXT_KEYS = {
    ENTERPRISES: "enterprise",
    PARTS: "part",
    PEOPLE: "person",
    HAZARD_SOURCES: "hazard_source",
    GROUPS: "group",
    ROSTER: "roster",
    RULES: "rule",
    CONTENT: "content",
}
# The import skips a row whose first cell begins with EXAMPLE_PREFIX, so users need not delete it.
_EXAMPLES: dict[str, dict[str, Any]] = {
    ENTERPRISES: {
        "code": "E001",
        "name": "云溪县青石精细化工有限公司",
        "short_name": "青石精细化工",
        "risk": "红",
        "major_hazard_sources": 2,
        "group": "云溪县夜巡一组",
        "status": PRODUCING,
    },
    PARTS: {
        "code": "E001",
        "number": "1",
        "name": "罐区",
        "risk": "红",
        "filming_requirement": FILMING_RULES[0],
        "kept": SKIP_IN_SHUTDOWN,
        "use": IN_USE,
    },
    PEOPLE: {
        "name": "张三",
        "mobile": "13800000001",
        "roles": "巡检员、安全员",
        "codes": "E001",
        "wecom": "zhangsan",
        "state": EMPLOYED,
    },
    HAZARD_SOURCES: {
        "code": "E001",
        "source_number": "1",
        "source_name": "甲醇罐区储存单元",
        "source_level": SOURCE_LEVELS[2],
        "part_numbers": "1",
        "head": "张三",
        "technical": "张三",
        "operation": "张三",
        "use": IN_USE,
    },
    GROUPS: {"name": "云溪县夜巡一组", "robot_key": "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"},
    ROSTER: {"day": "2026-11-24", "leader": "方正平", "staff": "田小雨、石磊", "backup": "郭守安"},
    RULES: {"name": "截止时间", "value": "06:00", "effective_from": date(2026, 12, 1)},
    CONTENT: {
        "title": "储罐区火灾事故警示",
        "kind": LINK,
        "url": "https://example.com/safety",
        "source": "云溪县安委办",
        "tags": "罐区、警示",
        "planned_for": date(2026, 12, 1),
    },
}


def build_template() -> Workbook:
    """All sheets of the register with an explanation at every heading. Importing it unchanged adds nothing."""
    workbook = build_workbook({sheet.title: [_example(sheet.title, sheet.columns[0].field)] for sheet in SHEETS})
    for sheet in SHEETS:
        target = workbook[sheet.title]
        for index, column in enumerate(sheet.columns, 1):
            comment = Comment(_explanation(sheet.title, column), "night-patrol")
            comment.width, comment.height = _COMMENT_WIDTH, _COMMENT_HEIGHT
            cell_at(target, 1, index).comment = comment
            cell_at(target, 2, index).font = Font(name=FONT_NAME, italic=True, color="808080")
    return workbook


def _example(title: str, first_field: str) -> dict[str, Any]:
    row = _EXAMPLES[title]
    return {**row, first_field: f"{EXAMPLE_PREFIX}{row[first_field]}"}


def _explanation(title: str, column: Column) -> str:
    lines = [say(f"template.{_TEXT_KEYS[title]}_{column.field}")]
    if column.required:
        lines.insert(0, say("template.required"))
    if column.choices:
        lines.append(say("template.choices", choices=list(column.choices)))
    if title == RULES and column.field == "name":
        lines.append(say("template.choices", choices=list(RULE_KINDS)))
    return "\n".join(lines)
