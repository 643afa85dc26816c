"""How tonight stands: for a patroller his own enterprise, for the office the county."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handlers.message import Message
from handlers.pairing import MAX_GAP
from handlers.part_names import find_part, strip_enterprise_name
from handlers.permissions import build_viewer
from handlers.replies import add_reply, sender_of
from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.night_snapshot import NightSnapshot, load_night_snapshot
from schedules.notify import notify_sender
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.db.models import Enterprise, Notice
from storage.notices import NoticeDraft
from storage.store import Store

_NAMES_SHOWN = 30
# The worst first.
_RISKS = "红橙黄蓝无"
_SETTLING = timedelta(seconds=5)


def handle_status_query(message: Message, ctx: Context) -> None:
    """Answer 查询 or 今晚: the county to those who watch over it, to everybody else his own."""
    person = ctx.store.register.account_owner(message.realm, message.sender, message.sent_at)
    enterprises = ctx.store.register.enterprises_of(person.id) if person else []
    looking = build_viewer(0, "", person.roles if person else (), ())
    if looking.enterprise_ids is None:
        return _county(message, ctx)
    if not enterprises:
        return add_reply(message, ctx, "status.no_enterprise")
    lines = [line for each in enterprises for line in _own(each.id, ctx)]
    return add_reply(message, ctx, "status.own_enterprises", night=f"{night_of(ctx.now, ctx.rules):%m-%d}", lines=lines)


def _own(enterprise_id: int, ctx: Context) -> list[dict[str, Any]]:
    night = night_of(ctx.now, ctx.rules)
    lines = []
    for each in judge_night(ctx, night, enterprise_id).enterprises:
        missing = [f"{part.number} {part.name}" for part in each.missing_parts]
        due = len(each.enterprise.due_parts)
        rest = {"say": "receipt.parts_missing", "parts": missing} if missing else {"say": "receipt.all_parts_filed"}
        facts = {
            "enterprise": each.enterprise.short_name,
            "done": due - len(missing),
            "total": due,
            "remaining_parts": rest,
        }
        lines.append({"say": "status.enterprise", **facts})
    return lines


def _county(message: Message, ctx: Context) -> None:
    """What the board shows, in one message; of those who owe, the more dangerous first."""
    found = load_night_snapshot(ctx)
    owing = sorted(found.judgement.confirmed_missing, key=lambda each: _RISKS.find(each.enterprise.risk or "无"))
    names = [each.enterprise.short_name for each in owing]
    add_reply(
        message,
        ctx,
        "status.county",
        night=f"{found.night:%m-%d}",
        counts=found.judgement.counts,
        outstanding=len(names),
        names=names[:_NAMES_SHOWN] or [{"say": "status.none"}],
        details=_facts(found, ctx.rules),
    )


def _facts(found: NightSnapshot, rules: RuleBook) -> list[dict[str, Any]]:
    def clock(instant: datetime) -> str:
        return f"{instant.astimezone(rules.zone):%H:%M}"

    leaders = [f"{person.name} {person.mobile or ''}".strip() for person in found.duty["leader"]]
    facts: list[dict[str, Any]] = [{"say": "status.on_duty", "leaders": leaders or [{"say": "status.none"}]}]
    facts += [
        {"say": "status.next", "time": clock(due.at), "event": {"say": f"timetable.{due.event}"}}
        for due in found.upcoming[:1]
    ]
    for outage in found.outages:
        hours = {"began_at": clock(outage.started_at), "ended_at": clock(outage.ended_at)}
        line = {"say": f"outage.{outage.kind}_summary", **hours, "closes": clock(found.window.closes)}
        facts.append({"say": "status.outage", "outage": line})
    if found.unattributed or found.quarantined:
        waiting = {"unattributed": found.unattributed, "quarantined": found.quarantined}
        facts.append({"say": "status.waiting_films", **waiting})
    return facts


def add_unpaired_text_reply(
    message: Message,
    named_enterprise: Enterprise | None,
    enterprises: list[Enterprise],
    ctx: Context,
) -> None:
    """A word that found no film is answered too, unless a film turns up for it in the next moments."""
    if _films_near(message.realm, message.sender, message.sent_at, ctx.store, ctx.rules):
        return
    since = message.sent_at.isoformat()
    params = {"part": _label(message, named_enterprise, enterprises, ctx.store)}
    saying = NoticeDraft(
        kind="system",
        text_key="status.part_noted",
        once_key=f"part-noted/{message.channel}/{message.key}",
        night=night_of(ctx.now, ctx.rules),
        due_at=ctx.now + _SETTLING,
        params={**params, "sender": message.sender, "realm": message.realm, "since": since},
        check_name="part_text",
        expires_at=ctx.now + MAX_GAP,
    )
    notify_sender(message, sender_of(ctx.store, message), saying, ctx.store)


def _label(message: Message, named: Enterprise | None, enterprises: list[Enterprise], store: Store) -> str:
    """What was understood: the part, or only the enterprise, or as much as was said."""
    found = [
        find_part(strip_enterprise_name(message.text, each), store.register.parts_of(each.id)) for each in enterprises
    ]
    labels = [f"{part.number} {part.name}" for part in found if part]
    return labels[0] if len(labels) == 1 else named.short_name if named and not labels else message.text[:20]


def check_unpaired_text(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The word is worth answering only while no film of its sender has gone with it."""
    since = datetime.fromisoformat(notice.params["since"])
    near = _films_near(notice.params["realm"], notice.params["sender"], since, ctx.store, ctx.rules)
    return None if near else notice.params


def _films_near(realm: str, sender: str, instant: datetime, store: Store, rules: RuleBook) -> bool:
    films = store.submissions.of_sender(realm, sender, night_of(instant, rules))
    return any(abs(film.sent_at - instant) <= MAX_GAP for film in films)
