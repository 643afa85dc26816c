"""Passwords for people who sign in without WeCom: on the first day, and in counties without a domain."""

from __future__ import annotations

import json
import sys

import click

from bot.cli.context import open_uow
from bot.cli.register import ROLE_NAMES
from bot.texts import say
from storage.register_terms import ADMIN


@click.group("user")
def user() -> None:
    """People who sign in to the dashboard by a password."""


@user.command()
@click.argument("name")
@click.option("--role", default=ADMIN, show_default=True, help="As of `invite`; several with 、")
@click.option("--enterprise", metavar="CODE", help="The enterprise's code; without it the supervising office.")
@click.option("--totp", is_flag=True, help="Ask for a code of an authenticator app as well.")
@click.option("--json", "as_json", is_flag=True)
def add(name: str, role: str, enterprise: str | None, totp: bool, as_json: bool) -> None:
    """Let a person sign in with a password: prompted for, read from stdin, or generated when stdin is empty."""
    from bot.passwords import generate_totp_secret, hash_password, totp_uri
    from handlers.users import add_user

    roles = [ROLE_NAMES.get(piece.strip(), piece.strip()) for piece in role.replace(",", "、").split("、")]
    password, is_generated = _read_password()
    secret = generate_totp_secret() if totp else None
    with open_uow(migrate=True) as (_, uow), uow.transaction() as store:
        credential = add_user(name, roles, enterprise, hash_password(password), secret, store, uow.clock.now())
    address = totp_uri(secret, credential.login) if secret else None
    if as_json:
        answer = {
            "login": credential.login,
            "name": name,
            "roles": roles,
            "password": password if is_generated else None,
        }
        click.echo(json.dumps({**answer, "totp_secret": secret, "totp_address": address}, ensure_ascii=False))
        return
    click.echo(say("user.added", name=name, login=credential.login, roles=roles))
    if is_generated:
        click.echo(say("user.password", password=password))
    if secret:
        click.echo(say("user.totp", secret=secret, address=address))


@user.command()
@click.argument("login")
def password(login: str) -> None:
    """Set a new password and end the sessions of that person."""
    from bot.passwords import hash_password
    from handlers.users import change_password

    new_password, is_generated = _read_password()
    with open_uow() as (_, uow), uow.transaction() as store:
        change_password(login, hash_password(new_password), store, uow.clock.now())
    click.echo(say("user.changed", login=login))
    if is_generated:
        click.echo(say("user.password", password=new_password))


@user.command()
@click.argument("login")
def remove(login: str) -> None:
    """Delete a password; the person stays in the register."""
    from handlers.users import remove_user

    with open_uow() as (_, uow), uow.transaction() as store:
        remove_user(login, store, uow.clock.now())
    click.echo(say("user.removed", login=login))


@user.command("list")
def list_() -> None:
    """Who may sign in by a password."""
    with open_uow() as (_, uow), uow.read() as store:
        credentials = store.sign_ins.credentials()
    for credential, person in credentials:
        second = say("user.second_factor") if credential.totp_secret else ""
        click.echo(say("user.line", login=credential.login, name=person.name, roles=person.roles, second_factor=second))
    if not credentials:
        click.echo(say("user.nobody"))


def _read_password() -> tuple[str, bool]:
    """A password, and whether it was generated. Raises click.ClickException."""
    from bot.passwords import MIN_PASSWORD_LENGTH, generate_password

    if sys.stdin.isatty():
        given = click.prompt(say("sign_in.password"), hide_input=True, confirmation_prompt=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        return generate_password(), True
    if len(given) < MIN_PASSWORD_LENGTH:
        raise click.ClickException(say("user.too_short", min_length=MIN_PASSWORD_LENGTH))
    return given, False
