"""Commands that run the service, its parts, the simulator or the demo."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from bot import clock as clocks
from bot.bootstrap import migrate_all
from bot.cli.context import parse_day
from bot.config import load_config
from bot.logs import configure_logging
from bot.texts import say
from storage.db.database import Database


def _serving(*, web: bool, worker: bool, start: datetime | None = None, speed: float | None = None) -> None:
    from bot.server import serve as run
    from bot.server import serving_bot

    config = load_config()
    configure_logging(config.LOG_FORMAT)
    with serving_bot(config, start, speed, migrate=web and worker) as bot:
        run(bot, web=web, worker=worker)


def _start(text: str | None) -> datetime | None:
    try:
        return clocks.parse_instant(text, load_config().TIMEZONE) if text else None
    except ValueError:
        raise click.BadParameter(say("clock.unreadable", text=text), param_hint="--clock") from None


@click.command()
@click.option("--clock", metavar="ISO8601", help="Begin a rehearsal at this instant.")
@click.option("--speed", type=click.FloatRange(min=0.1, max=100_000), help="How many times as fast it runs.")
def serve(clock: str | None, speed: float | None) -> None:
    """Everything on one machine: web, worker and timetable."""
    if speed is not None and clock is None:
        raise click.UsageError(say("usage.speed_without_clock"))
    _serving(web=True, worker=True, start=_start(clock), speed=speed)


@click.command()
def web() -> None:
    """Only the web part; any number of processes."""
    _serving(web=True, worker=False)


@click.command()
def worker() -> None:
    """Only jobs and timetable; any number of processes, each with its own EXECUTOR_ID."""
    _serving(web=False, worker=True)


@click.command()
@click.option("--before", is_flag=True, help="Only add what the new version needs; the old one may go on beside it.")
def migrate(before: bool) -> None:
    """Bring the database to the newest schema."""
    database = Database(load_config().DATABASE_URL)
    try:
        migrate_all(database, additive_only=before)
        click.echo(say("schema.now", revision=database.revision()))
    finally:
        database.close()


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8100, show_default=True)
@click.option("--clock", metavar="ISO8601", help="Begin at this instant.")
@click.option("--speed", type=click.FloatRange(min=0.1), default=1.0, show_default=True)
def simulator(port: int, clock: str | None, speed: float) -> None:
    """Only the simulated WeCom cloud."""
    from bot.devtools.simulator import run

    start = _start(clock)
    if start is None:
        run(port)
    else:
        rehearsal = clocks.RehearsalClock(start, clocks.wall_now(), speed)
        run(port, lambda: rehearsal.now().timestamp())


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
def demo(folder: Path) -> None:
    """A whole night of 75 enterprises in about a minute, against the simulated cloud."""
    from bot.devtools.demo import run_demo

    run_demo(folder)


@click.command()
@click.option("--night", metavar="DATE", help="The night, by its morning date; by default the coming one.")
@click.option("--speed", type=click.FloatRange(min=0.1, max=100_000), default=10, show_default=True)
@click.option("--no-open", is_flag=True, help="Only print the addresses, open no browser.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("var/rehearsal"), show_default=True)
def rehearse(night: str | None, speed: float, no_open: bool, folder: Path) -> None:
    """A night to take part in: simulated phones and the service on one clock; ends with Ctrl-C.

    It begins at 23:45 with a sample register. A further run in the same folder continues where the last one ended.
    """
    from bot.devtools.rehearsal import run_rehearsal

    run_rehearsal(folder, parse_day(night) if night else None, speed, opens_pages=not no_open)
