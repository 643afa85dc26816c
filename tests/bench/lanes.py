"""Emergencies, questions, presses and films that expire soon, while slow films wait to be fetched."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.devtools.simulator.films import make_big_film, make_film
from storage.db.models import DutyShift, Person
from storage.store import Store
from tests.bench.rig import Row, Service, folder, service, wait_until
from tests.faults.relay import Relay

LEADER = "leader"
_FILMS, _FILM_MB, _BYTES_PER_S = 300, 4, 20 * 1024
_TIMES = 12


def lanes(quick: bool) -> Iterator[Row]:
    """With 300 films of 4 MB waiting that come at 20 kB/s each, on both databases."""
    for kind in ("SQLite",) if quick else ("SQLite", "PostgreSQL"):
        with service(kind, smart_bot=True, relayed=True) as found, folder() as place:
            wait_until(lambda: found.cloud.aibot.is_connected, 30)
            put_on_duty(found)
            send_slow_films(found, place, 100 if quick else _FILMS, _FILM_MB, _BYTES_PER_S)
            yield from _while_they_wait(found, kind, 4 if quick else _TIMES)
            _wire(found).bytes_per_s = 0
            wait_until(lambda: found.count("inbox", "state in ('waiting', 'fetching')") == 0, 600)
            films, filed = found.count("submission", "true"), found.count("submission", "state = 'filed'")
            yield Row(f"… films lost of {films}, {kind}", f"**{films - filed}**", "0")


def _while_they_wait(found: Service, kind: str, times: int) -> Iterator[Row]:
    waiting = found.count("inbox", "state in ('waiting', 'fetching')")
    measured = {
        "an emergency on the leader's phone, p95": ([emergency_s(found, n) for n in range(times)], 3),
        "a question answered, longest": ([question_s(found, n) for n in range(times)], 5),
        "a pressed button shown, longest": ([press_s(found) for _ in range(times)], 3),
        "a film of the smart bot fetched, longest": ([smart_bot_film_s(found, n) for n in range(times)], 10),
    }
    for what, (seconds, bar) in measured.items():
        yield Row(f"{kind}, {waiting} films waiting: {what}", f"**{max(seconds):.1f} s**", f"≤ {bar} s")


def put_on_duty(found: Service) -> None:
    """A duty leader of today and its neighbours, whom alerts reach."""
    found.cloud.add_member(LEADER)
    today = datetime.now(UTC).date()
    with found.database.transaction() as session:
        leader = Person(name="李局", roles=["值班领导"])
        session.add(leader)
        session.flush()
        Store(session).register.bind(leader.id, "wecom", LEADER, None)
        for days in range(-1, 3):
            session.add(DutyShift(day=today + timedelta(days=days), post="leader", person_id=leader.id))


def send_slow_films(found: Service, place: Path, number: int, megabytes: float, bytes_per_s: int) -> None:
    """So many films, which the platform hands out slowly; returns once all are stored."""
    _wire(found).slow_path, _wire(found).bytes_per_s = "/cgi-bin/media/get", bytes_per_s
    make_big_film(place / "film.mp4", megabytes)
    film = (place / "film.mp4").read_bytes()
    for index, account in zip(range(number), itertools.cycle(found.accounts), strict=False):
        # An unknown box at the end makes each film another one.
        path = place / f"{index}.mp4"
        path.write_bytes(film + (16).to_bytes(4, "big") + b"free" + index.to_bytes(8, "big"))
        found.cloud.phone(account).sends_film(path)
    wait_until(lambda: found.count("inbox", "state = 'fetching'") >= number, 120)


def emergency_s(found: Service, number: int) -> float:
    """Seconds from a patroller's message until the leader's phone shows the alert; each from another enterprise."""
    phone = found.cloud.phone(LEADER)
    before = len(phone.cards)
    return _seconds(
        lambda: found.cloud.phone(found.accounts[-1 - number]).says("险情 罐区泄漏"), lambda: len(phone.cards) > before
    )


def question_s(found: Service, number: int) -> float:
    """Seconds from a question until its answer."""
    phone = found.cloud.phone(found.accounts[number])
    before = len(phone.received)
    return _seconds(lambda: phone.says("帮助"), lambda: len(phone.received) > before)


def press_s(found: Service) -> float:
    """Seconds from a press on the oldest open card until the card shows it."""
    card = next(each for each in found.cloud.phone(LEADER).cards if each.buttons)
    press = lambda: found.cloud.phone(LEADER).presses(card, next(iter(card.buttons)))  # noqa: E731
    return _seconds(press, lambda: card.replacement_text is not None)


def smart_bot_film_s(found: Service, number: int) -> float:
    """Seconds from a film to the smart bot until it is filed."""
    before = found.count("submission", "channel = 'wecom_aibot' and state = 'filed'")
    film = make_film(seconds=12, tag=f"smart bot {number}")
    return _seconds(
        lambda: found.cloud.aibot.sends_film(found.accounts[number], film),
        lambda: found.count("submission", "channel = 'wecom_aibot' and state = 'filed'") > before,
    )


def _wire(found: Service) -> Relay:
    assert found.wire is not None
    return found.wire


def _seconds(act: Callable[[], Any], done: Callable[[], bool]) -> float:
    began = time.perf_counter()
    act()
    wait_until(done, 600)
    return time.perf_counter() - began
