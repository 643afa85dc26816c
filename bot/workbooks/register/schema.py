"""The sheets and columns of the register workbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.workbooks.register import cells
from storage.register_terms import ENTERPRISE_STATUSES, PRODUCING, ROLES, SOURCE_LEVELS

GROUPS, ENTERPRISES, PARTS, PEOPLE = "群", "企业", "重点部位", "人员"
HAZARD_SOURCES = "重大危险源"
ROSTER, RULES, CONTENT = "值班表", "规则", "内容"

FILM_IN_SHUTDOWN, SKIP_IN_SHUTDOWN = "照拍", "免拍"
IN_USE, OUT_OF_USE = "在用", "停用"
EMPLOYED, LEFT_JOB = "在职", "离职"
LINK, VIDEO = "链接", "视频"
# The key suffices to post as the group's robot.
SECRET_FIELDS = ("robot_key",)
# A row whose first cell begins with this is an example of the template and no part of the register.
EXAMPLE_PREFIX = "示例："
# What the other sheets may call the column that says which enterprise is meant; names are read there as well.
ENTERPRISE_HEADINGS = ("企业名称", "企业简称", "单位名称", "企业编码", "企业代码", "企业")
FILMING_RULES = ("可用手机", "指定位置", "防爆设备")


@dataclass(frozen=True)
class Column:
    """One column. `default` is the value of an empty cell, `choices` are offered as a list.

    `synonyms` are headings read as this one where the sheet lacks it. `refers_to` is the sheet whose rows the values
    name. `cell_type` is text, number or date.
    """

    title: str
    field: str
    parse: Callable[[object], Any]
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    refers_to: str | None = None
    is_list: bool = False
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
            Column("企业编号", "code", cells.code, required=True, synonyms=("企业编码", "企业代码")),
            Column("企业名称", "name", cells.text, required=True, synonyms=("企业全称", "单位名称"), width=34),
            Column("简称", "short_name", cells.text, synonyms=("企业简称", "单位简称"), width=16),
            Column("风险等级", "risk", cells.risk, choices=cells.RISK_LEVELS, synonyms=("企业风险等级",), width=10),
            Column(
                "重大危险源数量",
                "major_hazard_sources",
                cells.whole_number(0),
                default=0,
                synonyms=("重大危险源个数", "重大危险源数"),
                cell_type="number",
            ),
            Column("群", "group", cells.text, synonyms=("工作群", "群名称"), refers_to=GROUPS, width=20),
            Column(
                "状态",
                "status",
                cells.choice(*ENTERPRISE_STATUSES),
                default=PRODUCING,
                choices=ENTERPRISE_STATUSES,
                synonyms=("企业状态", "生产状态"),
                width=8,
            ),
        ),
        key_fields=("code",),
    ),
    Sheet(
        PARTS,
        (
            Column("企业编号", "code", cells.code, required=True, synonyms=ENTERPRISE_HEADINGS, refers_to=ENTERPRISES),
            Column("部位编号", "number", cells.code, required=True, synonyms=("部位号", "重点部位编号"), width=10),
            Column(
                "部位名称", "name", cells.text, required=True, synonyms=("部位", "重点部位", "重点部位名称"), width=24
            ),
            Column("风险等级", "risk", cells.risk, choices=cells.RISK_LEVELS, synonyms=("部位风险等级",), width=10),
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
            Column("手机", "mobile", cells.mobile, synonyms=("手机号", "手机号码"), width=16),
            Column("角色", "roles", cells.choices(*ROLES), required=True, choices=ROLES, is_list=True, width=20),
            Column(
                "企业编号",
                "codes",
                cells.codes,
                synonyms=(*ENTERPRISE_HEADINGS, "所在企业"),
                refers_to=ENTERPRISES,
                is_list=True,
                width=20,
            ),
            Column("企业微信账号", "wecom", cells.identifier, synonyms=("企业微信帐号",), width=20),
            Column("微信openid", "official_account", cells.identifier, synonyms=("openid",), width=34),
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
        HAZARD_SOURCES,
        (
            Column("企业编号", "code", cells.code, required=True, synonyms=ENTERPRISE_HEADINGS, refers_to=ENTERPRISES),
            Column("危险源编号", "source_number", cells.code, required=True, synonyms=("重大危险源编号",)),
            Column("危险源名称", "source_name", cells.text, required=True, synonyms=("重大危险源名称",), width=24),
            Column(
                "危险源级别",
                "source_level",
                cells.choice(*SOURCE_LEVELS),
                choices=SOURCE_LEVELS,
                synonyms=("重大危险源级别", "重大危险源等级", "级别"),
            ),
            Column(
                "部位",
                "part_numbers",
                cells.text_list,
                default=[],
                synonyms=("部位编号", "重点部位"),
                refers_to=PARTS,
                is_list=True,
            ),
            *(
                Column(title, field, cells.person_name, synonyms=(f"{title[:2]}包保责任人",), refers_to=PEOPLE)
                for title, field in (("主要负责人", "head"), ("技术负责人", "technical"), ("操作负责人", "operation"))
            ),
            Column(
                "状态", "use", cells.choice(IN_USE, OUT_OF_USE), default=IN_USE, choices=(IN_USE, OUT_OF_USE), width=8
            ),
        ),
        key_fields=("code", "source_number"),
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
            Column("日期", "day", cells.calendar_date, required=True, synonyms=("值班日期",), cell_type="date"),
            Column("值班领导", "leader", cells.person_names, refers_to=PEOPLE, is_list=True, width=18),
            Column("值班人员", "staff", cells.person_names, refers_to=PEOPLE, is_list=True, width=28),
            Column("备班领导", "backup", cells.person_names, refers_to=PEOPLE, is_list=True, width=18),
        ),
        extra_headings=("值班领导",),
    ),
    Sheet(
        RULES,
        (
            Column("规则", "name", cells.text, required=True, synonyms=("规则名称",), width=18),
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

# Endings with which offices name the sheets: 企业表, 人员名单.
_SHEET_NAME_ENDINGS = ("", "表", "信息", "信息表", "名单", "名册", "清单", "台账", "安排", "安排表", "一览表", "登记表")
SHEET_TITLE_BY_NAME = {
    f"{title.removesuffix('表')}{ending}": title for title in SHEETS_BY_TITLE for ending in _SHEET_NAME_ENDINGS
}
