"""What the demo prints: progress while the night runs, and at its end the messages of each kind of person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bot.devtools.demo.processes import DemoProcesses
from bot.devtools.demo.scenario import ENDS_AT, STARTS_AT, ZONE, People, night_instant
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

    def folder_error(self, folder: Path) -> str:
        """Why the demo does not empty this folder: it has no marker file of the demo."""
        return say("demo.not_ours", folder=str(folder))

    def print_intro(self) -> None:
        self._console.print(say("demo.intro"))

    @contextmanager
    def show_progress(self) -> Iterator[_Bars]:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=40), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            yield _Bars(progress)

    def print_dashboard_login(self, processes: DemoProcesses) -> None:
        login, password = processes.login["login"], processes.login["password"]
        self._console.print(say("demo.dashboard", url=processes.url, login=login, password=password), highlight=False)

    def print_summary(self, processes: DemoProcesses, people: People) -> None:
        """The night, the messages people received, where the files are, and what to try next."""
        view = json.loads(processes.run_command("night", processes.night.isoformat(), "--json"))
        self._console.print(Panel(_messages(processes, people), title=say("demo.messages_title"), expand=False))
        print_night(view, self._console)
        self._print_totals(view, processes)
        self._console.print(say("demo.locations", folder=str(processes.folder)))
        self._console.print(
            say("demo.restart_hint", folder=str(processes.folder), clock=processes.now().isoformat(timespec="minutes"))
        )
        self.print_dashboard_login(processes)
        self._console.print(say("demo.next_steps", folder=str(processes.folder), night=processes.night.isoformat()))

    def _print_totals(self, view: dict[str, Any], processes: DemoProcesses) -> None:
        films = [f for each in view["enterprises"] for part in each["parts"] for f in part["submissions"]]
        size = sum(path.stat().st_size for path in (processes.folder / "objects").rglob("*") if path.is_file())
        sent = sum(notice["state"] == "sent" for notice in view["notices"])
        self._console.print(say("demo.totals", films=len(films), megabytes=f"{size / 1e6:.1f}", notices=sent))


def _messages(processes: DemoProcesses, people: People) -> str:
    """The first messages on the phone of one person of each kind."""
    patroller = people.crews[0].patrollers[0]
    sections = [
        (say("demo.patroller"), _texts(processes.phone_messages(patroller))[:_MAX_MESSAGES]),
        (say("demo.stranger"), _texts(processes.phone_messages("stranger"))[:1]),
        (say("demo.group"), _texts(processes.group_messages(people.robot_keys[0]))[:_MAX_MESSAGES]),
        (say("demo.leader"), _texts(processes.phone_messages(people.leader))[:_MAX_MESSAGES]),
        (say("demo.backup"), _texts(processes.phone_messages(people.backup))[:2]),
        (say("demo.staff"), _texts(processes.phone_messages(people.staff[0]))[-3:]),
    ]
    return "\n".join(f"[bold]{title}[/bold]\n" + "\n".join(f"  {text}" for text in texts) for title, texts in sections)


def _texts(messages: list[dict[str, Any]]) -> list[str]:
    """Indented texts without the prefix that marks a rehearsal."""
    prefix = say("rehearsal.prefix")
    return [_text(each).replace(prefix, "").replace("\n", "\n    ").replace("[", "\\[") for each in messages]


def _text(message: dict[str, Any]) -> str:
    if message.get("card"):
        card = message["card"]
        return f"🪧 {card['title']}  [{' '.join(card['buttons'].values())}] {card['replaced'] or ''}"
    if message["msgtype"] == "news":
        article = message["articles"][0]
        return f"{article['title']} {article['url']}"
    return message["text"] or f"📎 {message['msgtype']}"
