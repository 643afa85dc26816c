"""The commands. Each exits 0, or 1 with one clear line on stderr; click answers wrong usage with 2."""

from __future__ import annotations

import os
import sys
import traceback

import click

from bot.cli import maintenance, register, reports, serve, users
from bot.cli.language import speak_chinese
from bot.config import SettingsError
from bot.texts import os_error_text, say
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
    serve.rehearse,
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
    """Run a command. Errors that an operator can cause are printed as one line, without a traceback."""
    # Files with films, phone numbers and keys are readable by our own user only.
    os.umask(0o077)
    speak_chinese(cli)
    try:
        # `context.exit(1)` of a command returns its status here.
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
    except Exception:  # noqa: BLE001 - a bug: one line for the operator, then the traceback
        click.echo(say("cli_error.internal"), err=True)
        traceback.print_exc()
        sys.exit(1)


def error_text(error: Exception) -> str:
    """The line that is shown for an error."""
    if isinstance(error, OperationRefused):
        return say(error.text_key, **error.params)
    if isinstance(error, SchemaMismatch):
        return say("schema.mismatch", found=error.found or say("schema.none"), expected=error.expected)
    if isinstance(error, DatabaseUnavailable):
        return say("cli_error.database", error=str(error))
    if isinstance(error, ObjectError):
        return say("cli_error.object_store", error=str(error))
    return os_error_text(error) if isinstance(error, OSError) else str(error)
