"""The commands. Each exits 0, or 1 with one clear line on stderr; click answers wrong usage with 2."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import click

from bot import clock as clocks
from bot.app import joined_clock, migrate_all, open_database
from bot.config import NOT_YET, Config, SettingsError, load
from bot.memory import Memory
from bot.texts import say
from storage.database import Database
from storage.errors import DatabaseAway, Refused, SchemaMismatch
from storage.objects import ObjectError

ROLE_NAMES = {"patroller": "巡检员", "head": "负责人", "safety": "安全员", "leader": "值班领导", "staff": "工作人员",
              "admin": "管理员"}  # fmt: skip


def main() -> None:
    """Run a command; whatever a person can cause ends as one line, never as a traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Refused as error:
        _fail(say(error.key, **error.params))
    except SchemaMismatch as error:
        _fail(say("schema.mismatch", found=error.found or say("schema.none"), expected=error.expected))
    except DatabaseAway as error:
        _fail(say("trouble.database", why=str(error)))
    except ObjectError as error:
        _fail(say("trouble.objects", why=str(error)))
    except (SettingsError, OSError, ValueError) as error:
        _fail(str(error))


def _fail(line: str) -> None:
    click.echo(line, err=True)
    sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Night patrol: takes in the patrol films of chemical plants over WeCom, reminds, alerts, reports."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("bot").setLevel(logging.INFO)


@contextmanager
def _opened(*, migrate: bool = False) -> Iterator[tuple[Config, Memory]]:
    """The settings and the memory for a command that does its work and ends."""
    from bot.engine import DurableEngine

    config = load()
    database = open_database(config, migrate=migrate)
    engine = DurableEngine(database, f"{config.EXECUTOR_ID}/command")
    try:
        yield config, Memory(database, engine, joined_clock(database), config.TIMEZONE)
    finally:
        database.close()


def _serving(*, web: bool, worker: bool, start: datetime | None = None, speed: float | None = None) -> None:
    import os

    from bot.serving import serve as run
    from bot.serving import serving_bot

    config = load()
    for name in NOT_YET:
        if os.environ.get(name):
            click.echo(say("settings.not_yet", name=name), err=True)
    with serving_bot(config, start, speed, migrate=web and worker) as bot:
        run(bot, web=web, worker=worker)


@cli.command()
@click.option("--clock", metavar="ISO8601", help="Begin a rehearsal at this instant.")
@click.option("--speed", type=click.FloatRange(min=0.1, max=100_000), help="How many times as fast it runs.")
def serve(clock: str | None, speed: float | None) -> None:
    """Everything on one machine: web, worker and timetable."""
    if speed is not None and clock is None:
        raise click.UsageError("--speed goes with --clock")
    config = load()
    try:
        start = clocks.parse(clock, config.TIMEZONE) if clock else None
    except ValueError:
        raise Refused("clock.unreadable", text=clock) from None
    _serving(web=True, worker=True, start=start, speed=speed)


@cli.command()
def web() -> None:
    """Only the web part; as many of them as wanted."""
    _serving(web=True, worker=False)


@cli.command()
def worker() -> None:
    """Only jobs and timetable; as many as wanted, each with its own EXECUTOR_ID."""
    _serving(web=False, worker=True)


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    database = Database(load().DATABASE_URL)
    try:
        migrate_all(database)
        click.echo(say("schema.now", revision=database.revision()))
    finally:
        database.close()


@cli.command()
@click.argument("day", metavar="[DATE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON (the contract's form).")
def night(day: str | None, as_json: bool) -> None:
    """One patrol night, named by its morning date; by default the present one."""
    from bot.boards import print_night
    from bot.night_view import night_view
    from schedules.patrol_night import night_of

    with _opened() as (_, memory), memory.reading() as store:
        book, now = memory.book(store), memory.clock.now()
        wanted = _date(day) if day else night_of(now, book)
        view = night_view(store, wanted, book, now)
    if as_json:
        click.echo(json.dumps(view, ensure_ascii=False, indent=1))
    else:
        print_night(view)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a date like 2026-11-24", param_hint="DATE") from None


@cli.command()
@click.argument("name")
@click.option("--role", required=True, help="巡检员/负责人/安全员/值班领导/工作人员/管理员, several with 、")
@click.option("--enterprise", metavar="CODE", help="The enterprise's code; without it the supervising office.")
@click.option("--json", "as_json", is_flag=True)
def invite(name: str, role: str, enterprise: str | None, as_json: bool) -> None:
    """Make a one-time binding code for a person."""
    from handlers.enrolment import invite as make

    roles = [ROLE_NAMES.get(piece.strip(), piece.strip()) for piece in role.replace(",", "、").split("、")]
    with _opened() as (config, memory), memory.transaction() as store:
        invitation = make(name, roles, enterprise, store, memory.clock.now())
        expires = invitation.expires_at.astimezone(config.TIMEZONE)
    if as_json:
        answer = {"code": invitation.code, "name": name, "roles": roles, "enterprise": enterprise}
        click.echo(json.dumps({**answer, "expires_at": expires.isoformat()}, ensure_ascii=False))
    else:
        click.echo(say("enrolment.invited", name=name, code=invitation.code, expires=f"{expires:%m-%d %H:%M}"))


@cli.command()
@click.argument("receipt")
@click.option("--enterprise", "code", required=True, metavar="CODE")
@click.option("--part", required=True, metavar="N")
def attach(receipt: str, code: str, part: str) -> None:
    """Put a quarantined or unattributed film where it belongs, on record."""
    from handlers.attach import attach as put

    with _opened() as (_, memory), memory.transaction() as store:
        film = put(receipt, code, part, store, memory.book(store), memory.clock.now(), "night-patrol attach")
        enterprise, found = store.register.enterprise(film.enterprise_id or 0), store.register.part(film.part_id or 0)
        assert enterprise is not None
        assert found is not None
    label = f"{found.number} {found.name}"
    click.echo(say("attach.done", receipt=receipt, enterprise=enterprise.short_name, part=label))


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8100, show_default=True)
@click.option("--clock", metavar="ISO8601", help="Begin at this instant.")
@click.option("--speed", type=click.FloatRange(min=0.1), default=1.0, show_default=True)
def simulator(port: int, clock: str | None, speed: float) -> None:
    """The pretend WeCom cloud by itself."""
    from bot.simulator import run

    if clock is None:
        run(port)
    else:
        config = load({}, Path("/nonexistent"))
        start = clocks.parse(clock, config.TIMEZONE)
        turned = clocks.RehearsalClock(start, clocks.wall_now(), speed)
        run(port, lambda: turned.now().timestamp())
