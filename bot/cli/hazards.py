"""The hazard ledger: the acts of the pages and the chat, by a person of the register, under the same rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click

from bot.cli.context import open_uow, parse_day
from bot.cli.progress import busy, track
from bot.texts import say
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.hazards.exchange import DEFAULT_PROFILE, exchange_profile, profile_names
from storage import hazard_terms as terms
from storage.db.models import Hazard
from storage.errors import OperationRefused

_BY = click.option("--by", "name", required=True, metavar="NAME")
_JSON = click.option("--json", "as_json", is_flag=True)
_REASON = click.option("--reason", metavar="TEXT")
_RECEIPT = click.option("--receipt", metavar="R")


@click.group("hazard")
def hazard() -> None:
    """The hazard ledger."""


@hazard.command("list")
@click.option("--state", type=click.Choice(terms.STATES))
@click.option("--enterprise", "code", metavar="CODE")
@_JSON
def list_(state: str | None, code: str | None, as_json: bool) -> None:
    """The hazards, the latest first."""
    from bot.reports.hazards import ledger_json, print_ledger
    from handlers.enterprise_names import resolve_enterprise
    from storage.hazards import HazardFilter

    with open_uow(read_only=True) as (_, uow), uow.read() as store:
        enterprise_ids = frozenset({resolve_enterprise(code, store).id}) if code else None
        wanted = HazardFilter(states=(state,) if state else (), enterprise_ids=enterprise_ids)
        ledger = ledger_json(uow.context(store), wanted)
    if as_json:
        click.echo(json.dumps(ledger, ensure_ascii=False))
    else:
        print_ledger(ledger)


@hazard.command()
@click.argument("number")
@_JSON
def show(number: str, as_json: bool) -> None:
    """One hazard and all that happened to it."""
    from bot.reports.hazards import hazards_json, print_hazard
    from handlers.hazards.access import existing_hazard

    with open_uow(read_only=True) as (_, uow), uow.read() as store:
        [shown] = hazards_json(uow.context(store), [existing_hazard(number, store)])
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        print_hazard(shown)


@hazard.command()
@_BY
@click.option("--enterprise", "code", required=True, metavar="CODE")
@click.option("--part", required=True, metavar="N")
@click.option("--matter", required=True, metavar="TEXT")
@click.option("--responsible", metavar="NAME")
@click.option("--measure", metavar="TEXT")
@click.option("--deadline", metavar="DATE")
@click.option("--level", type=click.Choice(terms.LEVELS), default=terms.GENERAL)
@click.option("--criterion", metavar="TEXT")
@click.option("--kind", type=click.Choice(terms.KINDS), default="other")
@click.option("--treatment", type=click.Choice(terms.TREATMENTS), default=terms.BY_DEADLINE)
@_RECEIPT
@_JSON
def add(
    name: str, code: str, part: str, deadline: str | None, receipt: str | None, as_json: bool, **fields: Any
) -> None:
    """Add a hazard; what it lacks can be filled in on its page."""
    from handlers.enterprise_names import resolve_enterprise, resolve_part
    from handlers.hazards.access import film_of_receipt
    from handlers.hazards.adding import HazardDraft, add_hazard

    day = _day(deadline)

    def act(actor: Viewer, ctx: Context) -> Hazard:
        found = resolve_part(resolve_enterprise(code, ctx.store), part, ctx.store)
        film = film_of_receipt(receipt, ctx) if receipt else None
        values = {**fields, "part_id": found.id, "deadline": day}
        return add_hazard(HazardDraft(found.enterprise_id, values, film=film), actor, ctx)

    _perform(name, act, as_json)


@hazard.command()
@click.argument("number")
@click.argument("act", type=click.Choice(["submit", "accept", "return", "void"]))
@_BY
@_REASON
@_RECEIPT
@_JSON
def move(number: str, act: str, name: str, reason: str | None, receipt: str | None, as_json: bool) -> None:
    """Report a hazard as put right, accept it, return it, or declare it void."""
    from handlers.hazards import moving
    from handlers.hazards.access import existing_hazard, film_of_receipt

    def perform(actor: Viewer, ctx: Context) -> Hazard:
        if act == "submit":
            film = film_of_receipt(receipt, ctx) if receipt else None
            moving.submit_hazard(number, film, actor, ctx, reason)
        elif act == "accept":
            moving.accept_hazard(number, actor, ctx, reason)
        else:
            judge = moving.return_hazard if act == "return" else moving.void_hazard
            judge(number, reason, actor, ctx)
        return existing_hazard(number, ctx.store)

    _perform(name, perform, as_json)


@hazard.command()
@click.argument("number")
@click.argument("act", type=click.Choice(["ask", "grant", "refuse"]))
@_BY
@click.option("--until", metavar="DATE")
@_REASON
@click.option("--interim", metavar="TEXT")
@_JSON
def extend(
    number: str, act: str, name: str, until: str | None, reason: str | None, interim: str | None, as_json: bool
) -> None:
    """Ask for a later deadline, grant it, or refuse it."""
    from handlers.hazards import extensions
    from handlers.hazards.access import existing_hazard

    day = _day(until)

    def perform(actor: Viewer, ctx: Context) -> Hazard:
        if act == "ask":
            extensions.ask_extension(number, day, reason, interim, actor, ctx)
        elif act == "grant":
            extensions.grant_extension(number, actor, ctx, reason)
        else:
            extensions.refuse_extension(number, reason, actor, ctx)
        return existing_hazard(number, ctx.store)

    _perform(name, perform, as_json)


@hazard.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True)
@click.pass_context
def import_(context: click.Context, file: Path, dry_run: bool) -> None:
    """Read a sheet of hazards: all of it, or nothing and every refused cell named."""
    from bot.workbooks.hazards.apply import apply_hazards
    from bot.workbooks.hazards.read import read_hazards
    from handlers.hazards.access import command_actor

    with busy(say("progress.import_read")):
        parsed = read_hazards(file)
    with busy(say("progress.import")), open_uow() as (_, uow), uow.transaction() as store:
        actor = command_actor("night-patrol hazard import")
        result = apply_hazards(parsed, actor, uow.context(store), dry_run=dry_run)
    for line in result.text_lines():
        click.echo(line, err=bool(result.refusals))
    outcome = "refused" if result.refusals else "applied" if result.applied else "dry_run"
    click.echo(say(f"import.{outcome}", count=len(result.refusals)), err=bool(result.refusals))
    context.exit(1 if result.refusals else 0)


@hazard.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export(file: Path) -> None:
    """Write the ledger so that importing it changes nothing."""
    from bot.workbooks.hazards.export import export_hazards
    from storage.hazards import HazardFilter

    with open_uow(read_only=True) as (_, uow), uow.read() as store:
        ctx, everything = uow.context(store), HazardFilter()
        total = store.hazards.counts(everything, ctx.today)["total"]
        content = export_hazards(ctx, everything, track(say("progress.export"), total=total))
    file.write_bytes(content)
    click.echo(say("import.file_written", file=str(file)))


@hazard.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--profile", metavar="NAME", default=DEFAULT_PROFILE)
def exchange(file: Path, profile: str) -> None:
    """Write what the national exchange takes as JSON, and name what the other hazards lack."""
    from bot.reports.hazards import exchange_records
    from storage.hazards import HazardFilter

    if profile not in profile_names():
        raise OperationRefused("hazard_exchange.unknown_profile", profile=profile, profiles=profile_names())
    with open_uow(read_only=True) as (_, uow), uow.read() as store:
        ctx = uow.context(store)
        found = exchange_records(ctx, store.hazards.find(HazardFilter(), ctx.today), exchange_profile(profile))
    file.write_text(json.dumps(found.records, ensure_ascii=False, indent=1), encoding="utf-8")
    click.echo(say("hazard_exchange.written", count=len(found.records), lacking=len(found.lacking)))
    for number, names in found.lacking.items():
        click.echo(say("hazard_exchange.lacks", number=number, missing=[_lacking(name) for name in names]))


def _lacking(name: str) -> dict[str, Any]:
    field = name.removesuffix("_too_long")
    text_key = "hazard_exchange.missing" if field == name else "hazard_exchange.too_long"
    return {"say": text_key, "field": {"say": f"hazard_field.{field}"}}


def _perform(name: str, act: Callable[[Viewer, Context], Hazard], as_json: bool) -> None:
    """Act as the person named, and print the hazard as it is then."""
    from bot.reports.hazards import hazards_json, state_words
    from handlers.hazards.access import actor_named

    with open_uow() as (_, uow), uow.transaction() as store:
        ctx = uow.context(store)
        changed = act(actor_named(name, store), ctx)
        store.session.flush()
        [shown] = hazards_json(ctx, [changed])
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        click.echo(say("hazards.done", number=shown["number"], state=state_words(shown)))


def _day(text: str | None) -> date | None:
    return parse_day(text) if text else None
