"""One patrol night as JSON values (`night --json`) and as a table on a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from bot.texts import recipient_label, say
from schedules.alerts.ladder import place_on_ladder
from schedules.context import Context
from schedules.judgement import EnterpriseJudgement
from schedules.night_judgement import judge_night
from schedules.patrol_night import submission_window
from storage.db.models import Alert, AlertEntry, Notice, Outage, Submission

if TYPE_CHECKING:
    from rich.console import Console

_COLOURS = {
    "on_time": "green",
    "late": "yellow",
    "partial": "dark_orange",
    "missing": "bold red",
    "exempt": "dim",
    "unjudged": "cyan",
}


def night_json(ctx: Context, night: date) -> dict[str, Any]:
    """Everything about a night as JSON values; instants are in the zone of the rules."""
    return _NightView(ctx).to_json(night)


class _NightView:
    def __init__(self, ctx: Context) -> None:
        self._ctx, self._store = ctx, ctx.store
        self._verdicts: dict[int, str] = {}

    def to_json(self, night: date) -> dict[str, Any]:
        judgement, window = judge_night(self._ctx, night), submission_window(night, self._ctx.rules)
        films = self._store.submissions.of_night(night)
        verdicts = self._store.review.verdicts_at(night, self._ctx.now)
        self._verdicts = {verdict.submission_id: verdict.verdict for verdict in verdicts}
        by_part: dict[int, list[Submission]] = defaultdict(list)
        for film in films:
            if film.attribution == "attributed" and film.part_id is not None:
                by_part[film.part_id].append(film)
        return {
            "night": night.isoformat(),
            "window": [self._instant(window.opens), self._instant(window.closes)],
            "outages": [self._outage(outage) for outage in self._store.outages.within(window.opens, window.closes)],
            "counts": judgement.counts,
            "enterprises": [self._enterprise(each, by_part) for each in judgement.enterprises],
            "unattributed": self._of_attribution(films, "unattributed"),
            "quarantined": self._of_attribution(films, "quarantined"),
            "alerts": [self._alert(alert) for alert in self._store.alerts.of_night(night)],
            "notices": [self._notice(notice) for notice in self._store.notices.of_night(night)],
        }

    def _outage(self, outage: Outage) -> dict[str, Any]:
        return {
            "what": outage.kind,
            "began_at": self._instant(outage.started_at),
            "ended_at": self._instant(outage.ended_at),
        }

    def _alert(self, alert: Alert) -> dict[str, Any]:
        register = self._store.register
        names = [register.person(each) if each else None for each in (alert.acknowledged_by, alert.resolved_by)]
        acknowledged_by, resolved_by = (person.name if person else None for person in names)
        enterprise = register.enterprise(alert.enterprise_id) if alert.enterprise_id else None
        return {
            "id": alert.id,
            "cause": alert.cause,
            "enterprise": enterprise.code if enterprise else None,
            "opened_at": self._instant(alert.opened_at),
            "acknowledged_at": alert.acknowledged_at and self._instant(alert.acknowledged_at),
            "acknowledged_by": acknowledged_by,
            "resolved_at": alert.resolved_at and self._instant(alert.resolved_at),
            "resolved_by": resolved_by,
            "outcome": alert.outcome,
            "rung": place_on_ladder(alert.rung),
            "entries": [self._entry(entry) for entry in self._store.alerts.entries(alert.id)],
        }

    def _entry(self, entry: AlertEntry) -> dict[str, Any]:
        return {"at": self._instant(entry.at), "name": entry.name, "kind": entry.kind, "text": entry.text}

    def _enterprise(self, each: EnterpriseJudgement, by_part: dict[int, list[Submission]]) -> dict[str, Any]:
        parts = [
            {
                "number": part.number,
                "name": part.name,
                "state": each.part_states[part.id],
                "submissions": [self._submission(film) for film in by_part[part.id]],
            }
            for part in each.enterprise.parts
        ]
        return {"code": each.enterprise.code, "name": each.enterprise.name, "state": each.state, "parts": parts}

    def _of_attribution(self, films: Sequence[Submission], attribution: str) -> list[dict[str, Any]]:
        return [
            {**self._submission(film), "channel": film.channel, "candidates": self._candidates(film)}
            for film in films
            if film.attribution == attribution
        ]

    def _candidates(self, film: Submission) -> list[str]:
        """Codes of the enterprises that the film may belong to; empty when the sender is unknown."""
        if film.enterprise_id is not None:
            enterprise = self._store.register.enterprise(film.enterprise_id)
            return [enterprise.code] if enterprise else []
        if film.person_id is None:
            return []
        return [enterprise.code for enterprise in self._store.register.enterprises_of(film.person_id)]

    def _submission(self, film: Submission) -> dict[str, Any]:
        return {
            "receipt": film.receipt,
            "sender": film.sender,
            "kind": film.kind,
            "chat": film.chat_id,
            "sent_at": self._instant(film.sent_at),
            "received_at": self._instant(film.received_at),
            "state": film.state,
            "sha256": film.sha256,
            "bytes": film.bytes,
            "duration_s": film.duration_s,
            "object_key": film.object_key,
            "marks": film.marks,
            "verdict": self._verdicts.get(film.id),
        }

    def _notice(self, notice: Notice) -> dict[str, Any]:
        return {
            "kind": notice.kind,
            "to": recipient_label(notice.recipient_name),
            "channel": notice.channel,
            "due_at": self._instant(notice.due_at),
            "sent_at": self._instant(notice.sent_at) if notice.sent_at else None,
            "state": notice.state,
            "detail": notice.detail,
            "tried": [
                {name: each.get(name) for name in ("channel", "why", "at")} for each in notice.tried_routes or ()
            ],
        }

    def _instant(self, instant: datetime) -> str:
        return instant.astimezone(self._ctx.rules.zone).isoformat()


def print_night(night: dict[str, Any], console: Console | None = None) -> None:
    """Print a night as returned by `night_json`: the counts, one line per enterprise, delivery problems."""
    from rich.console import Console
    from rich.table import Table

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
    for name, notices in _delivery_problems(night["notices"]).items():
        if notices:
            recipients = [f"{each['to']}（{say('channel.' + each['channel'])}）" for each in notices]
            console.print(say(f"board.{name}", names=recipients))
    for attribution in ("unattributed", "quarantined"):
        if night[attribution]:
            receipts = [film["receipt"] for film in night[attribution]]
            console.print(say(f"board.{attribution}", receipts=receipts))


def _delivery_problems(notices: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {
        "undelivered": [each for each in notices if each["state"] in ("failed", "unknown")],
        "failed_over": [each for each in notices if each["state"] == "sent" and each["tried"]],
    }
