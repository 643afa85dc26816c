"""Reminder waves: one message to each work group that names the enterprises still missing films."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from schedules.context import Context
from schedules.judgement import EnterpriseJudgement, NightJudgement
from schedules.night_judgement import judge_night
from schedules.notify import notify_office, notify_people, was_in_service
from schedules.patrol_night import night_instant, submission_window
from storage.db.models import Notice
from storage.notices import NoticeDraft, NoticeForm
from storage.outages import RECEIVING
from storage.register_terms import ENTERPRISE_ROLES, PATROLLER
from storage.store import Store

# How long a wave waits for messages that were received but not handled yet.
_WAIT_FOR_INBOX = timedelta(minutes=10)
# The stored decision about a wave that was due while this service was down.
SKIPPED_WAVE = "missed"


def wave_key(night: date, wave: time) -> str:
    """The once-key under which a wave is decided."""
    return f"wave/{night}/{wave:%H:%M}"


def decide_reminder_waves(ctx: Context) -> None:
    """Decide the wave that is due, once; earlier ones missed during downtime are skipped.

    While nothing can be received no enterprise is called missing: the wave waits.
    """
    window = submission_window(ctx.night, ctx.rules)
    if ctx.store.outages.is_down(RECEIVING, ctx.now) or not window.opens <= ctx.now <= window.closes:
        return
    due = _undecided_waves(ctx)
    if not due:
        return
    *missed, wave = sorted(due, key=due.__getitem__)
    if ctx.now < due[wave] + _WAIT_FOR_INBOX and _has_unhandled_messages(ctx.store):
        return
    for each in missed:
        ctx.store.facts.decide(wave_key(ctx.night, each), ctx.now, SKIPPED_WAVE)
    _decide(wave, due[wave], ctx)


def _undecided_waves(ctx: Context) -> dict[time, datetime]:
    """The waves of tonight that are due by now and not decided, with their instants."""
    instants = {wave: night_instant(ctx.night, wave, ctx.rules) for wave in ctx.rules.for_night(ctx.night).waves}
    due = {wave: at for wave, at in instants.items() if at <= ctx.now and was_in_service(ctx.store, at)}
    decided = ctx.store.facts.decided([wave_key(ctx.night, wave) for wave in due])
    return {wave: at for wave, at in due.items() if wave_key(ctx.night, wave) not in decided}


def _has_unhandled_messages(store: Store) -> bool:
    return store.inbox.has_unattempted() or store.poll_cursors.has_pending()


def _decide(wave: time, due: datetime, ctx: Context) -> None:
    judgement, key = judge_night(ctx, ctx.night), wave_key(ctx.night, wave)
    if judgement.suggests_outage(ctx.rules.for_night(ctx.night).mass_silence_threshold):
        ctx.store.facts.decide(key, ctx.now, "held_back")
        _report_held_wave(wave, judgement, ctx)
        return
    ctx.store.facts.decide(key, ctx.now, f"{len(judgement.confirmed_missing)} missing")
    missing = _missing_by_group(judgement, ctx.store)
    _remind_directly(missing.pop(None, []), wave, due, ctx)
    drafts = []
    for group in ctx.store.register.groups():
        if group.id in missing:
            params = {"wave": f"{wave:%H:%M}", "group": group.id, "offset": 0}
            drafts.append((group, _draft("wave.missing", f"{key}/{group.id}", due, params, ctx)))
    ctx.store.notices.add_for_groups(drafts)


def _report_held_wave(wave: time, judgement: NightJudgement, ctx: Context) -> None:
    """Tell the office that a wave was held back, because so many are silent that an outage is more likely."""
    _, oldest_in_inbox = ctx.store.inbox.backlog()
    notify_office(
        ctx,
        ctx.night,
        "wave.held_back",
        wave_key(ctx.night, wave),
        wave=f"{wave:%H:%M}",
        without_film=sum(each.nothing_received for each in judgement.enterprises),
        expected=judgement.due_count,
        backlog=[] if oldest_in_inbox is None else [{"say": "wave.backlog"}],
    )


def _draft(text_key: str, once_key: str, due: datetime, params: dict[str, Any], ctx: Context) -> NoticeDraft:
    return NoticeDraft(
        kind="reminder",
        text_key=text_key,
        once_key=once_key,
        night=ctx.night,
        due_at=due,
        params=params,
        form=NoticeForm.WAVE if text_key == "wave.missing" else NoticeForm.TEXT,
        check_name="reminder",
        expires_at=submission_window(ctx.night, ctx.rules).closes,
    )


def _missing_by_group(judgement: NightJudgement, store: Store) -> dict[int | None, list[EnterpriseJudgement]]:
    """By group id; with a single group, the enterprises without one belong to it."""
    groups = store.register.groups()
    default_id = groups[0].id if len(groups) == 1 else None
    missing: dict[int | None, list[EnterpriseJudgement]] = defaultdict(list)
    for each in judgement.confirmed_missing:
        missing[each.enterprise.group_id or default_id].append(each)
    return missing


def _remind_directly(missing: Sequence[EnterpriseJudgement], wave: time, due: datetime, ctx: Context) -> None:
    """Remind the people of enterprises that belong to no group."""
    employees = ctx.store.register.employees(each.enterprise.id for each in missing)
    drafts = []
    for each in missing:
        for person in employees.get(each.enterprise.id, ()):
            if person.has_role(*ENTERPRISE_ROLES):
                once_key = f"{wave_key(ctx.night, wave)}/{each.enterprise.code}/{person.id}"
                params = {"wave": f"{wave:%H:%M}", "enterprise": each.enterprise.id}
                drafts.append((person, _draft("wave.direct", once_key, due, params, ctx)))
    notify_people(drafts, ctx.store)


def check_reminder(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The enterprises that miss films at the moment of sending; None when there are none any more."""
    closes = ctx.rules.clock_time(submission_window(notice.night, ctx.rules).closes)
    if "enterprise" in notice.params:
        missing = judge_night(ctx, notice.night, notice.params["enterprise"]).confirmed_missing
        return {**notice.params, "name": _row(missing[0]), "closes": closes} if missing else None
    # Judge only the group: a province has thousands. With a single group, enterprises without one belong to it.
    group_id = notice.params["group"] if ctx.store.register.has_several_groups() else None
    judgement = judge_night(ctx, notice.night, group_id=group_id)
    # Mass silence was checked at the decision; since then films can only have been added.
    missing = _only_listed(judgement.confirmed_missing, notice.params)
    if not missing:
        return None
    return {
        **notice.params,
        "night": f"{notice.night:%m-%d}",
        "expected": judgement.due_count,
        "outstanding": len(missing),
        "closes": closes,
        "rows": [_row(each) for each in missing],
        "codes": [each.enterprise.code for each in missing],
        **_mentions(missing, ctx.store),
    }


