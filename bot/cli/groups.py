"""A group whose commands are imported when they are run: the help needs their texts only.

The commands speak Chinese, whatever the locale: the sentences of the bot exist in Chinese only. The help of commands
and options is in the texts as `command.…` and `option.…`. The messages of click itself come from
locale/zh_CN/LC_MESSAGES/messages.mo, compiled from the .po file beside it with `msgfmt` or `pybabel compile`.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from keyword import iskeyword
from pathlib import Path

import click

from bot.texts import all_texts

_FOLDER = Path(__file__).with_name("locale")


class CommandGroup(click.Group):
    """`modules` gives for the name of each command its module within bot.cli."""

    def __init__(self, text_key: str, modules: Mapping[str, str]) -> None:
        os.environ["LANGUAGE"] = "zh_CN"
        gettext.bindtextdomain("messages", str(_FOLDER))
        settings = {"help_option_names": ["-h", "--help"]}
        super().__init__(help=all_texts()[f"command.{text_key}"], context_settings=settings)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # For an unknown name click looks for similar ones among the commands that are loaded.
        for name in [cmd_name] if cmd_name in self._modules else self._modules:
            self._load(name)
        return super().get_command(ctx, cmd_name)

    def _load(self, name: str) -> None:
        if name not in self.commands:
            module = import_module(f"bot.cli.{self._modules[name]}")
            command: click.Command = getattr(module, f"{name}_" if iskeyword(name) else name)
            for key, each in with_subcommands(name, command):
                _translate(key, each)
            self.add_command(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        texts = all_texts()
        with formatter.section(gettext.gettext("Commands")):
            formatter.write_dl([(name, texts[f"command.{name}"]) for name in self.list_commands(ctx)])


def with_subcommands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and those below it, each under its key in the texts: `user add` is user_add."""
    key = name.replace("-", "_")
    yield key, command
    if isinstance(command, click.Group):
        for below, each in command.commands.items():
            yield from with_subcommands(f"{key}_{below}", each)


def _translate(key: str, command: click.Command) -> None:
    texts = all_texts()
    command.help = texts.get(f"command.{key}", command.help)
    for option in command.params:
        if isinstance(option, click.Option):
            keys = (f"option.{key}_{option.name}", f"option.{option.name}")
            option.help = next((texts[each] for each in keys if each in texts), option.help)
