"""Who films, says and presses what in the night of the demo, and when. The same every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.devtools.simulator.films import make_film

NIGHT = date(2026, 11, 24)
ZONE = ZoneInfo("Asia/Shanghai")
STARTS_AT, ENDS_AT = "-23:50", "07:55"
_FORGETFUL, _PARTIAL, _LATE = 4, 2, 1
ProgressCallback = Callable[[int, int], None]


@dataclass(frozen=True)
class EnterpriseCrew:
    """One enterprise as the demo plays it: its patrollers' accounts and the numbers of its parts."""

    code: str
    short_name: str
    patrollers: Sequence[str]
    parts: Sequence[str]
    production_stopped: bool


@dataclass(frozen=True)
class People:
    """Everybody who has a phone in the demo."""

    crews: Sequence[EnterpriseCrew]
    leader: str
    backup: str
    staff: Sequence[str]
    robot_keys: Sequence[str]


@dataclass(frozen=True, order=True)
class Action:
    """At an instant of the night somebody says something, films, sends a photo, or answers an alert."""

    at: datetime
    actor: str
    kind: str
    text: str = ""
    film: bytes = b""


def night_instant(clock: str, day: date = NIGHT) -> datetime:
    """An instant of the night; "-23:50" is the evening before."""
    return datetime.combine(day - timedelta(days=clock.startswith("-")), time.fromisoformat(clock.lstrip("-")), ZONE)


def build_scenario(people: People, on_film_made: ProgressCallback) -> list[Action]:
    """The acts of the night in order; `made(done, total)` hears of the films being made."""
    dice = random.Random(20261124)
    crews = [crew for crew in people.crews if not crew.production_stopped]
    dice.shuffle(crews)
    silent, partial, late = crews[:_FORGETFUL], crews[_FORGETFUL:][:_PARTIAL], crews[_FORGETFUL + _PARTIAL :][:_LATE]
    acts: list[Action] = []
    filming = [crew for crew in crews if crew not in silent and crew not in late]
    for number, crew in enumerate(filming):
        parts = crew.parts[:-1] if crew in partial else crew.parts
        acts += _round(crew, parts, _start(dice, number), dice)
        on_film_made(number + 1, len(filming) + len(late))
    for crew in late:
        acts += _round(crew, crew.parts, night_instant("06:20"), dice)
    return sorted(acts + _oddities(silent, crews[-1]))


def _start(dice: random.Random, number: int) -> datetime:
    """Most film soon after midnight, some need a reminder first."""
    return night_instant("00:03") + timedelta(minutes=dice.uniform(0, 125) if number % 12 else dice.uniform(190, 205))


def _round(crew: EnterpriseCrew, parts: Sequence[str], start: datetime, dice: random.Random) -> list[Action]:
    """A patroller walks from part to part, saying before or after each film which it is."""
    acts, now = [], start
    for index, part in enumerate(parts):
        who = crew.patrollers[index % len(crew.patrollers)]
        film = make_film(seconds=dice.randint(11, 40), tag=f"{crew.code}/{part}")
        word = timedelta(seconds=-20 if dice.random() < 0.6 else 25)
        acts += [Action(now, who, "film", film=film), Action(now + word, who, "say", text=part)]
        now += timedelta(minutes=dice.uniform(2, 5))
    return acts


def _oddities(silent: Sequence[EnterpriseCrew], cautious: EnterpriseCrew) -> list[Action]:
    """What happens in every real night: a photo, a film too short, a stranger, a danger, a question."""
    photographer, hasty, frightened = (crew.patrollers[0] for crew in silent[:3])
    return [
        Action(night_instant("00:20"), photographer, "photo"),
        Action(night_instant("00:40"), hasty, "film", film=make_film(seconds=4, tag="hasty")),
        Action(night_instant("00:50"), "stranger", "film", film=make_film(seconds=15, tag="stranger")),
        Action(night_instant("02:10"), frightened, "say", text="险情，二号泵漏"),
        Action(night_instant("02:13"), "leader", "acknowledge"),
        Action(night_instant("03:30"), cautious.patrollers[0], "say", text="查询"),
        Action(night_instant("05:19"), "backup", "acknowledge"),
    ]
