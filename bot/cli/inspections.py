"""Inspections: listed, shown, and registered by a person of the office, as on the page."""

from __future__ import annotations

import json

import click

from bot.cli.context import open_uow, parse_day
from bot.texts import say
from storage.inspection_terms import INSPECTION_KINDS

_JSON = click.option("--json", "as_json", is_flag=True)


@click.group("inspection")
def inspection() -> None:
    """Inspections."""


@inspection.command("list")
@click.option("--enterprise", "code", metavar="CODE")
@_JSON
def list_(code: str | None, as_json: bool) -> None:
    """The inspections in force, the last registered first."""
    from bot.reports.inspections import inspections_json, print_inspections
    from handlers.enterprise_names import resolve_enterprise
    from storage.inspections import InspectionFilter

    with open_uow(read_only=True) as (_, uow), uow.read() as store:
        enterprise_ids = frozenset({resolve_enterprise(code, store).id}) if code else None
        found = store.inspections.find(InspectionFilter(enterprise_ids=enterprise_ids))
        listed = inspections_json(uow.context(store), found)
    if as_json:
        click.echo(json.dumps({"inspections": listed}, ensure_ascii=False))
    else:
        print_inspections(listed)


@inspection.command()
@click.argument("number")
@_JSON
def show(number: str, as_json: bool) -> None:
    """One inspection with its hazards, documents and cases."""
    from bot.reports.inspections import inspection_json, print_inspection
    from handlers.hazards.access import command_actor
    from handlers.inspections.access import find_inspection

    with open_uow(read_only=True) as (_, uow), uow.read() as store:
        actor = command_actor("night-patrol inspection show")
        shown = inspection_json(uow.context(store), find_inspection(number, actor, store))
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        print_inspection(shown)


@inspection.command()
@click.option("--by", "name", required=True, metavar="NAME")
@click.option("--enterprise", "code", required=True, metavar="CODE")
@click.option("--kind", type=click.Choice(INSPECTION_KINDS), required=True)
@click.option("--date", "day", required=True, metavar="DATE")
@click.option("--inspectors", required=True, metavar="NAMES")
@click.option("--plan", metavar="TEXT")
@click.option("--remarks", metavar="TEXT")
@_JSON
def add(
    name: str, code: str, kind: str, day: str, inspectors: str, plan: str | None, remarks: str | None, as_json: bool
) -> None:
    """Register an inspection."""
    from bot.reports.inspections import inspection_json
    from handlers.enterprise_names import resolve_enterprise
    from handlers.hazards.access import actor_named
    from handlers.inspections.inspecting import InspectionDraft, add_inspection

    draft = InspectionDraft(kind, parse_day(day), inspectors, plan, remarks)
    with open_uow() as (_, uow), uow.transaction() as store:
        ctx, enterprise = uow.context(store), resolve_enterprise(code, store)
        shown = inspection_json(ctx, add_inspection(enterprise.id, draft, actor_named(name, store), ctx))
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        click.echo(say("inspections.added", number=shown["number"]))
