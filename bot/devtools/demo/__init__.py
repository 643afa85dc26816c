"""The demo: a whole night of 75 enterprises in about a minute, played on the stage of a rehearsal.

crews.py     who plays
scenario.py  who sends and presses what, and when
player.py    performs it on the simulated phones
pace.py      how fast the night may run
output.py    what is printed while it runs and at its end
"""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.console import Console

from bot.devtools.demo.crews import read_people
from bot.devtools.demo.output import DemoOutput
from bot.devtools.demo.player import Player
from bot.devtools.demo.scenario import NIGHT, STARTS_AT, build_scenario, night_instant
from bot.devtools.rehearsal.stage import Stage, open_stage
from bot.texts import say
from storage.register_terms import AUDITOR

_MARKER = ".demo"
# A reminder and the morning push are earlier than by default, to shorten the demo.
_RULES = {"催报时间": "03:07、04:37", "推送时间": "07:47"}


def run_demo(folder: Path) -> None:
    """Play the night in `folder`, which is emptied first. Raises OSError, subprocess errors."""
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        raise OSError(say("demo.not_ours", folder=str(folder)))
    shutil.rmtree(folder, ignore_errors=True)
    output = DemoOutput(Console())
    with open_stage(folder) as stage:
        (stage.folder.path / _MARKER).touch()
        _play(stage, output)
    output.print_next_steps(stage)


def _play(stage: Stage, output: DemoOutput) -> None:
    output.print_intro()
    stage.set_up(night_instant(STARTS_AT), AUDITOR, _RULES, dead_link=f"{stage.cloud.url}/no-such-lesson")
    with stage.read() as store:
        people = read_people(store, NIGHT)
    with output.show_progress() as progress:
        scenario = build_scenario(people, on_film_made=progress.update_films)
        stage.start(night_instant(STARTS_AT), speed=1)
        output.print_dashboard_login(stage)
        player = Player(stage, people)
        player.play(scenario, progress.update_night)
    output.print_summary(stage, people, player.pace)
