"""Every guarantee in docs/promises.md names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROMISES = (ROOT / "docs" / "promises.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PROMISES)


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_test_that_is_named_exists() -> None:
    assert len(NAMED) > 20
    assert [f"{file}::{name}" for file, name in NAMED if name not in names_in(file)] == []


def test_every_promise_names_its_proof() -> None:
    """Each row of the tables; only the rows without a guarantee need no test."""
    promised = PROMISES.split("## Not promised")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ") and not line.startswith("| promise |")]
    unproved = [row for row in rows if "`tests/" not in row and not re.match(r"\| what \|", row)]
    assert unproved == []


def test_the_fault_tests_are_all_named() -> None:
    """Every injected fault is part of the guarantees, except in the tests of the audit itself."""
    played = {
        (f"tests/faults/{path.name}", name)
        for path in (ROOT / "tests" / "faults").glob("test_*.py")
        for name in names_in(f"tests/faults/{path.name}")
        if name.startswith("test_") and path.name != "test_audit.py"
    }
    assert played - set(NAMED) == set()
