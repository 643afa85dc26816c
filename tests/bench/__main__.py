"""`python -m tests.bench [--quick] [NAME …]`: every measurement, or those named, as tables for docs/performance.md."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from tests.bench import callbacks, doors, province
from tests.bench.rig import Row, close_servers

BENCHES: dict[str, Callable[[bool], Iterator[Row]]] = {
    "callbacks": callbacks.at_full_load,
    "wechatpy": callbacks.beside_wechatpy,
    "latency": callbacks.at_100_a_second,
    "smart_bot": doors.a_smart_bot_film,
    "pieces": doors.pieces,
    "province": province.waves,
}


def main(words: list[str]) -> None:
    """Run and print; a measurement that fails is a line of the table, and the end is an error."""
    quick, wanted = "--quick" in words, [word for word in words if word != "--quick"] or list(BENCHES)
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}")
    began = time.monotonic()
    try:
        for name in wanted:
            print(f"\n`python -m tests.bench {name}`\n\n| what | measured | bar |\n|---|---|---|")
            for row in BENCHES[name](quick):
                print(f"| {row.what} | {row.measured} | {row.wanted} |", flush=True)
    finally:
        close_servers()
    print(f"\n{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main(sys.argv[1:])
