"""The actions of people in the night of the demo. The same every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from bot.devtools.demo.crews import EnterpriseCrew, People
from bot.devtools.simulator.films import make_film

NIGHT = date(2026, 11, 24)
ZONE = ZoneInfo("Asia/Shanghai")
STARTS_AT, ENDS_AT = "-23:50", "07:55"
_SILENT_CREWS, _PARTIAL_CREWS, _LATE_CREWS = 4, 2, 1
ProgressCallback = Callable[[int, int], None]


@dataclass(frozen=True, order=True)
class Action:
    """`kind`: say, film, photo or acknowledge (the newest alert)."""

    at: datetime
    actor: str
    kind: str
    text: str = ""
    film: bytes = b""


def night_instant(clock: str, day: date = NIGHT) -> datetime:
    """An instant of the night; "-23:50" is on the evening before."""
    return datetime.combine(day - timedelta(days=clock.startswith("-")), time.fromisoformat(clock.lstrip("-")), ZONE)


def build_scenario(people: People, on_film_made: ProgressCallback) -> list[Action]:
    """The actions in order; `on_film_made(done, total)` is called after the films of each crew."""
    rng = random.Random(20261124)
    crews = [crew for crew in people.crews if not crew.production_stopped]
    rng.shuffle(crews)
    remaining = iter(crews)
    silent, partial, late = (list(islice(remaining, count)) for count in (_SILENT_CREWS, _PARTIAL_CREWS, _LATE_CREWS))
    actions: list[Action] = []
    filming = [crew for crew in crews if crew not in silent and crew not in late]
    for number, crew in enumerate(filming):
        parts = crew.parts[:-1] if crew in partial else crew.parts
        actions += _round(crew, parts, _start(rng, number), rng)
        on_film_made(number + 1, len(filming) + len(late))
    for crew in late:
        actions += _round(crew, crew.parts, night_instant("06:20"), rng)
    return sorted(actions + _special_cases(silent, crews[-1]))


def _start(rng: random.Random, number: int) -> datetime:
    """Most crews start soon after midnight, every twelfth after the reminder."""
    return night_instant("00:03") + timedelta(minutes=rng.uniform(0, 125) if number % 12 else rng.uniform(190, 205))


def _round(crew: EnterpriseCrew, parts: Sequence[str], start: datetime, rng: random.Random) -> list[Action]:
    """A film of each part, with a text that names the part before or after it."""
    actions, now = [], start
    for index, part in enumerate(parts):
        who = crew.patrollers[index % len(crew.patrollers)]
        film = make_film(seconds=rng.randint(11, 40), tag=f"{crew.code}/{part}")
        text_delay = timedelta(seconds=-20 if rng.random() < 0.6 else 25)
        actions += [Action(now, who, "film", film=film), Action(now + text_delay, who, "say", text=part)]
        now += timedelta(minutes=rng.uniform(2, 5))
    return actions


def _special_cases(silent: Sequence[EnterpriseCrew], cautious: EnterpriseCrew) -> list[Action]:
    """A photo, a film too short, a stranger, an emergency, a question."""
    photographer, hasty, frightened = (crew.patrollers[0] for crew in silent[:3])
    return [
        Action(night_instant("00:20"), photographer, "photo"),
        Action(night_instant("00:40"), hasty, "film", film=make_film(seconds=4, tag="hasty")),
        Action(night_instant("00:50"), "stranger", "film", film=make_film(seconds=15, tag="stranger")),
        Action(night_instant("02:10"), frightened, "say", text="险情，二号泵漏"),
        Action(night_instant("02:13"), "leader", "acknowledge"),
        Action(night_instant("02:35"), "leader", "say", text="已解除 二号泵已停，泄漏已止住，无人受伤"),
        Action(night_instant("03:30"), cautious.patrollers[0], "say", text="查询"),
        Action(night_instant("05:19"), "backup", "acknowledge"),
    ]
