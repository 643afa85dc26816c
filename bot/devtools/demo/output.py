"""What the demo prints: progress while the night runs, and at its end the messages of each kind of person."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bot.devtools.demo.crews import People
from bot.devtools.demo.pace import FULL_SPEED, Pace
from bot.devtools.demo.scenario import ENDS_AT, NIGHT, STARTS_AT, ZONE, night_instant
from bot.devtools.rehearsal.service import program, run_command
from bot.devtools.rehearsal.stage import Stage
from bot.devtools.simulator import Cloud, GroupMessage, PhoneMessage
from bot.reports.night import print_night
from bot.texts import say

_MAX_MESSAGES = 6


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._films = progress.add_task(say("demo.making_films"), total=1)
        total = (night_instant(ENDS_AT) - night_instant(STARTS_AT)).total_seconds()
        self._night = progress.add_task(say("demo.night", time="23:50"), total=total)

    def update_films(self, done: int, total: int) -> None:
        """The films of `done` of `total` crews are ready."""
        self._progress.update(self._films, completed=done, total=total)

    def update_night(self, now: datetime) -> None:
        description = say("demo.night", time=f"{now.astimezone(ZONE):%H:%M}")
        self._progress.update(
            self._night, completed=(now - night_instant(STARTS_AT)).total_seconds(), description=description
        )


class DemoOutput:
    def __init__(self, console: Console) -> None:
        self._console = console

    def print_intro(self) -> None:
        self._console.print(say("demo.intro"))

    @contextmanager
    def show_progress(self) -> Iterator[_Bars]:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=40), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            yield _Bars(progress)

    def print_dashboard_login(self, stage: Stage) -> None:
        self._print_line(say("demo.dashboard", url=stage.url, login=stage.login.name, password=stage.login.password))

    def print_summary(self, stage: Stage, people: People, pace: Pace) -> None:
        """The night, the messages people received, and where the files are."""
        view = json.loads(run_command(stage.folder.path, "night", NIGHT.isoformat(), "--json"))
        self._console.print(Panel(_messages(stage.cloud, people), title=say("demo.messages_title"), expand=False))
        print_night(view, self._console)
        self._print_totals(view, stage.folder.path)
        if pace.slowest < FULL_SPEED:
            self._print_line(say("demo.slowed", speed=f"{pace.slowest:g}", full=f"{FULL_SPEED:g}"))

    def print_next_steps(self, stage: Stage) -> None:
        """What to try next, as lines to paste into a shell; after the end of the service, whose clock then stands."""
        folder, night = shlex.quote(str(stage.folder.path)), NIGHT.isoformat()
        self._print_line(say("demo.locations", folder=stage.folder.path))
        self._print_line(say("demo.login", login=stage.login.name, password=stage.login.password))
        # Up to a minute later than reached: an earlier instant would be refused.
        clock = (stage.clock.now() + timedelta(minutes=1)).astimezone(stage.zone)
        start, instant = program(), clock.isoformat(timespec="minutes")
        lines = {
            "demo.resume": f"{start} rehearse --folder {folder}",
            "demo.dashboard_again": f"cd {folder} && {start} serve --clock {instant} --speed 1",
            "demo.night_again": f"cd {folder} && {start} night {night}",
            "demo.daily_report": f"cd {folder} && {start} report daily {night} --xlsx 日报.xlsx",
        }
        for title, line in lines.items():
            self._print_line(f"{say(title)}\n  {line}")
        self._print_line(say("demo.real_use"))

    def _print_line(self, text: str) -> None:
        """Without line breaks of our own, which would tear commands apart."""
        self._console.print(text, soft_wrap=True, markup=False, highlight=False)

    def _print_totals(self, view: dict[str, Any], folder: Path) -> None:
        films = [f for each in view["enterprises"] for part in each["parts"] for f in part["submissions"]]
        size = sum(path.stat().st_size for path in (folder / "objects").rglob("*") if path.is_file())
        sent = sum(notice["state"] == "sent" for notice in view["notices"])
        self._print_line(say("demo.totals", films=len(films), megabytes=f"{size / 1e6:.1f}", notices=sent))


def _messages(cloud: Cloud, people: People) -> str:
    """The first messages on the phone of one person of each kind."""
    patroller, group = people.crews[0].patrollers[0], cloud.group(people.robot_keys[0])
    sections = [
        (say("demo.patroller"), _texts(cloud.phone(patroller).received)[:_MAX_MESSAGES]),
        (say("demo.stranger"), _texts(cloud.phone("stranger").received)[:1]),
        (say("demo.group"), _texts(group.received)[:_MAX_MESSAGES]),
        (say("demo.leader"), _texts(cloud.phone(people.leader).received)[:_MAX_MESSAGES]),
        (say("demo.backup"), _texts(cloud.phone(people.backup).received)[:2]),
        (say("demo.staff"), _texts(cloud.phone(people.staff[0]).received)[-3:]),
    ]
    return "\n".join(f"[bold]{title}[/bold]\n" + "\n".join(f"  {text}" for text in texts) for title, texts in sections)


def _texts(messages: Sequence[PhoneMessage | GroupMessage]) -> list[str]:
    """Indented texts without the prefix that marks a rehearsal."""
    prefix = say("rehearsal.prefix")
    return [escape(_text(each).replace(prefix, "").replace("\n", "\n    ")) for each in messages]


def _text(message: PhoneMessage | GroupMessage) -> str:
    card = message.card
    if card is not None:
        return f"🪧 {card.title}  [{' '.join(card.buttons.values())}] {card.replacement_text or ''}"
    if isinstance(message, GroupMessage) and message.articles:
        return f"{message.articles[0]['title']} {message.articles[0]['url']}"
    return message.text or f"📎 {message.msgtype}"
