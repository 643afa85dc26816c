"""Template cards with buttons (protocol sheet 4.1), and what was pressed on them. Pure."""

from __future__ import annotations

from typing import Any

_BUTTON_CHARS, _TITLE_CHARS, _TEXT_CHARS = 10, 36, 160
SELECTION_KEY, _QUESTION = "select", "what"


def build_card(card: dict[str, Any]) -> dict[str, Any]:
    """A button_interaction card of a rendered body: title, text, and buttons or a list to choose from."""
    made: dict[str, Any] = {
        "card_type": "button_interaction",
        "task_id": card["task_id"],
        "main_title": {"title": _cut(card["title"], _TITLE_CHARS)},
        "sub_title_text": _cut(card["text"], _TEXT_CHARS),
    }
    if "url" in card:
        made["card_action"] = {"type": 1, "url": card["url"]}
    if card["form"] == "selection":
        made["button_selection"] = {
            "question_key": _QUESTION,
            "title": _cut(card["label"], _BUTTON_CHARS),
            "option_list": [{"id": key, "text": _cut(label, _BUTTON_CHARS)} for key, label in card["choices"]],
        }
        made["button_list"] = [{"text": card["submit"], "style": 1, "key": SELECTION_KEY}]
    else:
        made["button_list"] = [
            {"text": _cut(label, _BUTTON_CHARS), "style": 1, "key": key} for key, label in card["choices"]
        ]
    return made


def pressed_key(fields: dict[str, Any]) -> str:
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
