"""A stored object is never replaced: different bytes are stored beside it, and the film is still filed."""

from __future__ import annotations

from tests.harness import Story


def test_a_film_whose_place_is_taken_is_kept_beside_it(night: Story) -> None:
    """A worker that died after keeping a film leaves it there; the platform may hand out other bytes the next time."""
    with night.bot.objects.spool() as spool:
        spool.write(b"what a dead worker had fetched")
        night.bot.objects.save(spool, "films/2026-11-24/1124-0001.mp4")
    night.time("00:30")
    night.says("p1", "1")
    night.film("p1")
    [film] = night.part("E001", "1")["submissions"]
    assert film["state"] == "filed"
    assert film["object_key"] == f"films/2026-11-24/1124-0001-{film['sha256'][:12]}.mp4"
    with night.bot.objects.open("films/2026-11-24/1124-0001.mp4") as first:
        assert first.read() == b"what a dead worker had fetched"
    night.hears("p1")
