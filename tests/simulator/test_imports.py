"""The simulator imports no code of the bot: the same mistake on both sides would cancel out."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "bot.devtools.simulator"


def test_the_simulator_imports_nothing_of_the_bot() -> None:
    own_packages = ("bot", "handlers", "schedules", "storage", "tests")
    for path in (ROOT / PACKAGE.replace(".", "/")).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            foreign = [name for name in names if name.split(".")[0] in own_packages and not name.startswith(PACKAGE)]
            assert foreign == [], path
