"""The demo: a whole night of 75 enterprises in about a minute, played with the real commands.

processes.py  starts the simulator and the service, as a user would
scenario.py   who sends and presses what, and when
output.py     what is printed while it runs and at its end
"""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.console import Console

from bot.devtools.demo.output import DemoOutput
from bot.devtools.demo.processes import DemoProcesses
from bot.devtools.demo.scenario import NIGHT, build_scenario


def run_demo(folder: Path) -> None:
    """Play the night in `folder`, which is emptied first. Raises OSError, subprocess errors."""
    console = Console()
    output = DemoOutput(console)
    if folder.exists() and not (folder / ".demo").exists():
        raise OSError(output.folder_error(folder))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".demo").touch()
    with DemoProcesses(folder, NIGHT) as processes:
        output.print_intro()
        people = processes.set_up()
        with output.show_progress() as progress:
            scenario = build_scenario(people, on_film_made=progress.update_films)
            processes.start_service()
            output.print_dashboard_login(processes)
            processes.run_scenario(scenario, progress.update_night)
        output.print_summary(processes, people)
