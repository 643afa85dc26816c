"""The program as processes: a second worker, the time until it is ready, what it costs when nothing happens, and how
much of a command is the loading of libraries."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench.load import ROOT, load
from tests.bench.province import NIGHT, film_a_night, settle
from tests.bench.rig import Row, Service, database, end, is_ready, middle, service, spread, wait_until


def workers(quick: bool) -> Iterator[Row]:
    """Messages worked off a second by one worker and by two, each a process of its own, over PostgreSQL."""
    number = 200 if quick else 600
    rounds = [[_worked_off(count, number) for count in (1, 2)] for _ in range(1 if quick else 3)]
    one, two = (middle(column) for column in zip(*rounds, strict=True))
    ratio = spread([pair[1] / pair[0] for pair in rounds])
    yield Row(
        "2 workers against 1, PostgreSQL, on these cores", f"**{ratio}**, {two:.0f}/s against {one:.0f}/s", "stated"
    )


def _worked_off(count: int, number: int) -> float:
    """From the first message worked off to the last; a process that starts is no part of it."""
    with service("PostgreSQL", ("web",)) as found:
        load(found.port, found.events(number))
        for each in range(count):
            found.start("worker", EXECUTOR_ID=f"worker-{each}")
        wait_until(lambda: _beating(found) == count)
        done = found.count("inbox", "state = 'done'")
        took = wait_until(lambda: found.count("inbox", "state = 'done'") == number)
        return (number - done) / took


def _beating(found: Service) -> int:
    return found.count("fact", "name like 'worker-heartbeat/worker-%%'")


def starting(quick: bool) -> Iterator[Row]:
    """`serve` over a database that is up to date."""
    for kind in ("SQLite", "PostgreSQL"):
        with service(kind, ("web",)) as found:
            took, idle = [], []
            for number in range(1 if quick else 3):
                end(found.processes)
                found.processes.clear()
                began = time.perf_counter()
                found.start("serve", EXECUTOR_ID=f"serve-{number}")
                wait_until(lambda: is_ready(found.port), 60)
                took.append(time.perf_counter() - began)
                time.sleep(3)
                idle.append(found.rss_mb())
        yield Row(f"`serve`, {kind}: from its start to ready", f"**{spread(took)} s**", "≤ 3 s")
        yield Row(f"… resident memory when idle, {kind}", f"**{spread(idle, '.0f')} MB**", "≤ 200 MB")


def loading(quick: bool) -> Iterator[Row]:
    """`night --json` of a county beside Python that only loads the largest libraries; in turn, the least of each."""
    with database("SQLite") as kept:
        settle(kept, 75)
        film_a_night(kept, NIGHT, 75)
        address = kept.url.render_as_string(hide_password=False)
        commands = ("-m", "bot", "night", str(NIGHT), "--json"), ("-c", "import sqlalchemy.orm, pydantic")
        rounds = [[_processor_s(words, address) for words in commands] for _ in range(3 if quick else 10)]
    night, libraries = (min(column) for column in zip(*rounds, strict=True))
    measured = f"**{night / libraries:.1f}**, {night:.2f} s against {libraries:.2f} s"
    yield Row("`night --json`, processor time: of that of `import sqlalchemy.orm, pydantic`", measured, "≤ 1.3")


def _processor_s(words: tuple[str, ...], address: str) -> float:
    """The processor time of a command: other work on the machine disturbs it less than the time on the wall."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "DATABASE_URL": address, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *words], env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
