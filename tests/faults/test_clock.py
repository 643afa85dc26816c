"""The machine's clock jumps forward and back under a running service."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from storage.db.models import InboxRow, Notice, Outage
from tests.bot.processes import ROOT
from tests.faults.crowd import Crowd, film
from tests.faults.lab import lab
from tests.places import Place, embedded_only

PEOPLE = [f"p{number}" for number in range(1, 9)]
compiler = shutil.which("cc") or shutil.which("gcc")


@pytest.fixture
def bent(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file that says how wrong the clock is, and the settings of a process that goes by it."""
    library, offset = tmp_path / "bent_clock.so", tmp_path / "offset"
    source = ROOT / "tests" / "faults" / "bent_clock.c"
    assert compiler is not None
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    offset.write_text("0")
    return offset, {"LD_PRELOAD": str(library), "BENT_CLOCK": str(offset)}


@pytest.mark.skipif(compiler is None, reason="needs a C compiler to change the clock of a process")
@embedded_only
def test_a_clock_that_jumps_loses_nothing_doubles_nothing_and_is_no_outage(
    place: Place, tmp_path: Path, bent: tuple[Path, dict[str, str]]
) -> None:
    """Forty minutes forward and back, then back and forward, each time while a film waits for its next try."""
    offset, settings = bent
    with lab(tmp_path, "02:20") as night:
        night.add("serve", "w1", **settings)
        night.ready()
        crowd = Crowd(night, PEOPLE, films=0.1)
        for jump_s in (2400, 0, -2400, 0):
            crowd.send(5)
            tries = sum(each.attempts for each in night.rows(InboxRow))
            night.cloud.faults.inject("media/get", errcode=-1, times=2)
            night.said.append(film(night.cloud.phone("p1"), f"waits {jump_s}"))
            night.until(lambda tries=tries: sum(each.attempts for each in night.rows(InboxRow)) > tries)
            offset.write_text(str(jump_s))
            crowd.send(5)
            assert night.left_after() == []
        found, outages = night.audit(), night.rows(Outage)
        waves = [each.once_key for each in night.rows(Notice) if each.kind == "reminder"]
    assert found.problems == []
    assert (found.acknowledged, found.waiting, outages) == (44, 0, [])
    assert len(waves) == len(set(waves))
