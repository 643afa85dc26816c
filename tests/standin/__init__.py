"""Tencent's library for the chat archive, stood in for by one of ours with the same C ABI."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.archive import Archive

SOURCE = Path(__file__).with_name("finance_sdk.c")
NAME = "libWeWorkFinanceSdk_C.so"


@cache
def library() -> Path:
    """The stand-in, compiled once. A machine without a C compiler skips what needs it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    made = Path(tempfile.mkdtemp(prefix="standin-")) / NAME
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(made), str(SOURCE)]
    subprocess.run([*command, "-ldl", "-lpthread"], check=True)
    return made


def archive(cloud: Cloud, folder: Path) -> Archive:
    """An archive whose library lies in its directory, as the stand-in wants it, and the office's keys beside it."""
    made = Archive(cloud, folder / "archive")
    shutil.copy(library(), made.folder / NAME)
    (folder / "keys").mkdir()
    made.write_private_key(folder / "keys", 1)
    return made


def settings(made: Archive) -> dict[str, str]:
    """The bot's settings for it."""
    return made.settings(made.folder / NAME, made.folder.parent / "keys")
