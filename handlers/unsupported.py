"""What is neither film nor text: kept, and answered with what to do instead."""

from __future__ import annotations

from datetime import datetime

from handlers.films import announce
from handlers.message import Fetch, Message
from handlers.replies import answer_chatter
from schedules.rules import RuleBook
from storage.store import Store


def file(message: Message, store: Store, rules: RuleBook, now: datetime) -> Fetch | None:
    """A file may well be a film sent as a file: fetch it and let the probe say (mission 4.5, case 11)."""
    return announce(message, store, rules, now, kind="film")


def voice(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    """Voice comes without its words: say how to raise an alarm without it."""
    answer_chatter(message, store, rules, now, "other.voice")


def unreadable(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    """A location, a link, or a kind of message that is not known yet."""
    answer_chatter(message, store, rules, now, "other.unreadable")
