"""Rows that belong to an enterprise whose name contains a text."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, or_, select

from storage.db.models import Enterprise


def is_of_enterprise_named(enterprise_id: Any, text: str) -> ColumnElement[bool]:
    """`enterprise_id` is a column; the text is searched in name and short name."""
    named = (column.contains(text, autoescape=True) for column in (Enterprise.name, Enterprise.short_name))
    condition: ColumnElement[bool] = enterprise_id.in_(select(Enterprise.id).where(or_(*named)))
    return condition
