"""Every route of the web application, and the URLs at which a test reaches it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Values for the variables in URLs; nothing needs to exist for them.
URL_VALUES = {
    "act": "edit",
    "alert_id": "1",
    "case_id": "1",
    "code": "E001",
    "day": "2026-11-24",
    "document_id": "1",
    "digest": "0" * 64,
    "generation": "1",
    "kind": "thumb",
    "look_id": "1",
    "name": "x",
    "night": "2026-11-24",
    "notice_id": "1",
    "number": "YH-2026-0001",
    "objection_id": "1",
    "receipt": "1124-0001",
    "submission_id": "1",
    "title": "企业",
    "token": "x",
    "suffix": "xlsx",
    "which": "daily",
}
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


@dataclass(frozen=True)
class Route:
    """One method of one rule, and the file of its view.

    `action` is the permission it needs, None where it needs none.
    """

    method: str
    rule: str
    action: str | None
    source: Path

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(_VARIABLE.findall(self.rule))

    def path(self, values: Mapping[str, str | bytes] = URL_VALUES) -> str:
        """The path with these values for its variables, whether or not the rule accepts them."""
        return _VARIABLE.sub(lambda found: quote(values.get(found[1], URL_VALUES[found[1]]), safe=""), self.rule)


def routes(app: Any) -> Iterator[Route]:
    """Every route of an application, those of the platforms' callbacks included."""
    for each in (app, app.extensions["receivers"]):
        for rule in each.url_map.iter_rules():
            view = each.view_functions[rule.endpoint]
            source = Path(inspect.getsourcefile(inspect.unwrap(view)) or "")
            # HEAD and OPTIONS run the view of GET, or Flask's own, unless a view names them itself.
            implied = {"HEAD", "OPTIONS"} if "GET" in rule.methods or rule.provide_automatic_options else set()
            for method in sorted(rule.methods - implied):
                yield Route(method, rule.rule, getattr(view, "action", None), source)
