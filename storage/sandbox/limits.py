"""What a child process that reads an untrusted file may use."""

from __future__ import annotations

import resource
import signal
from dataclasses import dataclass
from pathlib import Path

from storage.sandbox.system_calls import forbid_system_calls

MAX_OPEN_FILES = 64


@dataclass(frozen=True)
class Limits:
    """`cpu_s` is processor time: on a busy machine a task takes longer but is not aborted.

    `memory_bytes` is what the task may allocate, `file_bytes` the size of each file that it writes. `elapsed_s` ends a
    task that hangs without using the processor, such as on a network disk.
    """

    cpu_s: float
    memory_bytes: int = 512 * 1024 * 1024
    file_bytes: int = 1 << 30

    @property
    def elapsed_s(self) -> float:
        """Ten times the processor time and a minute."""
        return 60 + 10 * self.cpu_s


def apply_limits(limits: Limits) -> None:
    """Limit this process permanently. SIGPROF or SIGXCPU end it after `cpu_s`, SIGALRM after `elapsed_s`."""
    signal.setitimer(signal.ITIMER_REAL, limits.elapsed_s)
    # The timer has fractions of a second; the limit cannot be cancelled.
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)
    cpu_s, address_space = int(limits.cpu_s) + 2, _address_space_bytes() + limits.memory_bytes
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),
        (resource.RLIMIT_AS, address_space, address_space),
        (resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES, MAX_OPEN_FILES),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))
    forbid_system_calls()


def _address_space_bytes() -> int:
    """The memory this process has mapped already, most of it libraries."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
