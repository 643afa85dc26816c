"""The long run: a night of thousands of messages in which everything breaks, and what the audit says of it.

SQLite and a directory under one process, then PostgreSQL and an S3 store under four. A seed decides what is sent
and what breaks; when each thing happens is up to the machine.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.clock import wall_now
from tests.faults.audit import Findings
from tests.faults.crowd import Crowd
from tests.faults.hostile import Hostile
from tests.faults.lab import Lab, lab
from tests.faults.postgres import Postgres
from tests.faults.relay import relay
from tests.faults.small_disk import small_disk
from tests.faults.troubles import DISK_MB, RESERVE_MB, Troubles
from tests.places import BOTH, Embedded, Place, Served, Servers, playing_in

ENTERPRISES, START, SPEED = 75, "00:30", 30.0
SETTLES_S = 240
MACHINES = {
    "embedded": [("serve", "all-in-one")],
    "server": [("web", "web1"), ("web", "web2"), ("worker", "worker1"), ("worker", "worker2")],
}
COLUMNS = (
    "place",
    "messages",
    "acknowledged",
    "kills",
    "troubles",
    "films filed",
    "waiting",
    "lost",
    "doubled",
    "shown as unknown",
    "counts add up",
)


@dataclass
class Run:
    """One night in one place, and what came of it."""

    place: str
    found: Findings
    troubles: Counter[str]
    kills: int
    seconds: float

    @property
    def row(self) -> list[object]:
        """The cells of the table."""
        found = self.found
        return [
            self.place,
            found.messages,
            found.acknowledged,
            self.kills,
            self.troubles.total(),
            f"{found.filed} of {found.films}",
            found.waiting,
            len(found.lost),
            len(found.doubled),
            found.states["unknown"],
            "no" if found.sums else "yes",
        ]


def main(arguments: Sequence[str]) -> int:
    """Play the nights and print the table; 1 when the audit found anything."""
    options = _options(arguments)
    print(f"seed {options.seed}, {options.messages} messages in each place", flush=True)
    runs = []
    for name in BOTH if options.place == "both" else (options.place,):
        with _playing(name) as (folder, place):
            runs.append(_night(folder, name, place, options))
        print(_told(runs[-1]), flush=True)
    print(_table(runs, options))
    return 1 if any(run.found.problems for run in runs) else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--place", choices=(*BOTH, "both"), default="both")
    parser.add_argument("--messages", type=int, default=2000, help="how many are sent in each place")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--minutes", type=float, default=5.0, help="how long that takes, at the least")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between one trouble and the next")
    return parser.parse_args(arguments)


@contextmanager
def _playing(name: str) -> Iterator[tuple[Path, Place]]:
    """A folder, and the place in which everything is kept until the end of the block."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="faults-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = Servers()
        stack.enter_context(servers.stack)
        place = Served(servers) if name == "server" else Embedded()
        yield folder, stack.enter_context(playing_in(place))


def _night(folder: Path, name: str, place: Place, options: argparse.Namespace) -> Run:
    with ExitStack() as stack:
        settings = {"DISK_RESERVE_MB": str(RESERVE_MB)}
        wire, postgres, disk, began = None, None, None, time.monotonic()
        if isinstance(place, Served):
            wire = stack.enter_context(relay(place.settings(folder)["S3_ENDPOINT_URL"]))
            settings["S3_ENDPOINT_URL"], postgres = wire.url, Postgres(place)
        else:
            disk = stack.enter_context(small_disk(folder, DISK_MB))
            (folder / "tmp").mkdir()
            settings["TMPDIR"] = f"{folder}/tmp"
        night = stack.enter_context(lab(folder, START, SPEED, ENTERPRISES, options.seed, **settings))
        for command, executor in MACHINES[name]:
            night.add(command, executor)
        night.ready()
        hostile = Hostile(night, random.Random(options.seed))
        hostile.prepare()
        troubles = Troubles(night, random.Random(options.seed), postgres, wire, hostile, disk)
        _play(night, troubles, options)
        return Run(name, night.audit(), troubles.made, night.kills, time.monotonic() - began)


def _play(night: Lab, troubles: Troubles, options: argparse.Namespace) -> None:
    """Everything at once; then all is well again, and the service gets the time to be done with it."""
    crowd = Crowd(night, [f"{kind}{number}" for kind in "ph" for number in range(1, ENTERPRISES + 1)])
    crowd.lasts_s = options.minutes * 60
    breaking = threading.Thread(target=troubles.run, args=(options.every,))
    breaking.start()
    try:
        crowd.send(options.messages)
    finally:
        troubles.stop.set()
        breaking.join()
    night.ready()
    night.left_after(SETTLES_S)


def _told(run: Run) -> str:
    made = ", ".join(f"{name} {times}" for name, times in sorted(run.troubles.items()))
    states = ", ".join(f"{state} {number}" for state, number in sorted(run.found.states.items()))
    return "\n".join(
        [f"{run.place}: {run.seconds:.0f} s", f"  troubles: {made}", f"  notices: {states}"]
        + [f"  {each}" for each in run.found.problems]
    )


def _table(runs: Sequence[Run], options: argparse.Namespace) -> str:
    """As docs/promises.md quotes it."""
    how = f"--messages {options.messages} --minutes {options.minutes:g} --every {options.every:g}"
    command = f"python -m tests.faults --seed {options.seed} {how}"
    rows = [COLUMNS, ["---"] * len(COLUMNS), *(run.row for run in runs)]
    return "\n".join(
        [f"\n{wall_now():%Y-%m-%d}, `{command}`:\n", *(f"| {' | '.join(map(str, row))} |" for row in rows)]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
