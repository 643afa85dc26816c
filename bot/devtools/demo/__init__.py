"""The demo: a whole night of 75 enterprises in about a minute, played with the real commands.

stage.py    starts the pretend cloud and the service, as a user would
plan.py     who films, says and presses what, and when
show.py     what is printed while it runs and at its end
"""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.console import Console

from bot.devtools.demo.output import DemoOutput
from bot.devtools.demo.processes import DemoProcesses
from bot.devtools.demo.scenario import NIGHT, build_scenario


def run_demo(folder: Path) -> None:
    """Play the night in a folder of its own, which is emptied first. Raises OSError, subprocess errors."""
    console = Console()
    show = DemoOutput(console)
    if folder.exists() and not (folder / ".demo").exists():
        raise OSError(show.folder_error(folder))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".demo").touch()
    with DemoProcesses(folder, NIGHT) as stage:
        show.print_intro()
        people = stage.set_up()
        with show.show_progress() as progress:
            plan = build_scenario(people, on_film_made=progress.made)
            stage.start_service()
            show.print_dashboard_login(stage)
            stage.run_scenario(plan, progress.reached)
        show.print_summary(stage, people)
