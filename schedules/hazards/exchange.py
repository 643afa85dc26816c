"""Hazards as the national exchange of hazard data wants them, by the profiles in exchange.toml. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from storage.hazard_terms import ACCEPTED, VOID

_FILE = Path(__file__).with_name("exchange.toml")
DEFAULT_PROFILE = "default"
# From here on characters are as wide as two Latin ones, and receivers count them so.
_FIRST_WIDE = "\u2e80"
_OF_HAZARD = (
    "hazard_code",
    "risk_measure_id",
    "check_record_id",
    "matter",
    "level",
    "registered_at",
    "registered_by",
    "source",
    "treatment",
    "kind",
    "cause",
    "measure",
    "cost_yuan",
    "responsible",
    "deadline",
    "state",
    "classification",
    "stage",
)


@dataclass(frozen=True)
class ExchangeProfile:
    """The names, codes and formats of one receiver. `fields`: its name -> rules (see exchange.toml)."""

    instant_format: str
    date_format: str
    wide_counts: int
    codes: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Mapping[str, Any]]


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def profile_names() -> list[str]:
    return list(_tables())


@cache
def exchange_profile(name: str = DEFAULT_PROFILE) -> ExchangeProfile:
    """Raises KeyError for an unknown profile."""
    tables = _tables()
    table = tables[name]
    base = tables[table["based_on"]] if "based_on" in table else table
    renamed = table.get("rename", {})
    return ExchangeProfile(
        table.get("instant_format", base["instant_format"]),
        table.get("date_format", base["date_format"]),
        table.get("wide_counts", base["wide_counts"]),
        {**base["codes"], **table.get("codes", {})},
        {renamed.get(each, each): rules for each, rules in base["field"].items()},
    )


def exchange_values(
    hazard: Any, enterprise_code: str, attempts: Sequence[Any], moves: Sequence[Any], guarantors: Mapping[str, int]
) -> dict[str, Any]:
    """Our values of a hazard (see storage.db.models.hazards) by the names that the profiles use.

    `guarantors`: who answers for the major-hazard source of its part, by role (see storage.register_terms).
    """
    accepted = next((each for each in attempts if each.verdict == ACCEPTED), None)
    last = moves[-1]
    return {
        **{name: getattr(hazard, name) for name in _OF_HAZARD},
        # The same for the same hazard whenever it is exported.
        "id": str(uuid5(NAMESPACE_URL, f"night-patrol/{enterprise_code}/{hazard.number}")),
        "enterprise_code": enterprise_code,
        "registered_as": next((role for role, each in guarantors.items() if each == hazard.registered_by_id), "other"),
        "deleted": "yes" if hazard.state == VOID else "no",
        "changed_by": last.by_name,
        "changed_at": last.at,
        "accepted_by": accepted and accepted.verdict_by,
        "accepted_at": accepted and accepted.verdict_at,
        "acceptance_comment": accepted and accepted.reason,
    }


def exchange_lacks(values: Mapping[str, Any], profile: ExchangeProfile) -> list[str]:
    """Our names of the values for which the exchange would refuse the hazard; `…_too_long` for too long a text."""
    lacking = []
    for rules in profile.fields.values():
        name, value = rules["value"], values.get(rules["value"])
        if _code(name, value, profile) is None:
            lacking += [name] if _is_required(rules, values) and "default" not in rules else []
        elif "pattern" in rules and not re.fullmatch(rules["pattern"], str(value)):
            lacking.append(name)
        elif "max" in rules and _length(str(value), profile) > rules["max"]:
            lacking.append(f"{name}_too_long")
    return list(dict.fromkeys(lacking))


def exchange_record(values: Mapping[str, Any], profile: ExchangeProfile, zone: ZoneInfo) -> dict[str, str | None]:
    """The hazard as the receiver reads it; instants are in `zone`."""
    record = {}
    for field, rules in profile.fields.items():
        value = _code(rules["value"], values.get(rules["value"]), profile)
        if value is None and _is_required(rules, values):
            value = rules.get("default")
        record[field] = _written(value, profile, zone)
    return record


def _is_required(rules: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return rules.get("required", False) or values["state"] in rules.get("required_in", ())


def _code(name: str, value: Any, profile: ExchangeProfile) -> Any:
    return profile.codes[name].get(value) if name in profile.codes else value


def _written(value: Any, profile: ExchangeProfile, zone: ZoneInfo) -> str | None:
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime(profile.instant_format)
    if isinstance(value, date):
        return value.strftime(profile.date_format)
    return None if value is None else str(value)


def _length(text: str, profile: ExchangeProfile) -> int:
    return sum(profile.wide_counts if character >= _FIRST_WIDE else 1 for character in text)
