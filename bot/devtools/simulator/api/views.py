"""What the control API and the page show of the cloud, as plain values."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.records import Card, Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud


def phone_view(cloud: "Cloud", userid: str) -> Json:
    """A phone and everything heard on it."""
    with cloud.lock:
        phone = cloud.phone(userid)
        heard = [asdict(item) | {"card": _card_view(item.card)} for item in phone.heard]
        return asdict(phone.member) | {"heard": heard}


def customer_view(cloud: "Cloud", external_userid: str) -> Json:
    """A customer's WeChat and everything heard in it."""
    with cloud.lock:
        return asdict(cloud.kf.customers[external_userid])


def follower_view(cloud: "Cloud", openid: str) -> Json:
    """A follower's WeChat and everything heard in it."""
    with cloud.lock:
        return asdict(cloud.official_account.followers[openid])


def _card_view(card: Card | None) -> Json | None:
    if card is None:
        return None
    return {
        "task_id": card.task_id,
        "title": card.title,
        "content": card.content,
        "buttons": card.buttons,
        "replaced": card.replaced,
        "pressed": card.pressed,
    }


def group_view(cloud: "Cloud", key: str) -> Json:
    """A group and everything heard in it."""
    with cloud.lock:
        group = cloud.group(key)
        return asdict(group.robot) | {"heard": [asdict(item) for item in group.heard]}


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
            "tokens_issued": cloud.tokens.issued,
            "deliveries": len(cloud.sent),
            "heard": {userid: len(cloud.phone(userid).heard) for userid in cloud.members},
            "groups_heard": {key: len(cloud.group(key).heard) for key in cloud.robots},
            "complaints": [asdict(complaint) for complaint in cloud.complaints],
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
