"""Commands that only read: a night, the reports, the doctor."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.bootstrap import build_object_store
from bot.cli.context import open_uow, parse_day
from bot.config import Config
from bot.texts import say
from bot.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from bot.workbooks.reports.report_table import ReportTable


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
@click.argument("which", type=click.Choice(["daily", "weekly", "monthly", "year"]))
@click.argument("date_", metavar="[DATE]", required=False)
@click.option("--amendment", type=click.IntRange(min=1), metavar="N", help="An amendment to the daily report.")
@click.option("--xlsx", type=click.Path(path_type=Path, dir_okay=False), help="Write the table as a workbook.")
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write the table as a PDF, for printing.")
@click.option("--json", "as_json", is_flag=True)
def report(
    which: str, date_: str | None, amendment: int | None, xlsx: Path | None, pdf: Path | None, as_json: bool
) -> None:
    """The tables: one night, the week (Monday to Sunday), the month or the year of DATE, by default today's.

    A daily report that was issued is always shown as it was issued; its amendments are numbered and shown beside it.
    """
    from bot.reports.kinds import REPORTS, amendment_kind

    if amendment is not None and which != "daily":
        raise click.UsageError("only the daily report has amendments")
    kind = REPORTS[which] if amendment is None else amendment_kind(amendment)
    files = {format_: path for format_, path in (("xlsx", xlsx), ("pdf", pdf)) if path is not None}
    with open_uow(read_only=True) as (config, uow):
        with uow.read() as store:
            ctx = uow.context(store)
            day, rules = parse_day(date_) if date_ else ctx.today, ctx.rules
            made = kind.make(ctx, day)
            later = store.issued_reports.amendments(day) if kind is REPORTS["daily"] else ()
        for format_, path in files.items():
            issued = _issued_file(config, uow, day, format_, amendment or 0) if which == "daily" else None
            _write_file(path, format_, kind.tables(made, rules), issued)
    if as_json:
        click.echo(json.dumps(kind.to_json(made, rules), ensure_ascii=False, indent=1))
    elif not files:
        kind.show(made, rules)
    for each in later:
        click.echo(say("amendment.exists", number=each.number, night=day.isoformat()), err=True)


def _issued_file(config: Config, uow: UnitOfWork, night: date, format_: str, number: int) -> bytes | None:
    from bot.reports.issued_files import IssuedFiles

    return IssuedFiles(uow, build_object_store(config)).load(night, format_, number)


def _write_file(path: Path, format_: str, tables: list[ReportTable], issued: bytes | None) -> None:
    from bot.pdf import missing_characters_text
    from bot.reports.formats import draw

    warning = missing_characters_text(tables) if format_ == "pdf" else None
    if warning is not None:
        click.echo(warning, err=True)
    path.write_bytes(draw(format_, tables) if issued is None else issued)
    click.echo(say("import.file_written", file=str(path)), err=True)


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
