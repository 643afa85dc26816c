"""How fast callbacks are answered, beside the same server with next to nothing in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.bench.load import ROOT, load
from tests.bench.rig import Row, Service, empty_database, end, free_port, is_ready, middle, service, spread, wait_until

_WHOLE = ("serve",)
_APART = ("web", "worker")


@contextmanager
def _bare(*told: str) -> Iterator[int]:
    """A bare server; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.bare", *told, str(port)], cwd=ROOT)
    try:
        wait_until(lambda: is_ready(port), 30)
        yield port
    finally:
        end([process])


def _rate(found: Service, port: int, number: int) -> float:
    load(port, found.events(200))
    seen = load(port, found.events(number))
    assert seen.refused == 0, f"{seen.refused} callbacks were refused"
    return seen.rate


def _round(kind: str, commands: Sequence[str], number: int) -> tuple[float, float]:
    """Callbacks a second of the program, and of a bare server over a database of its own right after."""
    with service(kind, commands) as found:
        ours = _rate(found, found.port, number)
        end(found.processes)
        with empty_database(kind) as url, _bare("insert", url) as port:
            return ours, _rate(found, port, number)


def at_full_load(quick: bool) -> Iterator[Row]:
    """As many as go, over 8 connections: the median of several rounds of both, one after the other."""
    for kind in ("SQLite", "PostgreSQL"):
        for name, commands in (("`serve`", _WHOLE), ("`web` + `worker`", _APART)):
            rounds = [_round(kind, commands, 1000 if quick else 3000) for _ in range(1 if quick else 3)]
            ratio = spread([ours / bare for ours, bare in rounds])
            rates = " against ".join(f"{middle(column):.0f}/s" for column in zip(*rounds, strict=True))
            yield Row(f"callbacks, {name}, {kind}: of the rate of a bare insert", f"**{ratio}**, {rates}", "≥ 0.6")


def beside_wechatpy(quick: bool) -> Iterator[Row]:
    """The same load on a handler that opens callbacks with wechatpy, keeps nothing and answers."""
    number = 1000 if quick else 3000
    with service() as found:
        ours = _rate(found, found.port, number)
        end(found.processes)
        app = found.cloud.app
        with _bare("wechatpy", app.token, app.encoding_aes_key, app.corp_id) as port:
            plain = _rate(found, port, number)
    yield Row(
        "callbacks, `serve`, SQLite: of the rate of wechatpy + Flask that keep nothing",
        f"{ours / plain:.2f}, {ours:.0f}/s against {plain:.0f}/s",
        "stated",
    )


def at_100_a_second(quick: bool) -> Iterator[Row]:
    """How long an answer takes at a steady rate."""
    for kind in ("SQLite", "PostgreSQL"):
        for name, commands in (("`serve`", _WHOLE), ("`web` + `worker`", _APART)):
            with service(kind, commands) as found:
                load(found.port, found.events(200), rate=100)
                seen = load(found.port, found.events(500 if quick else 2000), rate=100)
            yield Row(
                f"callbacks at 100/s, {name}, {kind}",
                f"p50 {seen.p50:.1f}, **p99 {seen.p99:.1f} ms**, {seen.refused} refused",
                "p99 ≤ 30 ms, 0",
            )
