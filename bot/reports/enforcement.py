"""Inspections, documents and cases of a year as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from schedules.reports.enforcement import EnforcementPeriod


def enforcement_json(period: EnforcementPeriod) -> dict[str, list[dict[str, Any]]]:
    """The rows behind the figures."""
    return {name: [_plain(each) for each in rows] for name, rows in vars(period).items()}


def _plain(row: Any) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(row).items()}
