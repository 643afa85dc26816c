"""Random faults of the long run, injected one after another until the night is over."""

from __future__ import annotations

import random
import resource
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.faults.hostile import Hostile
from tests.faults.lab import Lab, Machine
from tests.faults.postgres import Postgres
from tests.faults.relay import Relay
from tests.faults.small_disk import SmallDisk

SENDS, FETCH = ("message/send", "webhook/send"), "media/get"
FAULTS: tuple[dict[str, Any], ...] = (
    *({"errcode": code} for code in (-1, 40014, 42001, 45009, 45033)),
    {"drop": True},
    {"http_status": 502},
    {"delay": 2.0},
)
OF_SENDS: tuple[dict[str, Any], ...] = ({"lose_response": True},)
OF_FETCHES: tuple[dict[str, Any], ...] = ({"truncate_after": 500}, {"corrupt_bytes": True})
A_PAGE = 4096
DISK_MB, RESERVE_MB = 256, 64
CALM = 0.8


@dataclass
class Troubles:
    """Makes one trouble after another, and counts them."""

    lab: Lab
    source: random.Random
    postgres: Postgres | None = None
    wire: Relay | None = None
    hostile: Hostile | None = None
    disk: SmallDisk | None = None
    made: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, every_s: float) -> None:
        """Until told to stop; then everything is well again."""
        known = self.possible()
        while not self.stop.wait(self.source.uniform(0.5, 1.5) * every_s):
            name = self.source.choice(sorted(known))
            self.made[name] += 1
            known[name]()
            self.revive()
            if self.source.random() < CALM:
                self.recover()
        self.lab.cloud.faults.clear()
        self.revive()

    def recover(self) -> None:
        """Often, but not always, a component recovers before its next fault."""
        with suppress(TimeoutError):
            self.lab.until(lambda: self.stop.is_set() or all(each.is_up() for each in self.lab.machines), 30)

    def revive(self) -> None:
        """Restart processes that could not start, because their database was away or their disk full."""
        self.made["ended by itself"] += self.lab.revive()

    def possible(self) -> dict[str, Callable[[], None]]:
        """The faults that are possible on these backends."""
        known: dict[str, Callable[[], None]] = {
            f"kill -9 {each.name}": lambda each=each: self.kill(each)  # type: ignore[misc]
            for each in self.lab.machines
        }
        known |= {"platform": self.platform, "platform again": self.platform, "SIGTERM": self.end}
        known["token dies"] = self.lab.cloud.revoke_token
        if self.disk is not None:
            known["disk filling"] = self.disk_filling
        if (hostile := self.hostile) is not None:
            known |= {
                "slow readers": hostile.slow_readers,
                "large bodies": hostile.large_bodies,
                "endless uploads": hostile.endless_uploads,
            }
        if self.postgres is not None:
            known["database stopped"] = self.database
        if (wire := self.wire) is None:
            return known | {"disk full": self.disk_full}
        store = {
            "store away": {"away": True},
            "store fails midway": {"cut_after": 3000},
            "store slow": {"slow_s": 0.05},
        }
        return known | {name: lambda how=how: self.store(wire, how) for name, how in store.items()}  # type: ignore[misc]

    def kill(self, machine: Machine) -> None:
        """kill -9, and a start at once or a little later."""
        machine.kill()
        self.lasts(0.0, 3.0)
        machine.start()

    def end(self) -> None:
        """An orderly end in the middle of everything."""
        machine = self.source.choice(self.lab.machines)
        machine.end()
        machine.start()

    def platform(self) -> None:
        """A burst of one misbehaviour of one call."""
        endpoint = self.source.choice((*SENDS, FETCH, "gettoken"))
        more = OF_SENDS if endpoint in SENDS else OF_FETCHES if endpoint == FETCH else ()
        self.lab.cloud.faults.inject(endpoint, times=self.source.randint(1, 5), **self.source.choice((*FAULTS, *more)))

    def database(self) -> None:
        """PostgreSQL stopped from one moment to the next, and started again."""
        assert self.postgres is not None
        with self.postgres.stopped():
            self.lasts(0.5, 4.0)

    def store(self, wire: Relay, how: dict[str, Any]) -> None:
        """The object store misbehaves for a while."""
        if "away" in how:
            wire.cut()
        for name, value in how.items():
            setattr(wire, name, value)
        self.lasts(2.0, 6.0)
        wire.well()

    def disk_full(self) -> None:
        """No file of one process may grow past a page."""
        with no_room(self.source.choice(self.lab.machines)):
            self.lasts(2.0, 5.0)

    def disk_filling(self) -> None:
        """First the room falls below the reserve, then there is none."""
        assert self.disk is not None
        for leaving_mb in (RESERVE_MB // 2, 1, 0):
            self.disk.fill(leaving_mb)
            self.lasts(1.0, 3.0)
        self.disk.free()

    def lasts(self, least_s: float, most_s: float) -> None:
        """Let it last a while."""
        threading.Event().wait(self.source.uniform(least_s, most_s))


@contextmanager
def no_room(machine: Machine) -> Iterator[None]:
    """No file of that process may grow: the kernel refuses every further byte, as a full disk does."""
    assert machine.process is not None
    pid = machine.process.pid
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)  # its own are inherited from here
    with suppress(ProcessLookupError):  # one that is just beginning may end over it
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (A_PAGE, hard))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
