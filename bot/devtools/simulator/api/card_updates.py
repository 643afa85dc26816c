"""message/update_template_card: a card changes after it was sent (protocol sheet, section 4.2)."""

import copy
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

ENDPOINT = "message/update_template_card"


def update_card(cloud: "Cloud", body: Json) -> Json:
    """Change the copies of the people named; the caller holds the cloud's lock."""
    check_agent_id(cloud.app, body)
    code = require_text(body, "response_code")
    replacement = _replacement(body)
    users = _users(body)
    task_id = cloud.cards.redeem_code(code, cloud.now())
    wanted = cloud.cards.holders(task_id) if users is None else users
    members, unknown = match_members(cloud.members, wanted)
    for member in members:
        card = cloud.cards.find_copy(task_id, member.userid)
        if card is not None:
            _apply(card, replacement, body)
    if unknown:
        cloud.record_violation(ENDPOINT, 0, f"invaliduser {unknown}")
    return {"invaliduser": unknown.split("|")} if unknown else {}


def _users(body: Json) -> tuple[str, ...] | None:
    """The userids named, or None for everybody."""
    if optional_choice(body, "atall", (0, 1)):
        return None
    users = optional_texts(body, "userids")
    if not users and not body.get("partyids") and not body.get("tagids"):
        raise ApiError(81012, "userids, partyids, tagids and atall are all empty")
    return users


def _replacement(body: Json) -> str:
    """What the buttons become; empty when a full card says it itself."""
    if "button" in body:
        return require_text(require_object(body, "button"), "replace_name")
    card = require_object(body, "template_card")
    check_card({"task_id": "kept"} | card)
    return optional_text(card, "replace_text")


def _apply(card: Card, replacement: str, body: Json) -> None:
    if "template_card" in body and "button" not in body:
        card.content = copy.deepcopy(body["template_card"])
        card.replacement_text = replacement or None
        return
    card.replacement_text = replacement
