"""What the page shows: the list of chats, and the messages of one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.records import OwnMessage

MEMBER, CUSTOMER, FOLLOWER, GROUP, REFUSED = "member", "customer", "follower", "group", "refused"
# What stands for a message that has no text of its own.
_TYPE_NAMES = {"image": "[照片]", "video": "[视频]", "voice": "[语音]", "file": "[文件]", "press": "[按了按钮]"}


@dataclass(frozen=True)
class Chat:
    """One entry of the list; `key` is kind/id."""

    key: str
    name: str
    detail: str
    messages: Sequence[Any] = ()
    own: Sequence[OwnMessage] = ()

    @property
    def kind(self) -> str:
        return self.key.partition("/")[0]

    @property
    def account(self) -> str:
        return self.key.partition("/")[2]

    @property
    def bubbles(self) -> list[tuple[bool, Any]]:
        """All messages by time: whether it is the person's own, and the message."""
        both = [(False, each) for each in self.messages] + [(True, each) for each in self.own]
        return sorted(both, key=lambda bubble: bubble[1].at)

    @property
    def last(self) -> Any:
        """The newest message; None while there is none."""
        bubbles = self.bubbles
        return bubbles[-1][1] if bubbles else None


def page_view(cloud: Cloud, key: str) -> dict[str, Any]:
    """The parameters of the page: all chats, the latest first, and the chosen one or else the first person's."""
    with cloud.lock:
        chats = list(_chats(cloud))
        chosen = next((chat for chat in chats if chat.key == key), chats[0] if chats else None)
        if key == REFUSED:
            chosen = None
        return {
            "now": cloud.now(),
            "chats": sorted(chats, key=lambda chat: -chat.last.at if chat.last else 0),
            "chosen": chosen,
            "chosen_by_person": bool(key),
            "names": _TYPE_NAMES,
            "violations": list(reversed(cloud.violations)),
        }


def _chats(cloud: Cloud) -> Iterator[Chat]:
    def own(account: str) -> list[OwnMessage]:
        return list(cloud.own_messages.get(account, ()))

    for userid, member in cloud.members.items():
        detail = userid if member.shows_cards else f"{userid} · 不显示卡片"
        yield Chat(f"{MEMBER}/{userid}", member.name, detail, list(cloud.phone(userid).received), own(userid))
    for key, customer in cloud.kf.customers.items():
        yield Chat(f"{CUSTOMER}/{key}", customer.name, "微信客服", list(customer.received), own(key))
    for key, follower in cloud.official_account.followers.items():
        yield Chat(f"{FOLLOWER}/{key}", follower.name, "公众号", list(follower.received), own(key))
    for key, robot in cloud.robots.items():
        yield Chat(f"{GROUP}/{key}", robot.group_name, "工作群", list(cloud.group(key).received))
