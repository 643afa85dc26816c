"""Template cards with buttons or a dropdown, and what was pressed on them. Pure."""

from __future__ import annotations

from typing import Any

from storage.outbound import CardPayload

_BUTTON_CHARS, _TITLE_CHARS, _TEXT_CHARS = 10, 36, 160
_SUBMIT_KEY, _QUESTION_KEY = "select", "what"


def build_card(card: CardPayload, max_title_chars: int = _TITLE_CHARS) -> dict[str, Any]:
    """A `button_interaction` template card."""
    template: dict[str, Any] = {
        "card_type": "button_interaction",
        "task_id": card.task_id,
        "main_title": {"title": _cut(card.title, max_title_chars)},
        "sub_title_text": _cut(card.text, _TEXT_CHARS),
    }
    if card.url is not None:
        template["card_action"] = {"type": 1, "url": card.url}
    labels = [(choice.key, _cut(choice.label, _BUTTON_CHARS)) for choice in card.choices]
    if card.dropdown is None:
        template["button_list"] = [{"text": label, "style": 1, "key": key} for key, label in labels]
    else:
        template["button_selection"] = {
            "question_key": _QUESTION_KEY,
            "title": _cut(card.dropdown.label, _BUTTON_CHARS),
            "option_list": [{"id": key, "text": label} for key, label in labels],
        }
        template["button_list"] = [{"text": card.dropdown.submit, "style": 1, "key": _SUBMIT_KEY}]
    return template


def pressed_key(fields: dict[str, Any]) -> str:
    """The key of the button that was pressed, or of the option that was submitted; empty if there is none."""
    key = str(fields.get("EventKey", "") or "")
    if key != _SUBMIT_KEY:
        return key
    item = _first(_member(fields.get("SelectedItems"), "SelectedItem"))
    return str(_first(_member(_member(item, "OptionIds"), "OptionId")) or "")


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _first(value: Any) -> Any:
    """XML with one element gives the element, with several a list."""
    return value[0] if isinstance(value, list) and value else value


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"
