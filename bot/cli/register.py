"""Commands for the register, invitations, and the attribution of films."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.bootstrap import build_object_store
from bot.cli.context import open_uow
from bot.cli.progress import busy
from bot.config import Config
from bot.texts import say
from bot.unit_of_work import UnitOfWork
from schedules.context import Context
from storage.db.models import Person
from storage.register_terms import ROLES
from storage.store import Store

ROLE_NAMES = dict(zip(("patroller", "head", "safety", "leader", "staff", "auditor", "admin"), ROLES, strict=True))


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would happen and change nothing.")
@click.pass_context
def import_(context: click.Context, file: Path, dry_run: bool) -> None:
    """Read the register workbook: all of it, or nothing and every refused cell named."""
    from bot.workbooks.register.apply import apply_register
    from bot.workbooks.register.parse import parse_register
    from handlers.bindings import complete_register_change

    with busy(say("progress.import_read")):
        parsed = parse_register(file)
    with busy(say("progress.import")), open_uow(migrate=True) as (config, uow), uow.transaction() as store:
        now = uow.clock.now()
        outcome = apply_register(parsed, store, build_object_store(config), now, dry_run=dry_run)
        ctx = Context(store, uow.rules(store), now)
        released = complete_register_change(outcome.new_bindings, ctx) if outcome.applied else 0
    for line in outcome.text_lines():
        click.echo(line, err=bool(outcome.refusals))
    if released:
        click.echo(say("import.strangers_identified", count=released))
    result = "refused" if outcome.refusals else "applied" if outcome.applied else "dry_run"
    click.echo(say(f"import.{result}", count=len(outcome.refusals)), err=bool(outcome.refusals))
    context.exit(1 if outcome.refusals else 0)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--template", is_flag=True, help="An empty workbook with explanations; needs no database.")
def export(file: Path, template: bool) -> None:
    """Write the register workbook so that importing it changes nothing."""
    if template:
        from bot.workbooks.register.template import build_template
        from bot.workbooks.styles import workbook_bytes

        file.write_bytes(workbook_bytes(build_template()))
        click.echo(say("import.file_written", file=str(file)))
        return
    from bot.workbooks.register.export import export_register

    with busy(say("progress.export")), open_uow() as (config, uow), uow.read() as store:
        warnings = export_register(store, build_object_store(config), file)
    for warning in warnings:
        click.echo(warning, err=True)
    click.echo(say("import.file_written", file=str(file)))


@click.command()
@click.argument("name")
@click.option("--role", required=True, help=f"{'/'.join(ROLES)}, several with 、")
@click.option("--enterprise", metavar="CODE", help="The enterprise's code; without it the supervising office.")
@click.option("--upload", is_flag=True, help="A link to the upload page besides, for who has no WeChat at hand.")
@click.option("--json", "as_json", is_flag=True)
def invite(name: str, role: str, enterprise: str | None, upload: bool, as_json: bool) -> None:
    """Make a one-time binding code for a person."""
    from handlers.enrolment import invite as make
    from handlers.enrolment import register_person

    roles = [ROLE_NAMES.get(piece.strip(), piece.strip()) for piece in role.replace(",", "、").split("、")]
    with open_uow(migrate=True) as (config, uow):
        with uow.transaction() as store:
            invitation = make(name, roles, enterprise, store, uow.clock.now(), may_appoint=True)
            expires = invitation.expires_at.astimezone(config.TIMEZONE)
            link = _upload_link(register_person(name, roles, enterprise, store), config, uow, store) if upload else None
            employer = store.register.enterprise(invitation.enterprise_id or 0)
        kf_link = _kf_link(config, uow, invitation.code)
    links = {which: url for which, url in (("upload_url", link), ("kf_url", kf_link)) if url}
    if as_json:
        answer = {
            "code": invitation.code,
            "name": name,
            "roles": roles,
            "enterprise": employer and employer.code,
            **links,
        }
        click.echo(json.dumps({**answer, "expires_at": expires.isoformat()}, ensure_ascii=False))
        return
    click.echo(say("enrolment.invited", name=name, code=invitation.code, expires=f"{expires:%m-%d %H:%M}"))
    for which, url in links.items():
        click.echo(say({"upload_url": "upload.invitation", "kf_url": "enrolment.kf_link"}[which], url=url))


def _upload_link(person: Person, config: Config, uow: UnitOfWork, store: Store) -> str:
    from bot.signed_links import SignedLinks
    from handlers.upload_links import create_upload_link

    made = create_upload_link(person, uow.context(store))
    return SignedLinks(config.public_url, config.SECRET_KEY.get_secret_value()).upload_url(made.link_id)


def _kf_link(config: Config, uow: UnitOfWork, code: str) -> str | None:
    """None if the platform cannot be reached; the code is valid without the link."""
    from bot.channels.errors import ChannelError
    from bot.channels.wecom_kf import invitation_url

    try:
        return invitation_url(config, uow.clock, uow.transaction, code)
    except ChannelError as error:
        click.echo(say("enrolment.no_kf_link", error=error.detail), err=True)
        return None


@click.command()
@click.argument("receipt")
@click.option("--enterprise", "code", required=True, metavar="CODE")
@click.option("--part", required=True, metavar="N")
def attach(receipt: str, code: str, part: str) -> None:
    """Put a quarantined or unattributed film where it belongs, on record."""
    from handlers.unplaced_films import attach_film

    with open_uow() as (_, uow), uow.transaction() as store:
        film = attach_film(receipt, code, part, uow.context(store), "night-patrol attach")
        enterprise, found = store.register.enterprise(film.enterprise_id or 0), store.register.part(film.part_id or 0)
        assert enterprise is not None
        assert found is not None
        label = f"{found.number} {found.name}"
        click.echo(say("attach.done", receipt=receipt, enterprise=enterprise.short_name, part=label))
