"""A plausible register workbook, written with openpyxl alone, independent of the importer."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook

HEADINGS: dict[str, list[str]] = {
    "企业": ["企业编号", "企业名称", "简称", "风险等级", "重大危险源数量", "群", "状态"],
    "重点部位": ["企业编号", "部位编号", "部位名称", "风险等级", "拍摄要求"],
    "人员": ["姓名", "手机", "角色", "企业编号", "企业微信账号", "微信openid"],
    "群": ["群名称", "机器人key", "会话id"],
    "值班表": ["日期", "值班领导", "值班人员", "备班领导"],
    "规则": ["规则", "值", "生效日期"],
    "内容": ["标题", "类型", "链接", "文件", "来源", "标签", "计划日期", "状态"],
}
PART_NAMES = ("罐区", "装卸台", "中控室", "危化品库")
Sheets = dict[str, list[list[Any]]]


def sample_sheets(
    enterprises: int = 3, parts: int = 2, nights: int = 2, first_day: date = date(2026, 11, 23)
) -> Sheets:
    """Sheet title -> rows below the headings: one patroller and one head for each enterprise, an office of three."""
    codes = [f"E{number:03d}" for number in range(1, enterprises + 1)]
    people: list[list[Any]] = [
        ["刘局", "13900000001", "值班领导", None, "liuju", None],
        ["陈科", "13900000002", "值班领导", None, "chenke", None],
        ["小赵", "13900000003", "工作人员、管理员", None, "xiaozhao", None],
    ]
    for index, code in enumerate(codes):
        people.append([f"巡检{index + 1}", f"138{index:08d}", "巡检员", code, f"patrol{index + 1}", None])
        people.append([f"负责{index + 1}", f"137{index:08d}", "负责人、安全员", code, None, f"oHead{index + 1}"])
    return {
        "企业": [
            [code, f"样例化工{code}有限公司", f"样例{code}", "红橙黄蓝"[index % 4], index % 2, "样例群", "生产"]
            for index, code in enumerate(codes)
        ],
        "重点部位": [
            [code, str(number + 1), PART_NAMES[number % 4] + ("" if number < 4 else str(number)), "红", "可用手机"]
            for code in codes
            for number in range(parts)
        ],
        "人员": people,
        "群": [["样例群", "pretend-key-0001", None]],
        "值班表": [[first_day + timedelta(days=night), "刘局", "小赵", "陈科"] for night in range(nights)],
    }


def write_sheets(path: Path, sheets: Sheets, headings: dict[str, list[str]] | None = None) -> Path:
    """A workbook of these sheets under the contract's headings, or others given."""
    book = Workbook()
    del book[book.sheetnames[0]]
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        sheet.append((headings or HEADINGS)[title])
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def make_register(path: Path, enterprises: int = 3, parts: int = 2, **changed: list[list[Any]]) -> Path:
    """A whole register at `path`; a keyword such as 人员=[...] replaces the rows of that sheet."""
    return write_sheets(path, sample_sheets(enterprises, parts) | changed)


def read_cells(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every cell of a workbook: sheet title -> rows, headings included, empty rows left out."""
    book = load_workbook(path)
    return {
        sheet.title: [row for row in sheet.iter_rows(values_only=True) if any(value is not None for value in row)]
        for sheet in book.worksheets
    }
