"""Finds where texts are used: the key, and the names of the parameters it is given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.texts import all_texts

# A call of `say` in a template, with calls in its arguments up to two deep.
_TEMPLATE_CALL = re.compile(r"say\('([a-z_]+\.[a-z_0-9]+)'((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)")
# Arguments of the functions that take a text key which are no parameters of the text.
_OWN_ARGUMENTS = {"kind", "text_key", "once_key", "cell_value", "status"}
# Names of positional arguments that hold parameters gathered at run time.
_GATHERED_PARAMETERS = {"params", "shown"}


@dataclass(frozen=True)
class TextUse:
    """`is_complete` is False where more parameters are added at run time (`**params`)."""

    place: str
    key: str
    given: frozenset[str]
    is_complete: bool


def python_uses(path: Path) -> Iterator[TextUse]:
    """Every use of a literal key in a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Dict):
            keys, (given, complete) = _said_in(node), _names(node)
            given -= {"say"}
        elif isinstance(node, ast.Call):
            keys = [key for arg in node.args for key in _literal_keys(arg)]
            keys += [key for word in node.keywords if word.arg == "text_key" for key in _literal_keys(word.value)]
            given, complete = _given_by_call(node)
        else:
            continue
        yield from (TextUse(f"{path.name}:{node.lineno}", key, frozenset(given), complete) for key in keys)


def template_uses(path: Path) -> Iterator[TextUse]:
    """Every use of a literal key in a template."""
    for found in _TEMPLATE_CALL.finditer(path.read_text("utf-8")):
        given = re.findall(r"[(,] *(\w+)=(?!=)", found[2])
        if found[1] in all_texts():
            yield TextUse(path.name, found[1], frozenset(given), is_complete=True)


def _literal_keys(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _literal_keys(node.body) + _literal_keys(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and node.value in all_texts() else []


def _said_in(node: ast.Dict) -> list[str]:
    pairs = zip(node.keys, node.values, strict=True)
    return [key for name, value in pairs if _value(name) == "say" for key in _literal_keys(value)]


def _value(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _names(node: ast.Dict) -> tuple[set[str], bool]:
    names = {str(_value(key)) for key in node.keys if isinstance(key, ast.Constant)}
    return names, len(names) == len(node.keys)


def _given_by_call(node: ast.Call) -> tuple[set[str], bool]:
    params = next((word.value for word in node.keywords if word.arg == "params"), None)
    if params is not None:
        return _names(params) if isinstance(params, ast.Dict) else (set(), False)
    names = {word.arg for word in node.keywords if word.arg} - _OWN_ARGUMENTS
    gathered = any(isinstance(arg, ast.Name) and arg.id in _GATHERED_PARAMETERS for arg in node.args)
    return names, all(word.arg for word in node.keywords) and not gathered
