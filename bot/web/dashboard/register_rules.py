"""The agreed rules as the register shows them: every rule, what it means, and its value tonight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from bot.texts import say
from bot.workbooks.register.edit_row import RegisterRow
from bot.workbooks.register.rule_kinds import RULE_KINDS
from schedules.context import Context
from schedules.rules import RULE_DEFAULTS, RULE_FIELDS, written_values


@dataclass(frozen=True)
class ShownRule:
    """One rule, its value tonight, and the rows that set it."""

    name: str
    value: str
    default: str
    rows: list[RegisterRow]


@dataclass(frozen=True)
class ShownRules:
    """Every rule in the order of the workbook, and the first night that a change should touch."""

    rules: list[ShownRule]
    next_night: date


def shown_rules(rows: list[RegisterRow], ctx: Context) -> ShownRules:
    """The rules tonight. A change is proposed for the night after the one that is under way or announced."""
    tonight = written_values(ctx.rules.for_night(ctx.night))
    rules = [
        ShownRule(name, tonight[name], RULE_DEFAULTS[name], [row for row in rows if row.cells["name"] == name])
        for name in RULE_KINDS
    ]
    return ShownRules(rules, max(ctx.today, ctx.night) + timedelta(days=1))


def rule_help(name: str) -> str:
    """What a rule means; empty for an unknown name."""
    return say(f"rule_help.{RULE_FIELDS[name][0]}") if name in RULE_FIELDS else ""
