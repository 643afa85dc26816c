"""The board as it is shown: which enterprises in which order, and the timeline of the night. Reads no data itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlencode

from markupsafe import Markup

from schedules.judgement import STATES, EnterpriseJudgement
from schedules.night_snapshot import NightSnapshot

# The worst first; enterprises in the same state by risk.
_SEVERITY = {"missing": 0, "partial": 1, "unjudged": 2, "late": 3, "on_time": 4, "exempt": 5}
RISK_CSS = {"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue"}
_RISK_RANK = {risk: rank for rank, risk in enumerate(RISK_CSS)}
STATE_SYMBOLS = {"on_time": "✓", "late": "迟", "partial": "◐", "missing": "✕", "exempt": "–", "unjudged": "·"}
"""Shown besides the colour, for people who cannot tell the colours apart."""

_PART_CHIP = Markup(
    '<li class="part part--{state} dot--{colour}"><b>{number}</b> <span class="part__name">{name}</span>'
    ' <span aria-hidden="true">{sign}</span><span class="sr-only">{label}</span></li>\n'
)
TIMELINE_WIDTH, TIMELINE_HEIGHT, _SLOT = 1000, 48, timedelta(minutes=10)
_MAX_SEARCH_LENGTH = 40
PAGE_SIZE = 120
"""How many enterprises are drawn at first; the end of the list asks for twice as many."""
_MAX_LIMIT = PAGE_SIZE * 2**12
# Fields whose query parameter has another name.
_QUERY_NAMES = {"search_text": "words"}


@dataclass(frozen=True)
class BoardFilter:
    """What of the board is shown; an empty field does not filter. `wall` is "1" for the wall display, which shows all.

    At most `limit` enterprises are drawn, the worst first.
    """

    state: str = ""
    risk: str = ""
    search_text: str = ""
    wall: str = ""
    limit: int = PAGE_SIZE

    def query_string(self, **changes: str | int) -> str:
        """The query string of this filter with some fields changed, such as "?state=missing"; may be empty."""
        fields = vars(replace(self, **changes))  # type: ignore[arg-type]
        query = {_QUERY_NAMES.get(name, name): value for name, value in fields.items() if value not in ("", PAGE_SIZE)}
        return f"?{urlencode(query)}" if query else ""


def parse_filter(query: Mapping[str, str]) -> BoardFilter:
    """The filter in a query; unknown values are ignored."""
    state, risk, search_text = (query.get(name, "") for name in ("state", "risk", "words"))
    known = state if state in STATES else "", risk if risk in RISK_CSS else ""
    wall = "1" if query.get("wall") else ""
    return BoardFilter(*known, search_text.strip()[:_MAX_SEARCH_LENGTH], wall, _parse_limit(query.get("limit", "")))


def _parse_limit(text: str) -> int:
    """One of the sizes that the page asks for, so that few different boards are rendered."""
    wanted, limit = int(text) if text.isdecimal() and len(text) < 8 else PAGE_SIZE, PAGE_SIZE
    while limit < min(wanted, _MAX_LIMIT):
        limit *= 2
    return limit


def filtered_enterprises(snapshot: NightSnapshot, board_filter: BoardFilter) -> list[EnterpriseJudgement]:
    """The enterprises to show, the worst first."""
    shown = [each for each in snapshot.judgement.enterprises if _matches(each, board_filter)]
    return sorted(shown, key=lambda each: (_SEVERITY[each.state], _RISK_RANK.get(each.enterprise.risk or "", 9)))


def _matches(judgement: EnterpriseJudgement, board_filter: BoardFilter) -> bool:
    enterprise, search_text = judgement.enterprise, board_filter.search_text.casefold()
    return (
        board_filter.state in ("", judgement.state)
        and board_filter.risk in ("", enterprise.risk)
        and any(search_text in text.casefold() for text in (enterprise.code, enterprise.name, enterprise.short_name))
    )


@lru_cache(maxsize=4096)
def render_part_chip(number: str, name: str, risk: str | None, state: str, state_label: str) -> Markup:
    """One part of a tile as HTML. Cached: a county has thousands of parts but few different chips."""
    colour = RISK_CSS.get(risk or "", "none")
    return _PART_CHIP.format(
        number=number, name=name, colour=colour, state=state, sign=STATE_SYMBOLS[state], label=state_label
    )


@dataclass(frozen=True)
class TimelineRect:
    """A rectangle of the timeline, in units of TIMELINE_WIDTH and TIMELINE_HEIGHT."""

    x: float
    width: float
    height: float = TIMELINE_HEIGHT
    label: str = ""


@dataclass(frozen=True)
class Timeline:
    """The night from the opening of its window to the end of 补报: films per ten minutes, and outages."""

    bars: tuple[TimelineRect, ...]
    outages: tuple[TimelineRect, ...]
    late_period: TimelineRect
    now_x: float | None


def build_timeline(snapshot: NightSnapshot) -> Timeline:
    window, as_of = snapshot.window, snapshot.as_of
    unit = (window.late_until - window.opens) / TIMELINE_WIDTH

    def x(instant: datetime) -> float:
        return round(min(max((instant - window.opens) / unit, 0), TIMELINE_WIDTH), 1)

    films = Counter((instant - window.opens) // _SLOT for instant in snapshot.sent_times if window.opens <= instant)
    most, width = max(films.values(), default=1), round(_SLOT / unit * 0.8, 1)
    bars = tuple(
        TimelineRect(x(window.opens + slot * _SLOT), width, round(TIMELINE_HEIGHT * count / most, 1), str(count))
        for slot, count in sorted(films.items())
        if window.opens + slot * _SLOT < window.late_until
    )
    outages = tuple(
        TimelineRect(x(each.started_at), max(x(each.ended_at) - x(each.started_at), 2), label=each.kind)
        for each in snapshot.outages
    )
    late_period = TimelineRect(x(window.closes), TIMELINE_WIDTH - x(window.closes))
    return Timeline(bars, outages, late_period, x(as_of) if window.opens <= as_of <= window.late_until else None)
