"""message/update_template_card: changes a card that was sent before."""

import copy

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.card_rules import check_card
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.field_checks import (
    optional_choice,
    optional_text,
    optional_texts,
    require_object,
    require_text,
)
from bot.devtools.simulator.core.recipients import check_agent_id, match_members
from bot.devtools.simulator.core.records import Card, Json

ENDPOINT = "message/update_template_card"


def update_card(cloud: Cloud, body: Json) -> Json:
    """Change the copies of the given members; the caller holds the cloud's lock."""
    check_agent_id(cloud.app, body)
    code = require_text(body, "response_code")
    replacement = _replacement(body)
    users = _users(body)
    task_id = cloud.cards.redeem_code(code, cloud.now())
    members, unknown = match_members(cloud.members, cloud.cards.holders(task_id) if users is None else users)
    for member in members:
        card = cloud.cards.find_copy(task_id, member.userid)
        if card is not None:
            _apply(card, replacement, body)
    if unknown:
        cloud.record_violation(ENDPOINT, 0, f"invaliduser {unknown}")
    return {"invaliduser": unknown.split("|")} if unknown else {}


def _users(body: Json) -> tuple[str, ...] | None:
    """The given userids; None for everybody."""
    if optional_choice(body, "atall", (0, 1)):
        return None
    users = optional_texts(body, "userids")
    if not users and not body.get("partyids") and not body.get("tagids"):
        raise ApiError(81012, "userids, partyids, tagids and atall are all empty")
    return users


def _replacement(body: Json) -> str:
    """The text that replaces the buttons; empty if the new card has none."""
    if "button" in body:
        return require_text(require_object(body, "button"), "replace_name")
    card = require_object(body, "template_card")
    check_card({"task_id": "unchanged"} | card)
    return optional_text(card, "replace_text")


def _apply(card: Card, replacement: str, body: Json) -> None:
    if "template_card" in body and "button" not in body:
        card.content = copy.deepcopy(body["template_card"])
        card.replacement_text = replacement or None
        return
    card.replacement_text = replacement
