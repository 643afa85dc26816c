"""The hazard ledger as JSON values, and as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.texts import say
from schedules.context import Context
from schedules.hazards.exchange import (
    ExchangeProfile,
    exchange_lacks,
    exchange_profile,
    exchange_record,
    exchange_values,
)
from schedules.hazards.rules import is_overdue, lacks, needs_cause, plan_lacks
from storage.db.models import Hazard, HazardAttempt, HazardExtension, HazardMove
from storage.hazard_terms import INCOMPLETE
from storage.hazards import HazardFilter, HazardHistory

_BATCH = 1000


@dataclass(frozen=True)
class ExchangeRecords:
    """What the exchange takes, and what it would refuse: number -> our names of what is lacking."""

    records: list[dict[str, str | None]]
    lacking: dict[str, list[str]]


def ledger_json(ctx: Context, wanted: HazardFilter) -> dict[str, Any]:
    """The hazards of a filter, the latest first, and how many there are of each state."""
    hazards = ctx.store.hazards.find(wanted, ctx.today)
    return {"counts": ctx.store.hazards.counts(wanted, ctx.today), "hazards": list(hazards_json(ctx, hazards))}


def hazards_json(ctx: Context, hazards: Sequence[Hazard]) -> Iterator[dict[str, Any]]:
    """Each hazard with all that happened to it, as JSON values; instants are in the zone of the rules."""
    names = _Names(ctx)
    for batch, histories in _batches(ctx, hazards):
        receipts = ctx.store.submissions.receipts(_film_ids(batch, histories.values()))
        for hazard in batch:
            yield _hazard(hazard, histories[hazard.number], receipts, names, ctx)


def exchange_records(ctx: Context, hazards: Sequence[Hazard], profile: ExchangeProfile) -> ExchangeRecords:
    """The hazards as a receiver of the national exchange reads them; one that is incomplete here is not for it."""
    names, found = _Names(ctx), ExchangeRecords([], {})
    for batch, histories in _batches(ctx, [hazard for hazard in hazards if hazard.state != INCOMPLETE]):
        for hazard in batch:
            values = names.exchange_values(hazard, histories[hazard.number])
            if lacking := exchange_lacks(values, profile):
                found.lacking[hazard.number] = lacking
            else:
                found.records.append(exchange_record(values, profile, ctx.rules.zone))
    return found


def _batches(ctx: Context, hazards: Sequence[Hazard]) -> Iterator[tuple[Sequence[Hazard], Mapping[str, HazardHistory]]]:
    for first in range(0, len(hazards), _BATCH):
        batch = hazards[first : first + _BATCH]
        yield batch, ctx.store.hazards.histories([hazard.number for hazard in batch])


class _Names:
    """Codes of enterprises, numbers of parts and who answers for them, which the rows name by their ids."""

    def __init__(self, ctx: Context) -> None:
        self.codes = {key: code for key, (code, _) in ctx.store.register.enterprise_names().items()}
        self.parts = ctx.store.register.part_numbers()
        sources = ctx.store.major_hazard_sources.of_parts(self.parts)
        self.guarantors = {part_id: found[0].guarantors for part_id, found in sources.items()}

    def exchange_values(self, hazard: Hazard, history: HazardHistory) -> dict[str, Any]:
        code, guarantors = self.codes[hazard.enterprise_id], self.guarantors.get(hazard.part_id or 0, {})
        return exchange_values(hazard, code, history.attempts, history.moves, guarantors)


def _film_ids(hazards: Iterable[Hazard], histories: Iterable[HazardHistory]) -> set[int]:
    found = {hazard.submission_id for hazard in hazards if hazard.submission_id is not None}
    return found | {attempt.submission_id for history in histories for attempt in history.attempts}


def _hazard(
    hazard: Hazard, history: HazardHistory, receipts: dict[int, str], names: _Names, ctx: Context
) -> dict[str, Any]:
    def instant(value: datetime | None) -> str | None:
        return value.astimezone(ctx.rules.zone).isoformat() if value else None

    values = names.exchange_values(hazard, history)
    return {
        **{name: getattr(hazard, name) for name in ("number", "version", "level", "criterion", "source", "kind")},
        "enterprise": values["enterprise_code"],
        "part": hazard.part_id and names.parts[hazard.part_id],
        **{name: getattr(hazard, name) for name in ("treatment", "matter", "responsible", "measure", "state")},
        "deadline": hazard.deadline and hazard.deadline.isoformat(),
        "first_deadline": hazard.first_deadline and hazard.first_deadline.isoformat(),
        "lacks": lacks(hazard) if hazard.state == "incomplete" else [],
        "plan_lacks": plan_lacks(hazard),
        "overdue": is_overdue(hazard, ctx.today),
        "found_at": instant(hazard.found_at),
        "found_by": hazard.found_by,
        "receipt": receipts.get(hazard.submission_id or 0),
        "at_s": hazard.at_s,
        "repeat_of": hazard.repeat_of,
        "needs_cause": needs_cause(hazard),
        **{name: getattr(hazard, name) for name in _FURTHER},
        "exchange_lacks": exchange_lacks(values, exchange_profile()),
        "extensions": [_extension(each, instant) for each in history.extensions],
        "attempts": [_attempt(each, receipts, instant) for each in history.attempts],
        "moves": [_move(each, instant) for each in history.moves],
    }


_FURTHER = (
    "inspection_number",
    "cause",
    "classification",
    "stage",
    "cost_yuan",
    "plan",
    "supervised_by",
    "supervisor",
    "remarks",
)


def _extension(each: HazardExtension, instant: Any) -> dict[str, Any]:
    return {
        "asked_at": instant(each.asked_at),
        "by": each.asked_by,
        "reason": each.reason,
        "old_deadline": each.old_deadline.isoformat(),
        "new_deadline": each.new_deadline.isoformat(),
        "interim": each.interim,
        "state": each.state,
        "decided_by": each.decided_by,
        "decided_at": instant(each.decided_at),
        "decision_reason": each.decision_reason,
    }


def _attempt(each: HazardAttempt, receipts: dict[int, str], instant: Any) -> dict[str, Any]:
    return {
        "submitted_at": instant(each.submitted_at),
        "by": each.by_name,
        "receipt": receipts[each.submission_id],
        "note": each.note,
        "verdict": each.verdict,
        "verdict_at": instant(each.verdict_at),
        "verdict_by": each.verdict_by,
        "reason": each.reason,
    }


def _move(each: HazardMove, instant: Any) -> dict[str, Any]:
    return {
        "at": instant(each.at),
        "by": each.by_name,
        "from": each.from_state,
        "to": each.to_state,
        "why": each.reason,
    }


def print_ledger(ledger: dict[str, Any], console: Console | None = None) -> None:
    """The counts, and one line per hazard."""
    console = console or Console()
    counts = (f"{say(f'hazard_count.{name}')} {number}" for name, number in ledger["counts"].items())
    console.print("  ".join(counts))
    columns = ("number", "enterprise", "part", "level", "matter", "responsible", "deadline", "state")
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(say(f"hazard_field.{column}"))
    for hazard in ledger["hazards"]:
        shown = {**hazard, "level": say(f"hazard_level.{hazard['level']}"), "state": state_words(hazard)}
        table.add_row(*(str(shown[column] or "") for column in columns))
    console.print(table)


def print_hazard(hazard: dict[str, Any], console: Console | None = None) -> None:
    """The fields of one hazard, and its moves, attempts and extensions."""
    console = console or Console()
    shown = {
        **hazard,
        "state": state_words(hazard),
        **{name: say(f"hazard_{name}.{hazard[name]}") for name in ("level", "source", "kind", "treatment")},
        "lacks": "、".join(say(f"hazard_field.{name}") for name in hazard["lacks"]),
    }
    for name in ("number", "state", "lacks", "enterprise", "part", "level", "criterion", "source", "kind", *_SHOWN):
        if shown[name]:
            console.print(say("hazards.field_line", field=say(f"hazard_field.{name}"), value=shown[name]))
    for move in hazard["moves"]:
        at, state = f"{move['at']:.16}".replace("T", " "), say(f"hazard_state.{move['to']}")
        console.print(say("hazards.move_line", at=at, state=state, name=move["by"], why=move["why"] or ""))


_SHOWN = ("treatment", "matter", "responsible", "measure", "first_deadline", "deadline", "found_by", "receipt")


def state_words(hazard: dict[str, Any]) -> str:
    """The state as people read it, with what is computed beside it."""
    state = say(f"hazard_state.{hazard['state']}")
    return say("hazards.state_overdue", state=state) if hazard["overdue"] else state
