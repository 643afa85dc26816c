"""Which template cards the platform accepts."""

import re

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.field_checks import (
    limit_bytes,
    limit_characters,
    optional_choice,
    optional_text,
    require_object,
    require_objects,
    require_text,
    require_url,
)
from bot.devtools.simulator.core.records import Json

CARD_TYPES = ("text_notice", "news_notice", "button_interaction", "vote_interaction", "multiple_interaction")
INTERACTIVE_CARD_TYPES = ("button_interaction", "vote_interaction", "multiple_interaction")
TASK_ID_PATTERN = re.compile(r"[0-9A-Za-z_\-@]{1,128}")


def check_card(card: Json) -> list[str]:
    """Raise 40058 unless the card is valid; returns warnings about texts that phones show truncated."""
    kind = require_text(card, "card_type")
    if kind not in CARD_TYPES:
        raise ApiError(40058, f"card_type {kind} unknown")
    _check_task_id(card, required=kind in INTERACTIVE_CARD_TYPES)
    _check_titles(card, required=kind != "text_notice")
    _check_contents(card)
    if kind == "button_interaction":
        _check_buttons(card)
    if kind in ("text_notice", "news_notice"):
        _check_notice(card)
    return _truncation_warnings(card)


def _truncation_warnings(card: Json) -> list[str]:
    title = card.get("main_title", {})
    texts = [
        ("title", title.get("title", ""), 36),
        ("desc", title.get("desc", ""), 44),
        ("sub_title_text", card.get("sub_title_text", ""), 160),
    ]
    return [f"{name} over {limit} characters is truncated" for name, text, limit in texts if len(text) > limit]


def _check_task_id(card: Json, required: bool) -> None:
    task_id = card.get("task_id")
    if task_id is None and not required:
        return
    if not isinstance(task_id, str) or not TASK_ID_PATTERN.fullmatch(task_id):
        raise ApiError(40058, "task_id is not 1 to 128 letters, digits and _-@")


def _check_titles(card: Json, required: bool) -> None:
    if not required and "main_title" not in card:
        require_text(card, "sub_title_text")
        return
    title = require_object(card, "main_title")
    require_text(title, "title")
    optional_text(title, "desc")
    optional_text(card, "sub_title_text")


def _check_contents(card: Json) -> None:
    if "horizontal_content_list" not in card or card["horizontal_content_list"] == []:
        return
    for row in require_objects(card, "horizontal_content_list", 6):
        require_text(row, "keyname")
        optional_text(row, "value")
        kind = optional_choice(row, "type", (0, 1, 2, 3))
        if kind:
            require_text(row, {1: "url", 2: "media_id", 3: "userid"}[kind])


def _check_buttons(card: Json) -> None:
    buttons = require_objects(card, "button_list", 6)
    for button in buttons:
        limit_characters(require_text(button, "text"), 10, "button_list.text")
        optional_choice(button, "style", (1, 2, 3, 4))
        if optional_choice(button, "type", (0, 1)) == 1:
            require_url(button, "url")
        else:
            limit_bytes(require_text(button, "key"), 1024, "button_list.key", 40058)
    keys = [button["key"] for button in buttons if "key" in button]
    if len(set(keys)) != len(keys):
        raise ApiError(40058, "button_list.key is not unique")


def _check_notice(card: Json) -> None:
    action = require_object(card, "card_action")
    kind = optional_choice(action, "type", (0, 1, 2))
    if kind == 1:
        require_url(action, "url")
    if kind == 2:
        require_text(action, "appid")
    if card.get("jump_list"):
        require_objects(card, "jump_list", 3)
