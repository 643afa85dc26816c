"""What one-shot commands have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import click

from bot.bootstrap import build_uow_and_channels, command_clock, open_database
from bot.config import Config, load_config
from bot.engine import DbosEngine
from bot.texts import say
from bot.unit_of_work import UnitOfWork


@contextmanager
def open_uow(*, migrate: bool = False, read_only: bool = False) -> Iterator[tuple[Config, UnitOfWork]]:
    """The settings and a unit of work with the clock of the service (a rehearsal's, if the database has one).

    With `read_only` no channels are built, so notices cannot be addressed.
    """
    config = load_config()
    database = open_database(config, migrate=migrate)
    engine = DbosEngine(database, f"{config.EXECUTOR_ID}/command")
    try:
        clock = command_clock(database)
        if read_only:
            yield config, UnitOfWork(database, engine, clock, config.TIMEZONE)
        else:
            yield config, build_uow_and_channels(config, database, clock, engine)[0]
    finally:
        database.close()


def parse_day(text: str) -> date:
    """Raises click.BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(say("usage.not_a_date", text=text), param_hint="DATE") from None
