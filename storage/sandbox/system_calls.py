"""Takes from this process the network, other programs and other processes: a seccomp filter, where Linux has it.

A root user may ignore a limit of processes, and a limit of files still allows a socket; this filter holds for every
user and needs no privilege, also in a container.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
# Instructions of the classic BPF: load a word of `struct seccomp_data`, jump if equal, jump if not less, return.
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_NOT_LESS, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
_ALLOW, _REFUSE, _KILL_PROCESS = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_X32_NUMBERS = 0x40000000  # the second set of numbers of an x86_64 kernel
# machine -> (AUDIT_ARCH_*, numbers of: socket, clone, clone3, fork, vfork, execve, execveat, ptrace, process_vm_readv,
# process_vm_writev, io_uring_setup, which can open sockets too); arm64 has no fork and vfork.
_MACHINES: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, (41, 56, 435, 57, 58, 59, 322, 101, 310, 311, 425)),
    "aarch64": (0xC00000B7, (198, 220, 435, 221, 281, 117, 270, 271, 425)),
}


def forbid_system_calls() -> None:
    """From now on these calls fail with EPERM. Does nothing on a system without seccomp."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    program = _program(*_MACHINES[platform.machine()])
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0)


def _program(architecture: int, refused: tuple[int, ...]) -> bytes:
    """The filter. A call of another architecture, whose numbers differ, kills the process."""
    tests = [(_JUMP_IF_NOT_LESS, _X32_NUMBERS), *((_JUMP_IF_EQUAL, number) for number in refused)]
    instructions = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_JUMP_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        *((test, len(tests) - place, 0, number) for place, (test, number) in enumerate(tests)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("@HBBI", *instruction) for instruction in instructions)
