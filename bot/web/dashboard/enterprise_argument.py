"""The enterprise that the filter of a list names."""

from __future__ import annotations

from bot.texts import say
from bot.web.parameters import text_argument
from handlers.enterprise_names import resolve_enterprise
from storage.db.models import Enterprise
from storage.errors import OperationRefused
from storage.store import Store

_LONGEST_NAME = 100


def enterprise_text() -> str:
    """What was typed into the field of the enterprise."""
    return text_argument("enterprise")[:_LONGEST_NAME]


def find_enterprise(text: str, store: Store) -> tuple[Enterprise | None, str]:
    """The enterprise that a text names, or why it names none."""
    try:
        return (resolve_enterprise(text, store), "") if text else (None, "")
    except OperationRefused as refused:
        return None, say(refused.text_key, **refused.params)
