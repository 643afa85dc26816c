"""规则 out of the workbook."""

from __future__ import annotations

from datetime import date

from bot.texts import say
from bot.workbooks.register.import_context import Work, update
from bot.workbooks.register.parse import Row
from bot.workbooks.register.schema import RULE_DEFAULTS, RULES
from storage.db.models import Rule

CLOSE, LATE = "截止时间", "补报截止"
Agreed = dict[tuple[str, date | None], Rule]


def apply_rules(work: Work) -> None:
    """规则, by name and the date from which they hold."""
    agreed: Agreed = {(rule.name, rule.holds_from): rule for rule in work.store.register.rules()}
    for row in work.rows(RULES):
        key = (row.get("name"), row.get("holds_from"))
        new = key not in agreed
        if new:
            agreed[key] = Rule(name=key[0], holds_from=key[1], value="")
            work.store.session.add(agreed[key])
        work.outcome.sheet(RULES).count(new=new, changed=update(agreed[key], {"value": row.get("value")}))
    _check_deadlines(work, agreed)


def _check_deadlines(work: Work, agreed: Agreed) -> None:
    """What is late must not end before what is on time, on any date from which something changes."""
    refused: set[int] = set()
    for since in sorted({holds_from or date.min for name, holds_from in agreed if name in (CLOSE, LATE)}):
        close, late = _value(agreed, CLOSE, since), _value(agreed, LATE, since)
        row = _row_behind(work, since) if late < close else None
        if row is not None and row.number not in refused:
            refused.add(row.number)
            start = say("register.from_beginning") if since == date.min else since.isoformat()
            work.refuse(RULES, row, "value", "register.late_before_close", since=start, late=late, close=close)


def _value(agreed: Agreed, name: str, day: date) -> str:
    held = [(since or date.min, rule.value) for (rule_name, since), rule in agreed.items() if rule_name == name]
    return max((entry for entry in held if entry[0] <= day), default=(date.min, RULE_DEFAULTS[name]))[1]


def _row_behind(work: Work, since: date) -> Row | None:
    """The row of the sheet that brings the contradiction about: the latest one in force then."""
    rows = [row for row in work.rows(RULES) if row.get("name") in (CLOSE, LATE)]
    in_force = [row for row in rows if (row.get("holds_from") or date.min) <= since]
    return max(in_force, key=lambda row: (row.get("holds_from") or date.min, row.get("name") == LATE), default=None)