def _only_listed(missing: list[EnterpriseJudgement], params: dict[str, Any]) -> list[EnterpriseJudgement]:
    """The second message of a long wave names only the enterprises for which the first had no room."""
    return [each for each in missing if each.enterprise.code in params["only"]] if "only" in params else missing


def _row(each: EnterpriseJudgement) -> Any:
    if len(each.missing_parts) == len(each.enterprise.due_parts):
        return each.enterprise.short_name
    parts = [part.label for part in each.missing_parts]
    return {"say": "wave.enterprise_parts", "name": each.enterprise.short_name, "parts": parts}


def _mentions(missing: Sequence[EnterpriseJudgement], store: Store) -> dict[str, list[list[str]]]:
    """For each enterprise the WeCom accounts and mobile numbers to mention: its patrollers, else all its people."""
    employees = store.register.employees(each.enterprise.id for each in missing)
    accounts = store.register.accounts((person.id for people in employees.values() for person in people), "wecom")
    users: list[list[str]] = []
    mobiles: list[list[str]] = []
    for each in missing:
        people = employees.get(each.enterprise.id, [])
        mentioned = [person for person in people if person.has_role(PATROLLER)] or people
        users.append([accounts[person.id] for person in mentioned if person.id in accounts])
        mobiles.append([person.mobile for person in mentioned if person.id not in accounts and person.mobile])
    return {"users": users, "mobiles": mobiles}
