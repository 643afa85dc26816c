"""What is to be said, and the row that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from storage.db.models import GroupChat, Person
from storage.personal_channels import PersonalChannel, route_to

# Why a notice has not even been tried: the person has no account, or none that can be reached now.
NO_LINKS: Mapping[str, int] = MappingProxyType({})
NO_ACCOUNT, UNDELIVERABLE = "no_account", "undeliverable"


@dataclass
class NoticeDraft:
    """What to say: a text key with its parameters, in which form, and under what conditions.

    `once_key` makes the decision unique for ever. `still` names the check that must hold at the
    moment of sending. `due_at` and `expires_at` are instants of the service's clock. `answers` is
    the message (of the inbox) that it answers.
    """

    kind: str
    text_key: str
    once_key: str
    night: date
    due_at: datetime
    params: dict[str, Any] = field(default_factory=dict)
    form: str = "text"
    check_name: str | None = None
    expires_at: datetime | None = None
    alert_id: int | None = None
    rung: int | None = None
    reply_to_inbox_id: int | None = None


def account_row(
    personal_channel: PersonalChannel,
    account: str | None,
    person: Person | None,
    draft: NoticeDraft,
    failure_reason: str = NO_ACCOUNT,
) -> dict[str, Any]:
    """To an account, whether or not it belongs to anybody."""
    route = route_to(personal_channel.channel, personal_channel.realm, account or "")
    name, links = (person.name, {"person_id": person.id}) if person else (account or "", {})
    return notice_row(draft, name, personal_channel.channel, account, route, links, failure_reason)


def group_row(group: GroupChat, draft: NoticeDraft) -> dict[str, Any]:
    """To a work group: by its robot, or by the smart bot where it has none."""
    by_bot = bool(group.chat_id) and not group.robot_key
    channel, address = ("wecom_aibot", group.chat_id) if by_bot else ("wecom_robot", group.robot_key)
    route = route_to(channel, "", address or "") if by_bot else f"wecom_robot/{group.id}"
    return notice_row(draft, group.name, channel, address, route, {"group_id": group.id})


def notice_row(
    draft: NoticeDraft, recipient_name: str, channel: str, address: str | None, route: str,
    links: Mapping[str, int] = NO_LINKS, failure_reason: str = NO_ACCOUNT,
) -> dict[str, Any]:  # fmt: skip
    """The row of a notice; one that nobody can be reached by has failed from the beginning."""
    state, detail = ("due", None) if address else ("failed", failure_reason)
    return {
        **vars(draft), "recipient_name": recipient_name, "channel": channel, "address": address or "", "route": route,
        "state": state, "detail": detail, "attempts": 0, **links,
    }  # fmt: skip
