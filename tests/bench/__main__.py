"""`python -m tests.bench [--quick] [NAME …]`: every measurement, or those named, as tables for docs/performance.md."""

from __future__ import annotations

import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from tests.bench import (
    callbacks,
    doors,
    films,
    hazards,
    lanes,
    machine,
    processes,
    province,
    receiving,
    review,
    web,
    year,
)
from tests.bench.rig import Row, close_servers

BENCHES: dict[str, Callable[[bool], Iterator[Row]]] = {
    "machine": machine.limits,
    "callbacks": callbacks.at_full_load,
    "wechatpy": callbacks.beside_wechatpy,
    "latency": callbacks.at_100_a_second,
    "receiving": receiving.receiving,
    "films": films.big_films,
    "lanes": lanes.lanes,
    "smart_bot": doors.a_smart_bot_film,
    "pieces": doors.pieces,
    "board": web.board,
    "watching": web.watching,
    "review": review.reviewing,
    "province": province.waves,
    "year": year.a_year,
    "hazards": hazards.ledger,
    "workers": processes.workers,
    "starting": processes.starting,
    "loading": processes.loading,
}


def main(words: list[str]) -> None:
    """Run and print; a measurement that fails is a line of the table, and the end is an error."""
    quick, wanted = "--quick" in words, [word for word in words if word != "--quick"] or list(BENCHES)
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}")
    began, failed = time.monotonic(), 0
    try:
        for name in wanted:
            print(f"\n`python -m tests.bench {name}`\n\n| what | measured | bar |\n|---|---|---|")
            failed += _table(name, quick)
    finally:
        close_servers()
    print(f"\n{time.monotonic() - began:.0f} s in all")
    sys.exit(1 if failed else 0)


def _table(name: str, quick: bool) -> int:
    """The rows of one measurement; whether it broke off."""
    try:
        for row in BENCHES[name](quick):
            print(f"| {row.what} | {row.measured} | {row.wanted} |", flush=True)
    except Exception as error:  # noqa: BLE001 - the others are still to be measured
        traceback.print_exc()
        print(f"| {name} broke off | {error!r} | |", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    main(sys.argv[1:])
