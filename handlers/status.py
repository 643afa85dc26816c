"""The status of tonight on request: for a patroller his own enterprises, for the office the county."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handlers.message import Message
from handlers.pairing import MAX_GAP
from handlers.part_names import find_part, strip_enterprise_name
from handlers.permissions import build_viewer
from handlers.replies import add_reply, sender_and_enterprises, sender_of
from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.night_snapshot import NightSnapshot, load_night_snapshot
from schedules.notify import notify_sender
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.db.models import Enterprise, Notice
from storage.notices import NoticeDraft
from storage.store import Store

_MAX_NAMES = 30
_RISKS_BY_SEVERITY = "红橙黄蓝无"
# A film that belongs to a text often arrives within seconds of it.
_WAIT_FOR_FILM = timedelta(seconds=5)


def handle_status_query(message: Message, ctx: Context) -> None:
    """Answer 查询 or 今晚."""
    person, enterprises = sender_and_enterprises(message, ctx)
    viewer = build_viewer(0, "", person.roles if person else (), ())
    if viewer.enterprise_ids is None:
        return _reply_county(message, ctx)
    if not enterprises:
        return add_reply(message, ctx, "status.no_enterprise")
    lines = [line for enterprise in enterprises for line in _enterprise_lines(enterprise.id, ctx)]
    return add_reply(message, ctx, "status.own_enterprises", night=f"{ctx.night:%m-%d}", lines=lines)


def _enterprise_lines(enterprise_id: int, ctx: Context) -> list[dict[str, Any]]:
    lines = []
    for each in judge_night(ctx, ctx.night, enterprise_id).enterprises:
        missing = [part.label for part in each.missing_parts]
        total = len(each.enterprise.due_parts)
        rest = {"say": "receipt.parts_missing", "parts": missing} if missing else {"say": "receipt.all_parts_filed"}
        params = {
            "enterprise": each.enterprise.short_name,
            "done": total - len(missing),
            "total": total,
            "remaining_parts": rest,
        }
        lines.append({"say": "status.enterprise", **params})
    return lines


def _reply_county(message: Message, ctx: Context) -> None:
    """The content of the board in one message; enterprises that miss films are listed by risk."""
    snapshot = load_night_snapshot(ctx)
    missing = sorted(
        snapshot.judgement.confirmed_missing, key=lambda each: _RISKS_BY_SEVERITY.find(each.enterprise.risk or "无")
    )
    names = [each.enterprise.short_name for each in missing]
    add_reply(
        message,
        ctx,
        "status.county",
        night=f"{snapshot.night:%m-%d}",
        counts=snapshot.judgement.counts,
        outstanding=len(names),
        names=names[:_MAX_NAMES] or [{"say": "status.none"}],
        details=_facts(snapshot, ctx.rules),
    )


def _facts(snapshot: NightSnapshot, rules: RuleBook) -> list[dict[str, Any]]:
    leaders = [f"{person.name} {person.mobile or ''}".strip() for person in snapshot.duty["leader"]]
    facts: list[dict[str, Any]] = [{"say": "status.on_duty", "leaders": leaders or [{"say": "status.none"}]}]
    for entry in snapshot.upcoming[:1]:
        event = {"say": f"timetable.{entry.event}"}
        facts.append({"say": "status.next", "time": rules.clock_time(entry.at), "event": event})
    for outage in snapshot.outages:
        line = {
            "say": f"outage.{outage.kind}_summary",
            "began_at": rules.clock_time(outage.started_at),
            "ended_at": rules.clock_time(outage.ended_at),
            "closes": rules.clock_time(snapshot.window.closes),
        }
        facts.append({"say": "status.outage", "outage": line})
    if snapshot.unattributed or snapshot.quarantined:
        counts = {"unattributed": snapshot.unattributed, "quarantined": snapshot.quarantined}
        facts.append({"say": "status.waiting_films", **counts})
    return facts


def add_unpaired_text_reply(
    message: Message, named_enterprise: Enterprise | None, enterprises: list[Enterprise], ctx: Context
) -> None:
    """Confirm a text that was not paired with a film, unless a film for it arrives in the next seconds."""
    if _has_film_near(message.realm, message.sender, message.sent_at, ctx):
        return
    params = {
        "part": _label(message, named_enterprise, enterprises, ctx.store),
        "sender": message.sender,
        "realm": message.realm,
        "since": message.sent_at.isoformat(),
    }
    draft = NoticeDraft(
        kind="system",
        text_key="status.part_noted",
        once_key=f"part-noted/{message.channel}/{message.key}",
        night=ctx.night,
        due_at=ctx.now + _WAIT_FOR_FILM,
        params=params,
        check_name="part_text",
        expires_at=ctx.now + MAX_GAP,
    )
    notify_sender(message, sender_of(message, ctx), draft, ctx.store)


def _label(message: Message, named: Enterprise | None, enterprises: list[Enterprise], store: Store) -> str:
    """How the text was understood: the part, else the enterprise, else the beginning of the text."""
    parts = [
        find_part(strip_enterprise_name(message.text, each), store.register.parts_of(each.id)) for each in enterprises
    ]
    labels = [part.label for part in parts if part]
    if len(labels) == 1:
        return labels[0]
    return named.short_name if named and not labels else message.text[:20]


def check_unpaired_text(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The notice's parameters while no film of the sender has arrived near the text."""
    sent_at = datetime.fromisoformat(notice.params["since"])
    return None if _has_film_near(notice.params["realm"], notice.params["sender"], sent_at, ctx) else notice.params


def _has_film_near(realm: str, sender: str, instant: datetime, ctx: Context) -> bool:
    films = ctx.store.submissions.of_sender(realm, sender, night_of(instant, ctx.rules))
    return any(abs(film.sent_at - instant) <= MAX_GAP for film in films)
