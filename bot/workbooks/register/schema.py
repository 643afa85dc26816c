"""The sheets and columns of the register workbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.workbooks.register import cells
from storage.register_terms import ENTERPRISE_STATUSES, PRODUCING, ROLES

GROUPS, ENTERPRISES, PARTS, PEOPLE = "群", "企业", "重点部位", "人员"
ROSTER, RULES, CONTENT = "值班表", "规则", "内容"

FILM_IN_SHUTDOWN, SKIP_IN_SHUTDOWN = "照拍", "免拍"
IN_USE, OUT_OF_USE = "在用", "停用"
EMPLOYED, LEFT_JOB = "在职", "离职"
LINK, VIDEO = "链接", "视频"
# A row whose first cell begins with this is an example of the template and no part of the register.
EXAMPLE_PREFIX = "示例："
FILMING_RULES = ("可用手机", "指定位置", "防爆设备")


@dataclass(frozen=True)
class Column:
    """One column. `default` is the value of an empty cell, `choices` are offered as a dropdown list.

    `cell_type` is text, number or date.
    """

    title: str
    field: str
    parse: Callable[[object], Any]
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    cell_type: str = "text"
    width: int = 14


@dataclass(frozen=True)
class Sheet:
    """One sheet; two rows with the same `key_fields` are duplicates."""

    title: str
    columns: tuple[Column, ...]
    key_fields: tuple[str, ...] = ()
    # Columns without which a row of headings is not recognised, besides those required in every row.
    extra_headings: tuple[str, ...] = ()

    @property
    def required_headings(self) -> tuple[str, ...]:
        """The headings that must be there."""
        return tuple(column.title for column in self.columns if column.required) + self.extra_headings

    def title_of(self, field: str) -> str:
        """The heading of a field."""
        return next(column.title for column in self.columns if column.field == field)


SHEETS = (
    Sheet(
        ENTERPRISES,
        (
            Column("企业编号", "code", cells.code, required=True),
            Column("企业名称", "name", cells.text, required=True, width=34),
            Column("简称", "short_name", cells.text, width=16),
            Column("风险等级", "risk", cells.risk, choices=cells.RISK_LEVELS, width=10),
            Column("重大危险源数量", "major_hazard_sources", cells.whole_number(0), default=0, cell_type="number"),
            Column("群", "group", cells.text, width=20),
            Column(
                "状态",
                "status",
                cells.choice(*ENTERPRISE_STATUSES),
                default=PRODUCING,
                choices=ENTERPRISE_STATUSES,
                width=8,
            ),
        ),
        key_fields=("code",),
    ),
    Sheet(
        PARTS,
        (
            Column("企业编号", "code", cells.code, required=True),
            Column("部位编号", "number", cells.code, required=True, width=10),
            Column("部位名称", "name", cells.text, required=True, width=24),
            Column("风险等级", "risk", cells.risk, choices=cells.RISK_LEVELS, width=10),
            Column(
                "拍摄要求",
                "filming_requirement",
                cells.choice(*FILMING_RULES),
                default=FILMING_RULES[0],
                choices=FILMING_RULES,
            ),
            Column(
                "停产时",
                "kept",
                cells.choice(FILM_IN_SHUTDOWN, SKIP_IN_SHUTDOWN),
                default=SKIP_IN_SHUTDOWN,
                choices=(FILM_IN_SHUTDOWN, SKIP_IN_SHUTDOWN),
                width=8,
            ),
            Column(
                "状态", "use", cells.choice(IN_USE, OUT_OF_USE), default=IN_USE, choices=(IN_USE, OUT_OF_USE), width=8
            ),
        ),
        key_fields=("code", "number"),
    ),
    Sheet(
        PEOPLE,
        (
            Column("姓名", "name", cells.person_name, required=True, width=12),
            Column("手机", "mobile", cells.mobile, width=16),
            Column("角色", "roles", cells.choices(*ROLES), required=True, width=20),
            Column("企业编号", "codes", cells.codes, width=20),
            Column("企业微信账号", "wecom", cells.identifier, width=20),
            Column("微信openid", "official_account", cells.identifier, width=34),
            Column(
                "状态",
                "state",
                cells.choice(EMPLOYED, LEFT_JOB),
                default=EMPLOYED,
                choices=(EMPLOYED, LEFT_JOB),
                width=8,
            ),
        ),
    ),
    Sheet(
        GROUPS,
        (
            Column("群名称", "name", cells.text, required=True, width=24),
            Column("机器人key", "robot_key", cells.robot_key, width=42),
            Column("会话id", "chat_id", cells.identifier, width=36),
        ),
        key_fields=("name",),
    ),
    Sheet(
        ROSTER,
        (
            Column("日期", "day", cells.calendar_date, required=True, cell_type="date"),
            Column("值班领导", "leader", cells.person_names, width=18),
            Column("值班人员", "staff", cells.person_names, width=28),
            Column("备班领导", "backup", cells.person_names, width=18),
        ),
        extra_headings=("值班领导",),
    ),
    Sheet(
        RULES,
        (
            Column("规则", "name", cells.text, required=True, width=18),
            Column("值", "value", lambda value: value, required=True, width=24),
            Column("生效日期", "effective_from", cells.calendar_date, cell_type="date"),
        ),
        key_fields=("name", "effective_from"),
    ),
    Sheet(
        CONTENT,
        (
            Column("标题", "title", cells.text, required=True, width=36),
            Column("类型", "kind", cells.choice(LINK, VIDEO), choices=(LINK, VIDEO), width=8),
            Column("链接", "url", cells.link, width=44),
            Column("文件", "file", cells.raw_text, width=36),
            Column("来源", "source", cells.text, width=20),
            Column("标签", "tags", cells.text_list, default=[], width=20),
            Column("计划日期", "planned_for", cells.calendar_date, cell_type="date"),
            Column(
                "状态", "use", cells.choice(IN_USE, OUT_OF_USE), default=IN_USE, choices=(IN_USE, OUT_OF_USE), width=8
            ),
        ),
        key_fields=("title", "kind"),
    ),
)
SHEETS_BY_TITLE = {sheet.title: sheet for sheet in SHEETS}

RULE_PARSERS: dict[str, Callable[[object], str]] = {
    "开始时间": cells.time_of_day,
    "截止时间": cells.time_of_day,
    "补报截止": cells.time_of_day,
    "催报时间": cells.times_of_day,
    "值班提醒时间": cells.time_of_day,
    "升级间隔分钟": lambda value: str(cells.whole_number(1)(value)),
    "日报时间": cells.time_of_day,
    "推送时间": cells.time_of_day,
    "集体缺报阈值": cells.percentage,
    "最短时长秒": lambda value: str(cells.whole_number(1)(value)),
    "上传上限MB": lambda value: str(cells.whole_number(1)(value)),
    "中断顺延分钟": lambda value: str(cells.whole_number(0)(value)),
    "审看截止": cells.time_of_day,
    "抽查比例": cells.percentage,
    "复看比例": cells.percentage,
    "已知悉有效分钟": lambda value: str(cells.whole_number(1)(value)),
    "存疑等待分钟": lambda value: str(cells.whole_number(0)(value)),
    "险情词": lambda value: "、".join(cells.text_list(value)),
    "非险情词": lambda value: "、".join(cells.text_list(value)),
    "夜前提醒时间": cells.time_of_day,
    "连续未报告知夜数": lambda value: str(cells.whole_number(0)(value)),
}
