"""Replayed callbacks: how old a signature may be, and what a URL verification never answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.channels.errors import CallbackRejected
from bot.channels.wecom_api.callback_fields import parse_timestamp
from bot.clock import Clock

# How long after the first attempt the platform still repeats a callback is not documented.
MAX_AGE = timedelta(days=1)
# The signature is over timestamp and nonce without a separator: a timestamp of another length could hold digits of the
# nonce. Unix seconds have ten digits until 2286.
_SECONDS = re.compile(r"\d{10}", re.ASCII)


def check_age(query: Mapping[str, str], clock: Clock, max_age: timedelta = MAX_AGE) -> datetime:
    """When a callback was signed. Raises CallbackRejected(403) for one that is too old.

    A timestamp in the future is accepted: a clock that is behind must not stop the films. In a rehearsal, whose time
    is not the platform's, every age is.
    """
    timestamp = query.get("timestamp", "")
    if not _SECONDS.fullmatch(timestamp):
        raise CallbackRejected(403, "stale")
    signed_at = parse_timestamp(timestamp)
    if clock.now() - signed_at > max_age and not clock.is_rehearsal:
        raise CallbackRejected(403, "stale")
    return signed_at


def check_echo(text: str) -> str:
    """The text of a URL verification. Raises CallbackRejected(403) for a message, whose ciphertext was replayed."""
    if "<" in text:
        raise CallbackRejected(403, "not_an_echo")
    return text
