"""Template cards with buttons (protocol sheet 4.1), and what was pressed on them. Pure."""

from __future__ import annotations

from typing import Any

_BUTTON_CHARS, _TITLE_CHARS, _TEXT_CHARS = 10, 36, 160
SELECTION_KEY, _QUESTION = "select", "what"


def card(body: dict[str, Any]) -> dict[str, Any]:
    """A button_interaction card of a rendered body: title, text, and buttons or a list to choose from."""
    made: dict[str, Any] = {
        "card_type": "button_interaction",
        "task_id": body["task_id"],
        "main_title": {"title": _cut(body["title"], _TITLE_CHARS)},
        "sub_title_text": _cut(body["text"], _TEXT_CHARS),
    }
    if "url" in body:
        made["card_action"] = {"type": 1, "url": body["url"]}
    if body["form"] == "selection":
        made["button_selection"] = {
            "question_key": _QUESTION,
            "title": _cut(body["label"], _BUTTON_CHARS),
            "option_list": [{"id": key, "text": _cut(label, _BUTTON_CHARS)} for key, label in body["choices"]],
        }
        made["button_list"] = [{"text": body["submit"], "style": 1, "key": SELECTION_KEY}]
    else:
        made["button_list"] = [
            {"text": _cut(label, _BUTTON_CHARS), "style": 1, "key": key} for key, label in body["choices"]
        ]
    return made


def pressed(fields: dict[str, Any]) -> str:
    """The key of the button that was pressed, or of the option that was chosen before submitting."""
    key = str(fields.get("EventKey", "") or "")
    if key != SELECTION_KEY:
        return key
    chosen = fields.get("SelectedItems") or {}
    item = chosen.get("SelectedItem") if isinstance(chosen, dict) else None
    item = item[0] if isinstance(item, list) else item
    options = (item or {}).get("OptionIds") if isinstance(item, dict) else None
    option = options.get("OptionId") if isinstance(options, dict) else None
    return str(option[0] if isinstance(option, list) else option or "")


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"
