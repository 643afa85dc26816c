"""The commands speak Chinese, whatever the locale: the sentences of the bot exist in Chinese only.

The help of commands and options is in the texts as `command.…` and `option.…`. The messages of click itself come from
locale/zh_CN/LC_MESSAGES/messages.mo, compiled from the .po file beside it with `msgfmt` or `pybabel compile`.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator
from pathlib import Path

import click

from bot.texts import all_texts

_FOLDER = Path(__file__).with_name("locale")


def speak_chinese(group: click.Group) -> None:
    """Translate a group of commands, and click's own words."""
    os.environ["LANGUAGE"] = "zh_CN"
    gettext.bindtextdomain("messages", str(_FOLDER))
    texts = all_texts()
    group.help = texts["command.night_patrol"]
    for name, command in commands(group):
        command.help = texts.get(f"command.{name}", command.help)
        for option in command.params:
            if isinstance(option, click.Option):
                keys = (f"option.{name}_{option.name}", f"option.{option.name}")
                option.help = next((texts[key] for key in keys if key in texts), option.help)


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command under its key in the texts: `user add` is user_add."""
    for name, command in group.commands.items():
        key = f"{prefix}{name.replace('-', '_')}"
        yield key, command
        if isinstance(command, click.Group):
            yield from commands(command, f"{key}_")
