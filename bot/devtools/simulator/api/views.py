"""The JSON of phones, groups and state, for the control API and the page."""

from dataclasses import fields, is_dataclass
from typing import Any

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.records import Card, Json

# JSON keys that other programs read, where they differ from the field names.
KEYS = {
    "received": "heard",
    "description": "what",
    "sent_via": "by",
    "session_state": "state",
    "last_message_at": "spoke_at",
    "replies_used": "told",
    "replies_until": "open_until",
    "replies_left": "left",
    "blocks_messages": "refuses",
    "blocks_templates": "refuses",
    "replacement_text": "replaced",
    "pressed_keys": "pressed",
    "from_aibot": "of_bot",
}


def phone_view(cloud: Cloud, userid: str) -> Json:
    """A member, and all messages on the phone."""
    with cloud.lock:
        phone = cloud.phone(userid)
        messages = [_record(message) | {"card": _card_view(message.card)} for message in phone.received]
        return {**_record(phone.member), "heard": messages}


def customer_view(cloud: Cloud, external_userid: str) -> Json:
    """A customer, and all messages in the chat."""
    with cloud.lock:
        return _record(cloud.kf.customers[external_userid])


def follower_view(cloud: Cloud, openid: str) -> Json:
    """A follower, and all messages in the chat."""
    with cloud.lock:
        return _record(cloud.official_account.followers[openid])


def group_view(cloud: Cloud, key: str) -> Json:
    """A robot, and all messages in its group."""
    with cloud.lock:
        group = cloud.group(key)
        return {**_record(group.robot), "heard": _plain(group.received)}


def state_view(cloud: Cloud) -> Json:
    """The app's callback URL, counts, and all violations."""
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
            "complaints": _plain(cloud.violations),
        }


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


def _record(record: Any) -> Json:
    return {KEYS.get(field.name, field.name): _plain(getattr(record, field.name)) for field in fields(record)}


def _plain(value: Any) -> Any:
    """Records as dictionaries with the keys of the JSON; raw messages as they are."""
    if is_dataclass(value):
        return _record(value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
