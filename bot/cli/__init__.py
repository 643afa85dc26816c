"""The commands. Each exits 0, or 1 with one clear line on stderr; click answers wrong usage with 2."""

from __future__ import annotations

import os
import sys
import traceback

import click

from bot.cli.groups import CommandGroup
from bot.texts import say

# The module of each command.
COMMANDS = {
    "serve": "serve",
    "web": "serve",
    "worker": "serve",
    "migrate": "serve",
    "simulator": "serve",
    "demo": "serve",
    "rehearse": "serve",
    "import": "register",
    "export": "register",
    "invite": "register",
    "attach": "register",
    "user": "users",
    "hazard": "hazards",
    "inspection": "inspections",
    "night": "reports",
    "report": "reports",
    "doctor": "reports",
    "verify": "maintenance",
    "trail": "maintenance",
    "backup": "maintenance",
    "restore": "maintenance",
}

cli = CommandGroup("night_patrol", COMMANDS)


def main() -> None:
    """Run a command. Errors that an operator can cause are printed as one line, without a traceback."""
    # Files with films, phone numbers and keys are readable by our own user only.
    os.umask(0o077)
    try:
        # `context.exit(1)` of a command returns its status here.
        status = cli.main(standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - what is not an operator's error is a bug, and shown with its traceback
        _report(error)
        sys.exit(1)


def _report(error: Exception) -> None:
    from bot.cli.errors import error_text

    line = error_text(error)
    click.echo(say("cli_error.internal") if line is None else line, err=True)
    if line is None:
        traceback.print_exc()
