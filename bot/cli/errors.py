"""What an operator reads when a command fails; imported only then, because the error types bring much with them."""

from __future__ import annotations

from bot.config import SettingsError
from bot.texts import os_error_text, say
from storage.errors import DatabaseUnavailable, OperationRefused, SchemaMismatch
from storage.objects import ObjectError


def error_text(error: Exception) -> str | None:
    """The line that is shown for an error that an operator can cause; None for a bug."""
    match error:
        case OperationRefused():
            return say(error.text_key, **error.params)
        case SchemaMismatch():
            return say("schema.mismatch", found=error.found or say("schema.none"), expected=error.expected)
        case DatabaseUnavailable():
            return say("cli_error.database", error=str(error))
        case ObjectError():
            return say("cli_error.object_store", error=str(error))
        case SettingsError():
            return str(error)
        case OSError():
            return os_error_text(error)
        case _:
            return None
