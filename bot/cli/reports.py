"""Commands that only read: a night, the reports, the doctor."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.cli.context import open_uow, parse_day
from bot.texts import say


@click.command()
@click.argument("date_", metavar="[DATE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON (the contract's form).")
def night(date_: str | None, as_json: bool) -> None:
    """One patrol night, named by its morning date; by default the present one."""
    from bot.reports.night import night_json, print_night
    from schedules.patrol_night import night_of

    day = parse_day(date_) if date_ else None
    with open_uow(read_only=True) as (_, uow), uow.read() as store:
        ctx = uow.context(store)
        view = night_json(ctx, day or night_of(ctx.now, ctx.rules))
    if as_json:
        click.echo(json.dumps(view, ensure_ascii=False, indent=1))
    else:
        print_night(view)


@click.command()
@click.argument("which", type=click.Choice(["daily", "weekly", "year"]))
@click.argument("date_", metavar="[DATE]", required=False)
@click.option("--xlsx", type=click.Path(path_type=Path, dir_okay=False), help="Write the table as a workbook.")
@click.option("--json", "as_json", is_flag=True)
def report(which: str, date_: str | None, xlsx: Path | None, as_json: bool) -> None:
    """The tables: one night, the week (Monday to Sunday) or the year that DATE belongs to, by default today's."""
    from bot.reports.periods import REPORTS

    make, write, to_json, show = REPORTS[which]
    day = parse_day(date_) if date_ else None
    with open_uow(read_only=True) as (_, uow), uow.read() as store:
        ctx = uow.context(store)
        made, rules = make(ctx, day or ctx.today), ctx.rules
    if xlsx is not None:
        write(str(xlsx), made, rules)
        click.echo(say("import.file_written", file=str(xlsx)), err=True)
    if as_json:
        click.echo(json.dumps(to_json(made, rules), ensure_ascii=False, indent=1))
    elif xlsx is None:
        show(made)


@click.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check settings, database, object store, WeCom credentials, robot keys and clock: one line each."""
    from bot.doctor import run_checks

    passed = True
    for result in run_checks():
        passed &= result.ok is not False
        click.echo(f"{result.symbol} {result.text}")
    context.exit(0 if passed else 1)
