"""What the demo prints: progress while the night runs, and at its end what each kind of person heard."""

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

_SHOWN = 6


class _Bars:
    """Two bars: the films being made, and the night going by."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._making = progress.add_task(say("demo.making_films"), total=1)
        total = (night_instant(ENDS_AT) - night_instant(STARTS_AT)).total_seconds()
        self._night = progress.add_task(say("demo.night", time="23:50"), total=total)

    def made(self, done: int, total: int) -> None:
        """So many crews' films are ready."""
        self._progress.update(self._making, completed=done, total=total)

    def reached(self, now: datetime) -> None:
        """The night has come so far."""
        words = say("demo.night", time=f"{now.astimezone(ZONE):%H:%M}")
        self._progress.update(
            self._night, completed=(now - night_instant(STARTS_AT)).total_seconds(), description=words
        )


class DemoOutput:
    """Speaks to whoever started the demo."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def folder_error(self, folder: Path) -> str:
        """Why the demo will not empty a folder that is not its own."""
        return say("demo.not_ours", folder=str(folder))

    def print_intro(self) -> None:
        """What is about to happen."""
        self._console.print(say("demo.intro"))

    @contextmanager
    def show_progress(self) -> Iterator[_Bars]:
        """Bars that show how far it is."""
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=40), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            yield _Bars(progress)

    def print_dashboard_login(self, processes: DemoProcesses) -> None:
        """Where the night can be watched, and by which password."""
        login, password = processes.login["login"], processes.login["password"]
        self._console.print(say("demo.dashboard", url=processes.url, login=login, password=password), highlight=False)

    def print_summary(self, processes: DemoProcesses, people: People) -> None:
        """The board, what people heard, where things lie, and how to go on."""
        view = json.loads(processes.run_command("night", processes.night.isoformat(), "--json"))
        self._console.print(Panel(_heard(processes, people), title=say("demo.messages_title"), expand=False))
        print_night(view, self._console)
        self._numbers(view, processes)
        self._console.print(say("demo.locations", folder=str(processes.folder)))
        self._console.print(
            say("demo.restart_hint", folder=str(processes.folder), clock=processes.now().isoformat(timespec="minutes"))
        )
        self.print_dashboard_login(processes)
        self._console.print(say("demo.next_steps", folder=str(processes.folder), night=processes.night.isoformat()))

    def _numbers(self, view: dict[str, Any], stage: DemoProcesses) -> None:
        films = [f for each in view["enterprises"] for part in each["parts"] for f in part["submissions"]]
        size = sum(path.stat().st_size for path in (stage.folder / "objects").rglob("*") if path.is_file())
        sent = sum(notice["state"] == "sent" for notice in view["notices"])
        self._console.print(say("demo.totals", films=len(films), megabytes=f"{size / 1e6:.1f}", notices=sent))


def _heard(stage: DemoProcesses, people: People) -> str:
    """A few words of each kind of person's night, as they stood on the phone."""
    patroller = people.crews[0].patrollers[0]
    sections = [
        (say("demo.patroller"), _texts(stage.phone_messages(patroller))[:_SHOWN]),
        (say("demo.stranger"), _texts(stage.phone_messages("stranger"))[:1]),
        (say("demo.group"), _texts(stage.group_messages(people.robot_keys[0]))[:_SHOWN]),
        (say("demo.leader"), _texts(stage.phone_messages(people.leader))[:_SHOWN]),
        (say("demo.backup"), _texts(stage.phone_messages(people.backup))[:2]),
        (say("demo.staff"), _texts(stage.phone_messages(people.staff[0]))[-3:]),
    ]
    return "\n".join(f"[bold]{title}[/bold]\n" + "\n".join(f"  {text}" for text in texts) for title, texts in sections)


def _texts(heard: list[dict[str, Any]]) -> list[str]:
    """Each message on its own lines, without the word that says it is a rehearsal."""
    prefix = say("rehearsal.prefix")
    return [_one(each).replace(prefix, "").replace("\n", "\n    ").replace("[", "\\[") for each in heard]


def _one(heard: dict[str, Any]) -> str:
    if heard.get("card"):
        card = heard["card"]
        return f"🪧 {card['title']}  [{' '.join(card['buttons'].values())}] {card['replaced'] or ''}"
    if heard["msgtype"] == "news":
        article = heard["articles"][0]
        return f"{article['title']} {article['url']}"
    return heard["text"] or f"📎 {heard['msgtype']}"
