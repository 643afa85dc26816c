"""What the control API and the page show of the cloud, as plain values."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.devtools.simulator.core.records import Card, Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

# Fields whose names outside are not those of the records.
_CUSTOMER_KEYS = {
    "session_state": "state",
    "blocks_messages": "refuses",
    "last_message_at": "spoke_at",
    "replies_used": "told",
    "received": "heard",
}
_FOLLOWER_KEYS = {
    "blocks_templates": "refuses",
    "replies_until": "open_until",
    "replies_left": "left",
    "received": "heard",
}
_CARD_KEYS = {"replacement_text": "replaced", "pressed_keys": "pressed", "from_aibot": "of_bot"}


def _outside(record: Any, keys: Mapping[str, str]) -> Json:
    return {keys.get(name, name): value for name, value in asdict(record).items()}


def phone_view(cloud: "Cloud", userid: str) -> Json:
    """A phone and everything heard on it."""
    with cloud.lock:
        phone = cloud.phone(userid)
        heard = [asdict(item) | {"card": _card_view(item.card)} for item in phone.received]
        return asdict(phone.member) | {"heard": heard}


def customer_view(cloud: "Cloud", external_userid: str) -> Json:
    """A customer's WeChat and everything heard in it."""
    with cloud.lock:
        return _outside(cloud.kf.customers[external_userid], _CUSTOMER_KEYS)


def follower_view(cloud: "Cloud", openid: str) -> Json:
    """A follower's WeChat and everything heard in it."""
    with cloud.lock:
        follower = cloud.official_account.followers[openid]
        heard = [_outside(item, {"sent_via": "by"}) for item in follower.received]
        return _outside(follower, _FOLLOWER_KEYS) | {"heard": heard}


def _card_view(card: Card | None) -> Json | None:
    if card is None:
        return None
    return {
        "task_id": card.task_id,
        "title": card.title,
        "content": card.content,
        "buttons": card.buttons,
        "replaced": card.replacement_text,
        "pressed": card.pressed_keys,
    }


def group_view(cloud: "Cloud", key: str) -> Json:
    """A group and everything heard in it."""
    with cloud.lock:
        group = cloud.group(key)
        cards = [item.card and _outside(item.card, _CARD_KEYS) for item in group.received]
        heard = [asdict(item) | {"card": card} for item, card in zip(group.received, cards, strict=True)]
        return asdict(group.robot) | {"heard": heard}


def state_view(cloud: "Cloud") -> Json:
    """Counts, the app's address and every complaint."""
    with cloud.lock:
        return {
            "now": cloud.now(),
            "callback_url": cloud.app.callback_url,
            "members": list(cloud.members),
            "customers": list(cloud.kf.customers),
            "followers": list(cloud.official_account.followers),
            "robots": list(cloud.robots),
            "media": len(cloud.media),
            "tokens_issued": cloud.tokens.issued_count,
            "deliveries": len(cloud.deliveries),
            "heard": {userid: len(cloud.phone(userid).received) for userid in cloud.members},
            "groups_heard": {key: len(cloud.group(key).received) for key in cloud.robots},
            "complaints": [_outside(violation, {"description": "what"}) for violation in cloud.violations],
        }


def page_view(cloud: "Cloud") -> Json:
    """Everything the page shows."""
    return {
        "state": state_view(cloud),
        "phones": [phone_view(cloud, userid) for userid in list(cloud.members)],
        "customers": [customer_view(cloud, each) for each in list(cloud.kf.customers)],
        "followers": [follower_view(cloud, each) for each in list(cloud.official_account.followers)],
        "groups": [group_view(cloud, key) for key in list(cloud.robots)],
    }
