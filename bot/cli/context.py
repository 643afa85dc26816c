"""What commands that do their work and end have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import click

from bot.bootstrap import connected, joined_clock, open_database
from bot.config import Config, load
from bot.engine import DurableEngine
from bot.unit_of_work import Memory


@contextmanager
def opened(*, migrate: bool = False, only_looks: bool = False) -> Iterator[tuple[Config, Memory]]:
    """The settings and the memory; the clock is the one the database is served by.

    A memory that `only_looks` does not know by which channels anybody can be reached.
    """
    config = load()
    database = open_database(config, migrate=migrate)
    engine = DurableEngine(database, f"{config.EXECUTOR_ID}/command")
    try:
        clock = joined_clock(database)
        if only_looks:
            yield config, Memory(database, engine, clock, config.TIMEZONE)
        else:
            yield config, connected(config, database, clock, engine)[0]
    finally:
        database.close()


def day(text: str) -> date:
    """A date as it is typed. Raises click.BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a date like 2026-11-24", param_hint="DATE") from None
