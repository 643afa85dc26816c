"""Commands that keep what is kept: read it again, put it by, bring it back."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.bootstrap import migrate_engine, object_store
from bot.cli.context import day, opened
from bot.clock import wall_now
from bot.config import load
from bot.texts import say
from storage.db.database import Database


@click.command()
@click.argument("date_", metavar="[DATE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON (the contract's form).")
@click.pass_context
def verify(context: click.Context, date_: str | None, as_json: bool) -> None:
    """Read stored objects again, of one night or (without DATE) all: altered, absent, or as they came."""
    from bot.media.integrity import verify as read_again

    night = day(date_) if date_ else None
    with opened(only_looks=True) as (config, memory), memory.reading() as store:
        found = read_again(store.submissions.kept_of(night), object_store(config))
    if as_json:
        click.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
    else:
        click.echo(say("keeping.verified", checked=found.checked, ok=found.ok))
        for kind, films in (("keeping.altered", found.altered), ("keeping.absent", found.absent)):
            for film in films:
                click.echo(say(kind, **film), err=True)
    context.exit(0 if found.is_well else 1)


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def trail(context: click.Context, as_json: bool) -> None:
    """Read the sealed record of who did what again: its head, and whether every seal holds."""
    with opened(only_looks=True) as (_, memory), memory.reading() as store:
        found, head = store.trail.check(), store.trail.head()
    named = str(head) if head else None
    if as_json:
        click.echo(json.dumps({"head": named, "sealed": found.sealed, "broken_at": found.broken_at}))
    elif found.broken_at is None:
        click.echo(say("keeping.trail_holds", number=found.sealed, head=named or "—"))
    else:
        click.echo(say("keeping.trail_broken", place=found.broken_at), err=True)
    context.exit(0 if found.broken_at is None else 1)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write everything but the objects, with their digests, into one file; the service may go on meanwhile."""
    from storage.backup import backup as write

    with opened(only_looks=True) as (_, memory):
        made = write(memory.database, file, wall_now())
    click.echo(say("keeping.backed_up", file=str(file), rows=made.rows, digest=made.digest))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def restore(file: Path) -> None:
    """Fill an empty database from a backup: all of it, or nothing."""
    from storage.backup import restore as read

    database = Database(load().DATABASE_URL)
    try:
        made = read(database, file)
        migrate_engine(database)
    finally:
        database.close()
    told = {"rows": made.rows, "digest": made.digest, "made": made.made_at[:19].replace("T", " ")}
    click.echo(say("keeping.restored", file=str(file), **told))
