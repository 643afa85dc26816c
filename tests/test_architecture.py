"""The shape of the project, as tests: settings, sentences, sizes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bot.config import Config
from bot.texts import all_texts, placeholders
from handlers.permissions import ACTIONS

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path for package in ("bot", "handlers", "schedules", "storage") for path in (ROOT / package).rglob("*.py")
)
FILES = (".txt", ".jpg", ".mp4", ".html", ".css", ".js", ".svg", ".xlsx")
TEMPLATES = sorted((ROOT / "bot" / "web" / "templates").glob("*.html"))
# Where tables are listed: their names say what they are for, and a column is no sentence.
TABLES = {"models", "migrations"}
# Keys that are put together at run time: the section and what completes it.
COMPOSED = {
    "mark.",
    "unfit.",
    "outage.",
    "board.",
    "mark_label.",
    "alert.",
    "report.",
    "import.",
    "channel.",
    "question.",
    "settings.expect_",
    "figure.",
    "yearly_sheet.",
    "role.",
    "error_page.",
    "verdict.",
    "review.",
    "timetable.",
    "duty_post.",
    "film_state.",
    "tonight.",
    "upload.",
    "alert_page.",
    "films.",
    "audit_action.",
    "audit_detail.",
    "history.step_",
    "history.response_",
    "notice_kind.",
    "notice_state.",
    "doctor.official_account",
    "doctor.wecom_kf",
}


def test_every_setting_stands_in_the_example_and_the_reverse() -> None:
    written = re.findall(r"^([A-Z0-9_]+)=", (ROOT / "config.example.env").read_text("utf-8"), re.M)
    assert sorted(written) == sorted(Config.model_fields)


def _strings(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_sentence_is_used_and_every_one_used_exists() -> None:
    speakers = [path for path in SOURCES if not TABLES & set(path.parts)]
    said = {string for path in speakers for string in _strings(path)}
    said |= {key for page in TEMPLATES for key in re.findall(r"'([a-z_]+\.[a-z_0-9]+)'", page.read_text("utf-8"))}
    sections = {key.split(".")[0] for key in all_texts()}
    keys = {string for string in said if re.fullmatch(r"[a-z_]+\.[a-z_0-9]+", string)}
    used = {key for key in keys if key.split(".")[0] in sections and not key.endswith(FILES)}
    unused = {key for key in all_texts() if key not in said and not key.startswith(tuple(COMPOSED))}
    unused -= {key for key in all_texts() if key.removesuffix("_title") in said}
    assert unused == set()
    missing = {key for key in used if key not in all_texts() and not key.endswith("_")}
    assert missing - {"bot.devtools.simulator", "bot.web", "office_tasks.list_tasks"} - set(ACTIONS) == set()


def test_sentences_name_their_parameters_and_nothing_else() -> None:
    for key in all_texts():
        assert all(name.isidentifier() for name in placeholders(key)), key


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    if "migrations" in path.parts:
        return  # a schema is one long list
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 40, f"{node.name} has {length} lines"


def test_public_names_say_what_they_are_for() -> None:
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in SOURCES
        if not TABLES & set(path.parts)
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert silent == []
