"""The columns of the hazard ledger as the office prints it, and the other headings under which they may come."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache

from bot.texts import all_texts, say
from bot.workbooks.register import cells
from bot.workbooks.register.result import CellError
from bot.workbooks.register.schema import Column, Sheet

SHEET_TITLE = "隐患"
# A ledger may also stand in the first sheet of a new workbook.
SHEET_TITLES = (SHEET_TITLE, "隐患台账", "隐患排查治理台账", "Sheet1")
_MAX_LENGTH = 1000
_DATE_TIME = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2})[ T](\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?")
_COST = re.compile(r"(\d{1,10})(?:\.0+)?元?")


def long_text(value: object) -> str:
    """Text on one line."""
    found = " ".join(cells.raw_text(value).split())
    if len(found) > _MAX_LENGTH:
        raise CellError("register.too_long", max_length=_MAX_LENGTH)
    return found


def point_of_time(value: object) -> datetime:
    """A date with or without a time of day, in no zone; a date alone is its beginning."""
    if isinstance(value, datetime):
        return value
    found = _DATE_TIME.fullmatch(cells.normalized_text(value)) if isinstance(value, str) else None
    day = cells.calendar_date(found[1] if found else value)
    if found and (int(found[2]) > 23 or int(found[3]) > 59):
        raise CellError("register.not_a_date")
    hour, minute = (int(found[2]), int(found[3])) if found else (0, 0)
    return datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - the zone is added with the rules


def yuan(value: object) -> int:
    """A whole number of yuan."""
    found = _COST.fullmatch(cells.normalized_text(value).replace(",", ""))
    if found is None:
        raise CellError("hazards.not_yuan")
    return int(found[1])


def word_of(section: str) -> Callable[[object], str]:
    """A parser of the Chinese words of a section of texts, such as 一般 of hazard_level; the result is our word."""

    def read(value: object) -> str:
        names = _words(section)
        found = "".join(cells.normalized_text(value).split()).removesuffix("隐患")
        if found not in names:
            raise CellError("register.not_a_choice", allowed="、".join(names))
        return names[found]

    return read


@cache
def _words(section: str) -> dict[str, str]:
    return {text: key.partition(".")[2] for key, text in all_texts().items() if key.startswith(f"{section}.")}


SHEET = Sheet(
    SHEET_TITLE,
    (
        Column("隐患编号", "number", cells.code, width=16, synonyms=("编号",)),
        Column("序号", "ordinal", cells.raw_text, width=6, cell_type="number"),
        Column("企业编号", "enterprise_code", cells.code),
        Column("企业名称", "enterprise", cells.text, width=24, synonyms=("单位", "企业", "单位名称")),
        Column("部位", "part", cells.text, width=16, synonyms=("检查地点", "重点部位")),
        Column("事项", "matter", long_text, width=36, synonyms=("存在问题及隐患", "问题及隐患")),
        Column("等级", "level", word_of("hazard_level"), width=8, synonyms=("隐患等级",)),
        Column("判定依据", "criterion", cells.text, synonyms=("重大隐患判定依据",)),
        Column("类型", "kind", word_of("hazard_kind"), width=8, synonyms=("隐患类型",)),
        Column("检查编号", "inspection_number", cells.code),
        Column("来源", "source", word_of("hazard_source")),
        Column("整改方式", "treatment", word_of("hazard_treatment")),
        Column("发现时间", "found_at", point_of_time, width=17, synonyms=("排查时间",)),
        Column("发现人", "found_by", cells.text, width=10, synonyms=("排查人",)),
        Column("措施", "measure", long_text, width=36, synonyms=("整改措施",)),
        Column("时限", "deadline", cells.calendar_date, width=12, cell_type="date", synonyms=("整改时限",)),
        Column("整改资金", "cost_yuan", yuan, width=10, cell_type="number", synonyms=("整改资金(元)",)),
        Column("整改单位", "rectified_by", cells.text, width=24),
        Column("责任人", "responsible", cells.text, width=10, synonyms=("整改责任人",)),
        Column("完成情况", "state", cells.text, width=12),
        Column("验收人", "accepted_by", cells.text, width=10, synonyms=("复查/验收人", "复查验收人")),
        Column("验收日期", "accepted_on", cells.calendar_date, width=12, cell_type="date"),
        Column("督办单位", "supervised_by", cells.text, width=16),
        Column("督办人", "supervisor", cells.text, width=10),
        Column("销号日期", "closed_on", cells.calendar_date, width=12, cell_type="date"),
        Column("备注", "remarks", long_text, width=24),
    ),
    extra_headings=("事项",),
)
# The printed ledger: field -> heading.
PRINTED = {
    "number": "隐患编号",
    "ordinal": "序号",
    "enterprise": "单位",
    "part": "检查地点",
    "matter": "存在问题及隐患",
    "level": "等级",
    "kind": "类型",
    "found_at": "排查时间",
    "found_by": "排查人",
    "measure": "整改措施",
    "deadline": "整改时限",
    "cost_yuan": "整改资金（元）",
    "rectified_by": "整改单位",
    "responsible": "整改责任人",
    "state": "完成情况",
    "accepted_by": "复查/验收人",
    "accepted_on": "验收日期",
    "supervised_by": "督办单位",
    "supervisor": "督办人",
    "closed_on": "销号日期",
    "remarks": "备注",
}
# What a sheet may change of a hazard that is in the ledger, besides its part.
EDITABLE = (
    "matter",
    "level",
    "criterion",
    "kind",
    "source",
    "inspection_number",
    "treatment",
    "measure",
    "deadline",
    "cost_yuan",
    "responsible",
    "supervised_by",
    "supervisor",
    "remarks",
)


@cache
def printed_state(state: str, *, is_overdue: bool) -> str:
    """完成情况: the state in words."""
    words = say(f"hazard_state.{state}")
    return say("hazards.state_overdue", state=words) if is_overdue else words


def column_of(field: str) -> Column:
    """The column of a field."""
    return next(column for column in SHEET.columns if column.field == field)


def heading_of(field: str) -> str:
    """Our heading of a field."""
    return SHEET.title_of(field)
