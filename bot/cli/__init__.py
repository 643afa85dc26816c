"""The commands. Each exits 0, or 1 with one clear line on stderr; click answers wrong usage with 2."""

from __future__ import annotations

import os
import sys
import traceback

import click

from bot.cli import maintenance, register, reports, serve, users
from bot.config import SettingsError
from bot.texts import say
from storage.errors import DatabaseUnavailable, OperationRefused, SchemaMismatch
from storage.objects import ObjectError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Night patrol: takes in the patrol films of chemical plants over WeCom, reminds, alerts, reports."""


for command in (
    serve.serve,
    serve.web,
    serve.worker,
    serve.migrate,
    serve.simulator,
    serve.demo,
    register.import_,
    register.export,
    register.invite,
    register.attach,
    users.user,
    reports.night,
    reports.report,
    reports.doctor,
    maintenance.verify,
    maintenance.trail,
    maintenance.backup,
    maintenance.restore,
):
    cli.add_command(command)


def main() -> None:
    """Run a command; whatever a person can cause ends as one line, never as a traceback."""
    # Films, numbers and keys: what we write is for the user we run as, and for nobody else.
    os.umask(0o077)
    try:
        # A command that has done its work and found something wrong gives 1 back here.
        status = cli.main(standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (OperationRefused, SchemaMismatch, DatabaseUnavailable, ObjectError, SettingsError, OSError) as error:
        click.echo(error_text(error), err=True)
        sys.exit(1)
    except Exception:  # noqa: BLE001 - a mistake of ours: the operator gets a line, the detail goes below it
        click.echo(say("cli_error.internal"), err=True)
        traceback.print_exc()
        sys.exit(1)


def error_text(error: Exception) -> str:
    """What a person reads of an error."""
    if isinstance(error, OperationRefused):
        return say(error.text_key, **error.params)
    if isinstance(error, SchemaMismatch):
        return say("schema.mismatch", found=error.found or say("schema.none"), expected=error.expected)
    if isinstance(error, DatabaseUnavailable):
        return say("cli_error.database", error=str(error))
    if isinstance(error, ObjectError):
        return say("cli_error.object_store", error=str(error))
    return str(error)
