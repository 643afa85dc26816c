"""The board as it is drawn: which enterprises, in which order, and the night as a line of time. Reads nothing."""

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

# The worst first, and of two alike the one where more could happen.
_SEVERITY = {"missing": 0, "partial": 1, "unjudged": 2, "late": 3, "on_time": 4, "exempt": 5}
RISK_CSS = {"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue"}
_RANK = {risk: rank for rank, risk in enumerate(RISK_CSS)}
STATE_SYMBOLS = {"on_time": "✓", "late": "迟", "partial": "◐", "missing": "✕", "exempt": "–", "unjudged": "·"}
"""Colour is never the only thing that tells."""

_CHIP = Markup(
    '<li class="part part--{state} dot--{colour}"><b>{number}</b> <span class="part__name">{name}</span>'
    ' <span aria-hidden="true">{sign}</span><span class="sr-only">{label}</span></li>\n'
)
TIMELINE_WIDTH, TIMELINE_HEIGHT, _SLOT = 1000, 48, timedelta(minutes=10)
_LONGEST_WORDS = 40
# Fields that an address calls by another name.
_QUERY_NAMES = {"search_text": "words"}


@dataclass(frozen=True)
class BoardFilter:
    """What somebody wants to see of the board; empty = everything."""

    state: str = ""
    risk: str = ""
    search_text: str = ""
    wall: str = ""

    def query_string(self, **changes: str) -> str:
        """The query of the same choice with something else in it: "?state=missing", or nothing."""
        fields = vars(replace(self, **changes))
        wanted = {_QUERY_NAMES.get(name, name): value for name, value in fields.items() if value}
        return f"?{urlencode(wanted)}" if wanted else ""


def parse_filter(query: Mapping[str, str]) -> BoardFilter:
    """The choice that stands in an address; what makes no sense is left out."""
    state, risk, words = (query.get(name, "") for name in ("state", "risk", "words"))
    known = state if state in STATES else "", risk if risk in RISK_CSS else ""
    return BoardFilter(*known, words.strip()[:_LONGEST_WORDS], "1" if query.get("wall") else "")


def filtered_enterprises(snapshot: NightSnapshot, board_filter: BoardFilter) -> list[EnterpriseJudgement]:
    """The enterprises to show, the worst first."""
    found = [each for each in snapshot.judgement.enterprises if _wanted(each, board_filter)]
    return sorted(found, key=lambda each: (_SEVERITY[each.state], _RANK.get(each.enterprise.risk or "", 9)))


def _wanted(each: EnterpriseJudgement, choice: BoardFilter) -> bool:
    of = each.enterprise
    return (
        choice.state in ("", each.state)
        and choice.risk in ("", of.risk)
        and (
            not choice.search_text
            or any(choice.search_text.casefold() in text.casefold() for text in (of.code, of.name))
        )
    )


@lru_cache(maxsize=4096)
def render_part_chip(number: str, name: str, risk: str | None, state: str, state_label: str) -> Markup:
    """A part as it is drawn. Most counties have thousands of parts and a handful of different ones."""
    colour = RISK_CSS.get(risk or "", "none")
    return _CHIP.format(
        number=number, name=name, colour=colour, state=state, sign=STATE_SYMBOLS[state], label=state_label
    )


@dataclass(frozen=True)
class TimelineRect:
    """Something on the line of time, in units of its width and height."""

    x: float
    width: float
    height: float = TIMELINE_HEIGHT
    label: str = ""


@dataclass(frozen=True)
class Timeline:
    """The night from its opening to the end of 补报: how many films came when, and when we were down."""

    bars: tuple[TimelineRect, ...]
    outages: tuple[TimelineRect, ...]
    late_period: TimelineRect
    now_x: float | None


def build_timeline(snapshot: NightSnapshot) -> Timeline:
    """The night as a line of time."""
    span = snapshot.window
    whole = (span.late_until - span.opens) / TIMELINE_WIDTH

    def at(instant: datetime) -> float:
        return round(min(max((instant - span.opens) / whole, 0), TIMELINE_WIDTH), 1)

    slots = Counter((instant - span.opens) // _SLOT for instant in snapshot.sent_times if span.opens <= instant)
    most, slot = max(slots.values(), default=1), _SLOT / whole
    bars = tuple(
        TimelineRect(
            at(span.opens + number * _SLOT), round(slot * 0.8, 1), round(TIMELINE_HEIGHT * count / most, 1), str(count)
        )
        for number, count in sorted(slots.items())
        if span.opens + number * _SLOT < span.late_until
    )
    down = tuple(
        TimelineRect(at(each.started_at), max(at(each.ended_at) - at(each.started_at), 2), label=each.kind)
        for each in snapshot.outages
    )
    late = TimelineRect(at(span.closes), TIMELINE_WIDTH - at(span.closes))
    return Timeline(bars, down, late, at(snapshot.as_of) if span.opens <= snapshot.as_of <= span.late_until else None)
