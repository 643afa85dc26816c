"""The limits of the machine itself, which nothing above it can exceed."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.bench.rig import Row, folder

_MB = 1024 * 1024


def limits(quick: bool) -> Iterator[Row]:
    """Processor, disk, and the two algorithms that every film and every callback passes through."""
    yield Row("processor", f"{os.cpu_count()} × {_processor()}, load {os.getloadavg()[0]:.1f}")
    with folder() as place:
        yield Row("appending 4 kB and fdatasync", f"{_syncs(place, 1 if quick else 3):.0f}/s")
        yield Row("writing 200 MB and fsync", f"{200 / _seconds(lambda: _write(place)):.0f} MB/s")
    block = os.urandom(64 * _MB)
    yield Row("SHA-256", f"{64 / _seconds(lambda: hashlib.sha256(block).digest()):.0f} MB/s")
    yield Row("AES-256-CBC, opening", f"{64 / _seconds(lambda: _decrypt(block)):.0f} MB/s")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _syncs(place: Path, seconds: float) -> float:
    """A second of it, for one file."""
    number = os.open(place / "appended", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            os.write(number, bytes(4096))
            os.fdatasync(number)
            count += 1
        return count / (time.perf_counter() - began)
    finally:
        os.close(number)


def _write(place: Path) -> None:
    with (place / "written").open("wb") as file:
        for _ in range(200):
            file.write(bytes(_MB))
        file.flush()
        os.fsync(file.fileno())


def _decrypt(block: bytes) -> None:
    opener = Cipher(algorithms.AES(bytes(32)), modes.CBC(bytes(16))).decryptor()
    opener.update(block)
    opener.finalize()


def _seconds(act: Callable[[], object]) -> float:
    """The best of three: a limit is what the machine can do undisturbed."""
    found = []
    for _ in range(3):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return min(found)
