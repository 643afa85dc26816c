"""Applies the sheet 规则."""

from __future__ import annotations

from datetime import date

from bot.texts import say
from bot.workbooks.register.import_context import ImportContext, update_fields
from bot.workbooks.register.parse import ParsedRow
from bot.workbooks.register.schema import RULES
from schedules.rules import RULE_DEFAULTS
from storage.db.models import Rule

CLOSE_RULE, LATE_RULE = "截止时间", "补报截止"
RulesByKey = dict[tuple[str, date | None], Rule]


def apply_rules(context: ImportContext) -> None:
    """Add and update rules by name and the date from which they apply."""
    agreed: RulesByKey = {(rule.name, rule.effective_from): rule for rule in context.store.register.rules()}
    for row in context.rows(RULES):
        key = (row.get("name"), row.get("effective_from"))
        new = key not in agreed
        if new:
            agreed[key] = Rule(name=key[0], effective_from=key[1], value="")
            context.store.session.add(agreed[key])
        context.result.sheet(RULES).count(new=new, changed=update_fields(agreed[key], {"value": row.get("value")}))
    _check_deadlines(context, agreed)


def _check_deadlines(work: ImportContext, agreed: RulesByKey) -> None:
    """Refuse a 补报截止 before the 截止时间, on any date from which one of them changes."""
    refused: set[int] = set()
    for since in sorted(
        {effective_from or date.min for name, effective_from in agreed if name in (CLOSE_RULE, LATE_RULE)}
    ):
        close, late = _value(agreed, CLOSE_RULE, since), _value(agreed, LATE_RULE, since)
        row = _row_behind(work, since) if late < close else None
        if row is not None and row.number not in refused:
            refused.add(row.number)
            start = say("register.from_beginning") if since == date.min else since.isoformat()
            work.refuse(RULES, row, "value", "register.late_before_close", since=start, late=late, close=close)


def _value(agreed: RulesByKey, name: str, day: date) -> str:
    held = [(since or date.min, rule.value) for (rule_name, since), rule in agreed.items() if rule_name == name]
    return max((entry for entry in held if entry[0] <= day), default=(date.min, RULE_DEFAULTS[name]))[1]


def _row_behind(work: ImportContext, since: date) -> ParsedRow | None:
    """The row of the sheet that causes the contradiction: the latest one in force on that date."""
    rows = [row for row in work.rows(RULES) if row.get("name") in (CLOSE_RULE, LATE_RULE)]
    in_force = [row for row in rows if (row.get("effective_from") or date.min) <= since]
    return max(
        in_force, key=lambda row: (row.get("effective_from") or date.min, row.get("name") == LATE_RULE), default=None
    )
