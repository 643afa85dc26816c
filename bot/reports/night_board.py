"""The night's board on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from bot.texts import say

_COLOURS = {
    "on_time": "green",
    "late": "yellow",
    "partial": "dark_orange",
    "missing": "bold red",
    "exempt": "dim",
    "unjudged": "cyan",
}


def print_night(night: dict[str, Any], console: Console | None = None) -> None:
    """Show a night (the contract's JSON form): the counts, and a line for each enterprise."""
    console = console or Console()
    counts = "  ".join(
        f"[{_COLOURS.get(name, 'bold')}]{say(f'board.{name}')} {number}[/]" for name, number in night["counts"].items()
    )
    console.print(say("board.title", night=night["night"]), counts)
    for outage in night["outages"]:
        hours = {name: outage[name][11:16] for name in ("began_at", "ended_at")}
        closes = f"{night['window'][1]:.16}".replace("T", " ")
        console.print(say(f"outage.{outage['what']}_summary", closes=closes, **hours), style="on grey23")
    table = Table(box=None, pad_edge=False)
    for heading in ("board.code", "board.enterprise", "board.state", "board.parts"):
        table.add_column(say(heading), no_wrap=heading != "board.parts")
    for each in night["enterprises"]:
        parts = "  ".join(f"[{_COLOURS[part['state']]}]{part['number']}[/]" for part in each["parts"])
        state = f"[{_COLOURS[each['state']]}]{say('board.' + each['state'])}[/]"
        table.add_row(each["code"], each["name"], state, parts)
    console.print(table)
    for name, notices in _astray(night["notices"]).items():
        if notices:
            told = [f"{each['to']}（{say('channel.' + each['channel'])}）" for each in notices]
            console.print(say(f"board.{name}", names=told))
    for place in ("unattributed", "quarantined"):
        if night[place]:
            receipts = [film["receipt"] for film in night[place]]
            console.print(say(f"board.{place}", receipts=receipts))


def _astray(notices: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What people have not heard at all, and what they heard by another way than was meant."""
    return {
        "undelivered": [each for each in notices if each["state"] in ("failed", "unknown")],
        "failed_over": [each for each in notices if each["state"] == "sent" and each["tried"]],
    }
