"""message/update_template_card: a card changes after it was sent (protocol sheet, section 4.2)."""

import copy
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.card_rules import check_card
from bot.devtools.simulator.core.errors import Refusal
from bot.devtools.simulator.core.field_checks import maybe_words, one_of, part, texts, words
from bot.devtools.simulator.core.recipients import check_agent, match_members
from bot.devtools.simulator.core.records import Card, Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

ENDPOINT = "message/update_template_card"


def update(cloud: "Cloud", body: Json) -> Json:
    """Change the copies of the people named; the caller holds the cloud's lock."""
    check_agent(cloud.app, body)
    code = words(body, "response_code")
    replacement = _replacement(body)
    users = _users(body)
    task_id = cloud.cards.redeem(code, cloud.now())
    wanted = cloud.cards.holders(task_id) if users is None else users
    members, unknown = match_members(cloud.members, wanted)
    for member in members:
        card = cloud.cards.copy_of(task_id, member.userid)
        if card is not None:
            _apply(card, replacement, body)
    if unknown:
        cloud.complain(ENDPOINT, 0, f"invaliduser {unknown}")
    return {"invaliduser": unknown.split("|")} if unknown else {}


def _users(body: Json) -> tuple[str, ...] | None:
    """The userids named, or None for everybody."""
    if one_of(body, "atall", (0, 1)):
        return None
    users = texts(body, "userids")
    if not users and not body.get("partyids") and not body.get("tagids"):
        raise Refusal(81012, "userids, partyids, tagids and atall are all empty")
    return users


def _replacement(body: Json) -> str:
    """What the buttons become; empty when a full card says it itself."""
    if "button" in body:
        return words(part(body, "button"), "replace_name")
    card = part(body, "template_card")
    check_card({"task_id": "kept"} | card)
    return maybe_words(card, "replace_text")


def _apply(card: Card, replacement: str, body: Json) -> None:
    if "template_card" in body and "button" not in body:
        card.content = copy.deepcopy(body["template_card"])
        card.replaced = replacement or None
        return
    card.replaced = replacement
