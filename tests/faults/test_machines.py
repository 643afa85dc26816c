"""Several machines over one database: a dead one's work goes to the others, and two versions work side by side."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from bot.devtools.simulator import serve_aibot
from storage.db.migration_runner import Migrations
from storage.db.models import Decision, Notice
from tests.bot.processes import ROOT
from tests.faults.crowd import Crowd, film
from tests.faults.lab import Lab, lab
from tests.harness import at
from tests.places import Place

server_only = pytest.mark.parametrize("place", ["server"], indirect=True)
PEOPLE = [f"p{number}" for number in range(1, 9)]
TAKEN_OVER_S = 60


@server_only
def test_a_killed_workers_work_is_taken_over_within_a_minute(place: Place, tmp_path: Path) -> None:
    """One film is being fetched, one message is on its way and the smart bot is connected when the worker that has all
    three is killed."""
    release = threading.Event()
    with lab(tmp_path, "01:00") as night:
        serve_aibot(night.cloud)
        night.program.settings.update(night.cloud.aibot.settings)
        night.add("web", "web1")
        first = night.add("worker", "w1")
        night.ready()
        night.until(lambda: night.cloud.aibot.is_connected)
        night.cloud.faults.inject("media/get", hold=release)
        night.said.append(film(night.cloud.phone("p1"), "under way"))
        night.until(lambda: night.cloud.faults.pending("media/get") == 0)
        night.cloud.faults.inject("message/send", hold=release)
        Crowd(night, ["p2"], films=0, threads=1).send(1)
        night.until(lambda: "sending" in {each.state for each in night.rows(Notice)})
        second = night.add("worker", "w2")
        night.until(lambda: "worker-heartbeat/w2" in alive(night))
        first.kill()
        killed = time.monotonic()
        night.until(lambda: not night.cloud.aibot.is_connected)
        assert night.left_after(TAKEN_OVER_S) == []
        night.until(lambda: night.cloud.aibot.is_connected, TAKEN_OVER_S)
        took = time.monotonic() - killed
        night.cloud.aibot.says("p3", "帮助")
        night.until(lambda: night.cloud.phone("p3").received)
        assert (night.cloud.aibot.login_count, night.cloud.aibot.kick_count) == (2, 0)
        release.set()
        found = night.audit()
        assert second.process is not None
    print(f"\ntaken over within {took:.0f} s")  # noqa: T201 - asked for with -s
    assert found.problems == []
    assert (took < TAKEN_OVER_S, found.filed, found.waiting) == (True, 1, 0)


def alive(night: Lab) -> set[str]:
    with night.reading() as store:
        return {
            f"worker-heartbeat/{name}"
            for name in store.facts.heartbeats_since("worker-heartbeat/", at("01:00").replace(year=2000))
        }


@server_only
def test_two_schedulers_decide_everything_once(place: Place, tmp_path: Path) -> None:
    """The wave falls due while both tick: the group hears it once."""
    with lab(tmp_path, "01:36:55") as night:
        for name in ("w1", "w2"):
            night.add("serve" if name == "w1" else "worker", name)
        night.ready()
        night.until(lambda: [each for each in night.rows(Notice) if each.kind == "reminder" and each.state == "sent"])
        Crowd(night, PEOPLE).send(20)
        assert night.left_after() == []
        found = night.audit()
        waves = [each for each in night.cloud.group("KEY").received if "01:37" in each.text]
        with night.reading() as store:
            decided = Counter(store.session.query(Decision).with_entities(Decision.key).all())
    assert found.problems == []
    assert (len(waves), max(decided.values())) == (1, 1)


# --- a rolling upgrade


STEP = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9001", "{head}", None, None
def upgrade():
    op.add_column("inbox", sa.Column("wanted_by_the_next_version", sa.Text(), nullable=True))
"""


def next_version(folder: Path) -> Path:
    """The program one version on, as another tree of files: it has a step more, which only adds."""
    tree = folder / "next"
    for package in ("bot", "handlers", "schedules", "storage"):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    step = tree / "storage" / "db" / "migrations" / "versions" / "9001_the_next.py"
    step.write_text(STEP.format(head=Migrations().head_revision()))
    return tree


@server_only
def test_the_old_and_the_next_version_work_side_by_side(place: Place, tmp_path: Path) -> None:
    """`migrate --before`, replace the processes one by one, `migrate`: no user notices."""
    tree = str(next_version(tmp_path))
    with lab(tmp_path) as night:
        old = [night.add("web", "web1"), night.add("worker", "w1")]
        night.ready()
        crowd = Crowd(night, PEOPLE, films=0.3)
        crowd.send(10)
        assert night.program.run("migrate", "--before", PYTHONPATH=tree).returncode == 0
        crowd.send(10)
        new = [night.add("web", "web2", PYTHONPATH=tree), night.add("worker", "w2", PYTHONPATH=tree)]
        night.ready()
        crowd.send(10)
        assert all(each.runs() for each in (*old, *new))
        for each in old:
            each.end()
        crowd.send(10)
        assert night.program.run("migrate", PYTHONPATH=tree).returncode == 0
        assert night.left_after() == []
        night.program.settings["PYTHONPATH"] = tree
        found = night.audit()
    assert found.problems == []
    assert (found.acknowledged, found.waiting) == (40, 0)
    assert found.filed == found.films > 0
