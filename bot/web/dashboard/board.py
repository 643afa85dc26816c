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
from schedules.night_snapshot import Tonight

# The worst first, and of two alike the one where more could happen.
_SEVERITY = {"missing": 0, "partial": 1, "unjudged": 2, "late": 3, "on_time": 4, "exempt": 5}
RISKS = {"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue"}
_RANK = {risk: rank for rank, risk in enumerate(RISKS)}
SIGNS = {"on_time": "✓", "late": "迟", "partial": "◐", "missing": "✕", "exempt": "–", "unjudged": "·"}
"""Colour is never the only thing that tells."""

_CHIP = Markup(
    '<li class="part part--{state} dot--{colour}"><b>{number}</b> <span class="part__name">{name}</span>'
    ' <span aria-hidden="true">{sign}</span><span class="sr">{label}</span></li>\n'
)
WIDTH, HEIGHT, _SLOT = 1000, 48, timedelta(minutes=10)
_LONGEST_WORDS = 40


@dataclass(frozen=True)
class Choice:
    """What somebody wants to see of the board; empty = everything."""

    state: str = ""
    risk: str = ""
    words: str = ""
    wall: str = ""

    def but(self, **other: str) -> str:
        """The query of the same choice with something else in it: "?state=missing", or nothing."""
        wanted = {name: value for name, value in vars(replace(self, **other)).items() if value}
        return f"?{urlencode(wanted)}" if wanted else ""


def chosen(asked: Mapping[str, str]) -> Choice:
    """The choice that stands in an address; what makes no sense is left out."""
    state, risk, words = (asked.get(name, "") for name in ("state", "risk", "words"))
    known = state if state in STATES else "", risk if risk in RISKS else ""
    return Choice(*known, words.strip()[:_LONGEST_WORDS], "1" if asked.get("wall") else "")


def shown(night: Tonight, choice: Choice) -> list[EnterpriseJudgement]:
    """The enterprises to show, the worst first."""
    found = [each for each in night.judgement.enterprises if _wanted(each, choice)]
    return sorted(found, key=lambda each: (_SEVERITY[each.state], _RANK.get(each.enterprise.risk or "", 9)))


def _wanted(each: EnterpriseJudgement, choice: Choice) -> bool:
    of = each.enterprise
    return (
        choice.state in ("", each.state)
        and choice.risk in ("", of.risk)
        and (not choice.words or any(choice.words.casefold() in text.casefold() for text in (of.code, of.name)))
    )


@lru_cache(maxsize=4096)
def chip(number: str, name: str, risk: str | None, state: str, label: str) -> Markup:
    """A part as it is drawn. Most counties have thousands of parts and a handful of different ones."""
    colour = RISKS.get(risk or "", "none")
    return _CHIP.format(number=number, name=name, colour=colour, state=state, sign=SIGNS[state], label=label)


@dataclass(frozen=True)
class Stroke:
    """Something on the line of time, in units of its width and height."""

    x: float
    width: float
    height: float = HEIGHT
    label: str = ""


@dataclass(frozen=True)
class Line:
    """The night from its opening to the end of 补报: how many films came when, and when we were down."""

    bars: tuple[Stroke, ...]
    down: tuple[Stroke, ...]
    late: Stroke
    now: float | None


def line(night: Tonight) -> Line:
    """The night as a line of time."""
    span = night.window
    whole = (span.late_until - span.opens) / WIDTH

    def at(instant: datetime) -> float:
        return round(min(max((instant - span.opens) / whole, 0), WIDTH), 1)

    slots = Counter((instant - span.opens) // _SLOT for instant in night.sent if span.opens <= instant)
    most, slot = max(slots.values(), default=1), _SLOT / whole
    bars = tuple(
        Stroke(at(span.opens + number * _SLOT), round(slot * 0.8, 1), round(HEIGHT * count / most, 1), str(count))
        for number, count in sorted(slots.items())
        if span.opens + number * _SLOT < span.late_until
    )
    down = tuple(
        Stroke(at(each.began_at), max(at(each.ended_at) - at(each.began_at), 2), label=each.what)
        for each in night.outages
    )
    late = Stroke(at(span.closes), WIDTH - at(span.closes))
    return Line(bars, down, late, at(night.at) if span.opens <= night.at <= span.late_until else None)
