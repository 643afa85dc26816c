"""A living night to take part in: `night-patrol rehearse`. The demo plays its night on the same stage.

folder.py    what is kept in the folder from one run to the next
accounts.py  phones for the people of the register
service.py   the service as a process
stage.py     the simulated cloud and the service on one clock
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import webbrowser
from datetime import date, datetime, time, timedelta
from pathlib import Path

from rich.console import Console

from bot.clock import sleep
from bot.devtools.rehearsal.service import program
from bot.devtools.rehearsal.stage import Stage, open_stage
from bot.texts import say
from storage.register_terms import ADMIN

# Time to look around before the first reminder and the opening of the window.
_BEGINS_AT = time(23, 45)
_DAY = timedelta(days=1)


def run_rehearsal(folder: Path, night: date | None, speed: float, *, opens_pages: bool) -> None:
    """Run until interrupted. Raises OSError, OperationRefused."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with open_stage(folder) as stage:
            _print(say("rehearsal.starting"))
            _start(stage, night, speed)
            _show_addresses(stage, opens_pages=opens_pages)
            while not stage.service_has_ended:
                sleep(0.2)
            raise OSError(say("rehearsal.service_ended", log=str(stage.folder.path / "serve.log")))
    except KeyboardInterrupt:
        command = f"{program()} rehearse --folder {shlex.quote(str(folder.resolve()))}"
        _print("\n" + say("rehearsal.ended", command=command))


def _start(stage: Stage, night: date | None, speed: float) -> None:
    """Begin on the evening before the night, or go on within it."""
    reached = stage.reached()
    coming = stage.clock.now().astimezone(stage.zone).date() + _DAY
    evening = datetime.combine((night or coming) - _DAY, _BEGINS_AT, stage.zone)
    goes_on = reached is not None and (night is None or evening <= reached < evening + _DAY)
    stage.set_up(reached or evening, ADMIN)
    stage.start(None if goes_on else evening, speed)


def _show_addresses(stage: Stage, *, opens_pages: bool) -> None:
    phones, dashboard, login = stage.cloud.url, stage.url, stage.login
    now = stage.clock.now().astimezone(stage.zone)
    _print(say("rehearsal.clock", now=f"{now:%Y-%m-%d %H:%M}", speed=f"{stage.clock.speed:g}"))
    _print(say("rehearsal.addresses", phones=phones, dashboard=dashboard, login=login.name, password=login.password))
    _print(say("rehearsal.first_steps"))
    if opens_pages and _has_display():
        for url in (dashboard, phones):
            webbrowser.open(url)


def _has_display() -> bool:
    """Without one webbrowser would open a browser in the terminal."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _print(text: str) -> None:
    """Without line breaks of our own, which would tear commands and addresses apart."""
    Console().print(text, soft_wrap=True, markup=False, highlight=False)
