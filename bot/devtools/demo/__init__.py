"""The demo: a whole night of 75 enterprises in about a minute, played with the real commands.

stage.py    starts the pretend cloud and the service, as a user would
plan.py     who films, says and presses what, and when
show.py     what is printed while it runs and at its end
"""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.console import Console

from bot.devtools.demo.output import Show
from bot.devtools.demo.processes import Stage
from bot.devtools.demo.scenario import NIGHT, night_plan


def play(folder: Path) -> None:
    """Play the night in a folder of its own, which is emptied first. Raises OSError, subprocess errors."""
    console = Console()
    show = Show(console)
    if folder.exists() and not (folder / ".demo").exists():
        raise OSError(show.refuse(folder))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".demo").touch()
    with Stage(folder, NIGHT) as stage:
        show.preparing()
        people = stage.prepare()
        with show.progress() as progress:
            plan = night_plan(people, made=progress.made)
            stage.open()
            show.dashboard(stage)
            stage.perform(plan, progress.reached)
        show.ending(stage, people)
