"""Reminder waves: one message to each work group that names who is still missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from schedules.context import Context
from schedules.judgement import EnterpriseJudgement, NightJudgement
from schedules.night_judgement import judge_night
from schedules.notify import notify_office, notify_people, was_in_service
from schedules.patrol_night import night_instant, night_of, submission_window
from schedules.rules import RuleBook
from storage.db.models import GroupChat, Notice
from storage.notices import NoticeDraft, NoticeForm
from storage.outages import RECEIVING
from storage.register import PATROLLER_ROLE, RESPONSIBLE_ROLES
from storage.store import Store

# Messages received before a wave are worked off first, but not waited for longer than this.
_PATIENCE = timedelta(minutes=10)


def decide_reminder_waves(ctx: Context) -> None:
    """Decide the wave that is due, once; earlier ones that were slept through are not made up for.

    While nothing can be received nobody is called missing: the wave waits until something can.
    """
    night = night_of(ctx.now, ctx.rules)
    if ctx.store.outages.is_down(RECEIVING, ctx.now):
        return
    if not submission_window(night, ctx.rules).opens <= ctx.now <= submission_window(night, ctx.rules).closes:
        return
    due = {wave: night_instant(night, wave, ctx.rules) for wave in ctx.rules.for_night(night).waves}
    due = {wave: instant for wave, instant in due.items() if instant <= ctx.now and was_in_service(ctx.store, instant)}
    open_waves = sorted(due.keys() - _decided(ctx.store, night, due), key=lambda wave: due[wave])
    if not open_waves or (ctx.now < due[open_waves[-1]] + _PATIENCE and _still_to_hear(ctx.store)):
        return
    for slept_through in open_waves[:-1]:
        ctx.store.facts.decide(_key(night, slept_through), ctx.now, "missed")
    _decide(open_waves[-1], due[open_waves[-1]], night, ctx)


def _still_to_hear(store: Store) -> bool:
    return store.inbox.has_unattempted() or store.poll_cursors.has_pending()


def _key(night: date, wave: time) -> str:
    return f"wave/{night}/{wave:%H:%M}"


def _decided(store: Store, night: date, waves: Any) -> set[time]:
    decided = store.facts.decided([_key(night, wave) for wave in waves])
    return {wave for wave in waves if _key(night, wave) in decided}


def _decide(wave: time, due: datetime, night: date, ctx: Context) -> None:
    whole, key = judge_night(ctx, night), _key(night, wave)
    if whole.suggests_outage(ctx.rules.for_night(night).mass_silence_threshold):
        ctx.store.facts.decide(key, ctx.now, "held_back")
        _, oldest = ctx.store.inbox.backlog()
        silent = sum(each.nothing_received for each in whole.enterprises)
        notify_office(
            ctx.store,
            night,
            ctx.now,
            "wave.held_back",
            key,
            wave=f"{wave:%H:%M}",
            without_film=silent,
            expected=_due(whole.enterprises),
            backlog=[] if oldest is None else [{"say": "wave.backlog"}],
        )
        return
    ctx.store.facts.decide(key, ctx.now, f"{len(whole.confirmed_missing)} missing")
    owing, groups = _by_group(whole, ctx.store), ctx.store.register.groups()
    _remind_directly(owing.pop(None, []), wave, ctx.store, night, due, ctx.rules)
    said = [(group, _to_group(group, wave, night, due, ctx.rules)) for group in groups if group.id in owing]
    ctx.store.notices.add_for_groups(said)


def _to_group(group: GroupChat, wave: time, night: date, due: datetime, rules: RuleBook) -> NoticeDraft:
    params = {"wave": f"{wave:%H:%M}", "group": group.id, "offset": 0}
    return _saying("wave.missing", f"{_key(night, wave)}/{group.id}", night, due, params, rules)


def _saying(
    text_key: str, once_key: str, night: date, due: datetime, params: dict[str, Any], rules: RuleBook
) -> NoticeDraft:
    return NoticeDraft(
        kind="reminder",
        text_key=text_key,
        once_key=once_key,
        night=night,
        due_at=due,
        params=params,
        form=NoticeForm.WAVE if text_key == "wave.missing" else NoticeForm.TEXT,
        check_name="reminder",
        expires_at=submission_window(night, rules).closes,
    )


def _due(enterprises: Sequence[EnterpriseJudgement]) -> int:
    return sum(bool(each.enterprise.due_parts) for each in enterprises)


def _by_group(whole: NightJudgement, store: Store) -> dict[int | None, list[EnterpriseJudgement]]:
    """Who owes films, by work group; with a single group, those without one belong to it."""
    groups = store.register.groups()
    only = groups[0].id if len(groups) == 1 else None
    found: dict[int | None, list[EnterpriseJudgement]] = defaultdict(list)
    for each in whole.confirmed_missing:
        found[each.enterprise.group_id or only].append(each)
    return found


def _remind_directly(
    owing: Sequence[EnterpriseJudgement], wave: time, store: Store, night: date, due: datetime, rules: RuleBook
) -> None:
    """An enterprise that is in no group is reminded through its own people."""
    people = store.register.employees(each.enterprise.id for each in owing)
    sayings = []
    for each in owing:
        for person in people.get(each.enterprise.id, ()):
            if PATROLLER_ROLE in person.roles or set(RESPONSIBLE_ROLES) & set(person.roles):
                once_key = f"{_key(night, wave)}/{each.enterprise.code}/{person.id}"
                params = {"wave": f"{wave:%H:%M}", "enterprise": each.enterprise.id}
                sayings.append((person, _saying("wave.direct", once_key, night, due, params, rules)))
    notify_people(sayings, store)


def check_reminder(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """Who is missing at the moment of sending; nobody who has sent in the meantime hears anything."""
    if "enterprise" in notice.params:
        [*owing] = judge_night(ctx, notice.night, notice.params["enterprise"]).confirmed_missing
        row = [_row(each) for each in owing]
        closes = _closes(notice.night, ctx.rules)
        return {**notice.params, "name": row[0], "closes": closes} if row else None
    # Not of all: a province has thousands of groups. With a single one, those without a group belong to it.
    group_id = notice.params["group"] if ctx.store.register.has_several_groups() else None
    group = judge_night(ctx, notice.night, group_id=group_id)
    # Whether it is rather our fault was asked of all at the decision, and since then only more can have come.
    owing = _only_asked(group.confirmed_missing, notice.params)
    if not owing:
        return None
    return {
        **notice.params,
        "night": f"{notice.night:%m-%d}",
        "expected": _due(group.enterprises),
        "outstanding": len(owing),
        "closes": _closes(notice.night, ctx.rules),
        "rows": [_row(each) for each in owing],
        "codes": [each.enterprise.code for each in owing],
        **_mentions(owing, ctx.store),
    }


def _closes(night: date, rules: RuleBook) -> str:
    return f"{submission_window(night, rules).closes.astimezone(rules.zone):%H:%M}"


def _only_asked(owing: list[EnterpriseJudgement], params: dict[str, Any]) -> list[EnterpriseJudgement]:
    """The second message of a long wave names only those for whom the first had no room."""
    asked = set(params.get("only", ()))
    return [each for each in owing if each.enterprise.code in asked] if "only" in params else owing


def _row(each: EnterpriseJudgement) -> Any:
    if len(each.missing_parts) == len(each.enterprise.due_parts):
        return each.enterprise.short_name
    parts = [f"{part.number} {part.name}" for part in each.missing_parts]
    return {"say": "wave.enterprise_parts", "name": each.enterprise.short_name, "parts": parts}


def _mentions(owing: Sequence[EnterpriseJudgement], store: Store) -> dict[str, list[list[str]]]:
    """For each enterprise the accounts and numbers to mention: its patrollers, failing them its heads."""
    people = store.register.employees(each.enterprise.id for each in owing)
    accounts = store.register.accounts((person.id for of_one in people.values() for person in of_one), "wecom")
    users: list[list[str]] = []
    mobiles: list[list[str]] = []
    for each in owing:
        mine = people.get(each.enterprise.id, [])
        to_call = [person for person in mine if PATROLLER_ROLE in person.roles] or mine
        users.append([accounts[person.id] for person in to_call if person.id in accounts])
        mobiles.append([person.mobile for person in to_call if person.id not in accounts and person.mobile])
    return {"users": users, "mobiles": mobiles}
