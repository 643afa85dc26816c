"""The rules of the register: the kind of each value, which decides how it is parsed and edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.workbooks.register import cells


@dataclass(frozen=True)
class RuleKind:
    """How the value of a rule is written. `name` is time, times, number, percentage or words.

    `parse` gives the canonical text of a cell that is not empty and raises CellError; `minimum` is that of a number.
    """

    name: str
    parse: Callable[[object], str]
    minimum: int = 0


def form_value(rule_name: str, entered: Sequence[str]) -> str:
    """The text of the cell for the fields of a form: several times of day, or a percentage without its sign."""
    text = "、".join(each.strip() for each in entered if each.strip())
    kind = RULE_KINDS.get(rule_name)
    return f"{text}%" if kind is _PERCENTAGE and text and not text.endswith("%") else text


def _number(minimum: int) -> RuleKind:
    read = cells.whole_number(minimum)
    return RuleKind("number", lambda value: str(read(value)), minimum)


_TIME = RuleKind("time", cells.time_of_day)
_TIMES = RuleKind("times", cells.times_of_day)
_PERCENTAGE = RuleKind("percentage", cells.percentage)
_WORDS = RuleKind("words", lambda value: "、".join(cells.text_list(value)))

RULE_KINDS = {
    "开始时间": _TIME,
    "截止时间": _TIME,
    "补报截止": _TIME,
    "催报时间": _TIMES,
    "值班提醒时间": _TIME,
    "升级间隔分钟": _number(1),
    "日报时间": _TIME,
    "推送时间": _TIME,
    "集体缺报阈值": _PERCENTAGE,
    "最短时长秒": _number(1),
    "上传上限MB": _number(1),
    "中断顺延分钟": _number(0),
    "审看截止": _TIME,
    "抽查比例": _PERCENTAGE,
    "复看比例": _PERCENTAGE,
    "已知悉有效分钟": _number(1),
    "存疑等待分钟": _number(0),
    "险情词": _WORDS,
    "非险情词": _WORDS,
    "夜前提醒时间": _TIME,
    "连续未报告知夜数": _number(0),
}
