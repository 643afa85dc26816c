"""The database stopped, the object store away, slow and failing in the middle, the disk full: all of it under load."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.crowd import Crowd, film
from tests.faults.lab import Lab, lab
from tests.faults.postgres import Postgres
from tests.faults.relay import Relay, relay
from tests.faults.troubles import no_room
from tests.places import Place, Served, embedded_only

server_only = pytest.mark.parametrize("place", ["server"], indirect=True)
PEOPLE = [f"p{number}" for number in range(1, 9)]


def nothing_wrong(lab: Lab, messages: int) -> None:
    assert lab.left_after() == []
    found = lab.audit()
    assert found.problems == []
    assert (found.acknowledged, found.waiting, found.filed) == (messages, 0, found.films)
    assert found.films > 0


@server_only
def test_a_database_that_is_stopped_at_once_and_comes_back(place: Place, tmp_path: Path) -> None:
    assert isinstance(place, Served)
    with lab(tmp_path, "01:36:50", seed=2) as night:
        night.add("web", "web1")
        for name in ("w1", "w2"):
            night.add("worker", name)
        night.ready()
        crowd, server = Crowd(night, PEOPLE), Postgres(place)
        crowd.send(30)
        with server.stopped():
            refused = film(night.cloud.phone("p1"), "while it is away")
            assert refused.sent.statuses[-1] in (0, 503)
        crowd.send(30)
        night.revive()
        night.ready()
        assert refused.sent.repeat().status == 200
        night.said.append(refused)
        nothing_wrong(night, 61)


@server_only
def test_an_object_store_that_is_away_slow_and_failing_in_the_middle(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay(place.settings(tmp_path)["S3_ENDPOINT_URL"]) as wire, lab(tmp_path, S3_ENDPOINT_URL=wire.url) as night:
        night.add("web", "web1")
        night.add("worker", "w1")
        night.ready()
        for trouble in ({"away": True}, {"cut_after": 3000}, {"slow_s": 0.05}):
            under(night, wire, trouble)
        nothing_wrong(night, 6)


def under(night: Lab, wire: Relay, trouble: dict[str, float]) -> None:
    """Two films in such trouble: they are acknowledged and wait, and are filed when it is over."""
    for name, value in trouble.items():
        setattr(wire, name, value)
    before = wire.broken
    for number in (1, 2):
        night.said.append(film(night.cloud.phone(f"p{number}"), f"{trouble}"))
        assert night.said[-1].acknowledged
    if "slow_s" not in trouble:
        night.until(lambda: wire.broken > before)
    wire.well()


@embedded_only
def test_a_disk_that_is_full_keeps_what_it_has_and_goes_on_when_there_is_room(place: Place, tmp_path: Path) -> None:
    with lab(tmp_path) as night:
        machine = night.add("serve", "w1")
        night.ready()
        crowd = Crowd(night, PEOPLE, films=0.3)
        crowd.send(10)
        with no_room(machine):
            refused = [film(night.cloud.phone("p1"), f"without room {number}") for number in range(3)]
            night.until(lambda: not machine.is_ready())
            assert machine.runs()
        night.ready()
        for each in refused:
            if not each.acknowledged:
                each.sent.repeat()
        night.said += refused
        nothing_wrong(night, 13)
