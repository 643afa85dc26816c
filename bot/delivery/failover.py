"""Which way a notice takes to its person: by another one when its own is shut, and visibly by none when all are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.channels.errors import ChannelError, Departed, NotReachable, WindowShut
from bot.channels.interface import Body
from bot.delivery.resend import in_doubt
from bot.engine import DELIVER, again
from bot.unit_of_work import WorkingStore
from schedules.channel_choice import Way, way_name, ways
from storage.db.models import Notice
from storage.notices import UNDELIVERABLE
from storage.personal_channels import Line, route_to

# What belongs to one message or card on one screen goes there or nowhere.
_FIXED = ("card_update", "welcome")
_NOT_NOW = "not open now"


def may_take(notice: Notice, store: WorkingStore, now: datetime) -> bool:
    """Whether a notice may leave by the way it is on. If not, it has been put on another, or has ended."""
    if notice.person_id is None or notice.form in _FIXED or notice.state != "due" or in_doubt(notice.body):
        return True
    found = _ways(notice, store, now)
    if any(_is_its(way, notice) for way in found):
        return True
    if found:
        _divert(notice, found[0], _NOT_NOW, store, now)
    else:
        store.notices.conclude(notice.id, "failed", now, _end_of(notice, _NOT_NOW))
    return False


def unasked(notice: Notice, store: WorkingStore, now: datetime) -> Body:
    """What the body must say when a notice leaves although its person has not spoken lately."""
    if notice.person_id is None or notice.form in _FIXED:
        return {}
    mine = [way for way in _ways(notice, store, now) if _is_its(way, notice)]
    return {"unasked": True} if mine and mine[0].unasked else {}


def turn(notice: Notice, body: Body, error: ChannelError, store: WorkingStore, now: datetime) -> None:
    """A way has failed: learn from it, and take the next where there is one."""
    if isinstance(error, Departed):
        store.contacts.left(notice.route, now)
    elif isinstance(error, NotReachable):
        store.contacts.refused(notice.route, now, error.detail)
    elif isinstance(error, WindowShut):
        store.contacts.shut(notice.route, now)
    if notice.person_id is None or notice.form in _FIXED:
        return
    went = way_name(notice.channel, notice.address, unasked=bool(body.get("unasked")))
    found = [way for way in _ways(notice, store, now) if way.name != went]
    if found:
        _divert(notice, found[0], error.detail, store, now, went)
    elif isinstance(error, NotReachable | WindowShut):
        store.notices.conclude(notice.id, "failed", now, f"{UNDELIVERABLE}: {error.detail}")


def _ways(notice: Notice, store: WorkingStore, now: datetime) -> list[Way[Line]]:
    tried = {each.get("way") for each in notice.tried or ()} - {None}
    return ways(notice.kind, store.contacts.standings(notice.person_id or 0, store.lines), now, tried)


def _is_its(way: Way[Line], notice: Notice) -> bool:
    return route_to(way.line.channel, way.line.realm, way.account) == notice.route


def _divert(
    notice: Notice, way: Way[Line], why: str, store: WorkingStore, now: datetime, went: str | None = None
) -> None:
    """A way that only was not open is not struck off: it may be open when the others have failed."""
    left: dict[str, Any] = {"channel": notice.channel, "why": why, "at": now.isoformat()}
    tried = [*(notice.tried or ()), left | ({"way": went} if went else {})]
    store.notices.divert(notice.id, way.line, way.account, tried, why)
    route = route_to(way.line.channel, way.line.realm, way.account)
    store.jobs.append(again(DELIVER, notice.id, route, now - now))


def _end_of(notice: Notice, why: str) -> str:
    return f"{UNDELIVERABLE}: {notice.detail or why}"
