"""README.md and docs/ name only what exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.texts import all_texts

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
DESIGN = (ROOT / "docs" / "design.md").read_text("utf-8")
PACKAGES = ("bot", "handlers", "schedules", "storage", "tests", "docs")
# The columns of the table of nouns, and where their names are modules, packages or templates.
NOUN_COLUMNS = ("handlers", "schedules", "storage", "bot/web/dashboard")


def _section(heading: str) -> str:
    return DESIGN.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def _rows(section: str) -> list[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_paths_and_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    names = re.findall(rf"`((?:{'|'.join(PACKAGES)})/[^`\s:]*)[`:]", text)
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [name for name in names if not list(ROOT.glob(name.rstrip("/")))] == []
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_table_of_nouns_names_what_exists() -> None:
    rows = [row for row in _rows(_section("Nouns")) if "(next)" not in row[0]]
    assert len(rows) > 5
    sections = {key.split(".")[0] for key in all_texts()}
    for noun, *columns, texts, tests in rows:
        for folder, cell in zip(NOUN_COLUMNS, columns, strict=True):
            for name in re.findall(r"`([^`]+)`", cell):
                assert [*ROOT.glob(f"{folder}/{name.rstrip('/')}"), *ROOT.glob(f"{folder}/{name}.py")], (noun, name)
        assert set(re.findall(r"`([^`]+)`", texts)) <= sections, noun
        assert re.search(r"`tests/", tests), noun


def test_every_library_has_its_reason() -> None:
    reasons = _section("Why each library is there").lower()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split(r"[\[=<>;]", requirement)[0] for requirement in project["dependencies"]}
    # Known there by another name.
    names = {{"av": "pyav"}.get(name, name) for name in names}
    assert [name for name in sorted(names) if name not in reasons] == []
