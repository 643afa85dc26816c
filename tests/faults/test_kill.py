"""kill -9 at random points: of all in one, of web and of worker."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd
from tests.faults.lab import Lab, Machine, lab
from tests.places import Place


def killing(lab: Lab, machines: list[Machine], share: list[float], crowd: Crowd, total: int) -> threading.Thread:
    """Kill one of the machines whenever such a share of the messages has been sent."""

    def run() -> None:
        for each in share:
            while crowd.sent < total * each and not crowd.stop.wait(0.01):
                pass
            victim = lab.random.choice(machines)
            victim.kill()
            victim.start()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("place", "parts"), [("embedded", ["serve"]), ("server", ["web", "worker"])], indirect=["place"], ids=str
)
def test_kill_9_of_any_part_loses_nothing_and_doubles_nothing(place: Place, tmp_path: Path, parts: list[str]) -> None:
    with lab(tmp_path, "01:36:50", seed=4) as night:
        machines = [night.add(part, "w1") for part in parts]
        night.ready()
        crowd = Crowd(night, [f"p{number}" for number in range(1, 9)])
        killer = killing(night, machines, [0.2, 0.5, 0.8], crowd, 120)
        crowd.send(120)
        killer.join()
        night.ready()
        assert night.left_after() == []
        found = night.audit()
    assert found.problems == []
    assert (found.acknowledged, found.waiting, night.kills) == (120, 0, 3)
    assert found.filed == found.films > 5
    assert found.states["due"] + found.states["sending"] == 0
