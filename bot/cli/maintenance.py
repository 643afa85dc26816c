"""Commands that verify films and the audit log, and that back up and restore the database."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.bootstrap import build_object_store
from bot.cli.context import open_uow, parse_day
from bot.cli.progress import track
from bot.clock import wall_now
from bot.config import load_config
from bot.engine import migrate_engine_tables
from bot.texts import fill, say
from storage.audit_log import ChainHead, parse_head
from storage.db.database import Database


@click.command()
@click.argument("date_", metavar="[DATE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON (the contract's form).")
@click.pass_context
def verify(context: click.Context, date_: str | None, as_json: bool) -> None:
    """Read stored objects again, of one night or (without DATE) all: altered, absent, or as they came."""
    from bot.media.integrity import verify_night

    night = parse_day(date_) if date_ else None
    with open_uow(read_only=True) as (config, uow), uow.read() as store:
        result = verify_night(night, store, build_object_store(config), track(say("progress.verify")))
    if as_json:
        click.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=1))
    else:
        click.echo(say("maintenance.verified", checked=result.checked, ok=result.ok))
        for kind, films in (("maintenance.altered", result.altered), ("maintenance.absent", result.absent)):
            for film in films:
                click.echo(say(kind, **film), err=True)
    context.exit(0 if result.is_intact else 1)


@click.command()
@click.argument("action", type=click.Choice(["verify"]), default="verify")
@click.option("--expect", metavar="HEAD", help="A head from an earlier daily report, which the record must continue.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def trail(context: click.Context, action: str, expect: str | None, as_json: bool) -> None:
    """Read the sealed record of who did what again: its head, and whether every seal holds."""
    from schedules.audit_log import check_audit_log

    expected = _parse_head(expect) if expect is not None else None
    with open_uow(read_only=True) as (_, uow), uow.read() as store:
        check = check_audit_log(store, expected)
    head = str(check.head) if check.head else None
    if as_json:
        found = {"head": head, "sealed": check.length, "broken_at": check.broken_at, "continues": check.continues}
        click.echo(json.dumps({**found, "contradicted_reports": check.contradicted_reports}, ensure_ascii=False))
    elif not check.faults:
        click.echo(say("maintenance.audit_log_intact", count=check.length, head=head or "—"))
    for fault in check.faults:
        click.echo(fill(fault), err=True)
    context.exit(1 if check.faults else 0)


def _parse_head(text: str) -> ChainHead:
    try:
        return parse_head(text)
    except ValueError:
        raise click.BadParameter(say("usage.not_a_head", text=text), param_hint="--expect") from None


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write everything but the objects, with their digests, into one file; the service may go on meanwhile."""
    from storage.backup import backup as write

    with open_uow(read_only=True) as (_, uow):
        manifest = write(uow.database, file, wall_now(), track(say("progress.backup")))
    click.echo(say("maintenance.backed_up", file=str(file), rows=manifest.rows, digest=manifest.digest))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def restore(file: Path) -> None:
    """Fill an empty database from a backup: all of it, or nothing."""
    from storage.backup import restore as read

    database = Database(load_config().DATABASE_URL)
    try:
        manifest = read(database, file, track(say("progress.restore")))
        migrate_engine_tables(database)
    finally:
        database.close()
    params = {"rows": manifest.rows, "digest": manifest.digest, "made": manifest.created_at[:19].replace("T", " ")}
    click.echo(say("maintenance.restored", file=str(file), **params))
