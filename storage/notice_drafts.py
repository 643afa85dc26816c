"""What a handler or a job asks to be sent, and the row that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from storage.db.models import GroupChat, Person
from storage.delivery_causes import DeliveryCause
from storage.outbound import NoticeForm
from storage.personal_channels import PersonalChannel, route_to
from storage.priority import Priority

# Why a notice is not even tried: the person has no account, or none that can be reached now.
NO_ACCOUNT, UNDELIVERABLE = "no_account", "undeliverable"
_CAUSES = {NO_ACCOUNT: DeliveryCause.NO_ACCOUNT, UNDELIVERABLE: DeliveryCause.NO_ROUTE}
# The channels whose recipients are in the settings: the fallback addresses and the external monitor.
SMS_MAIL, EXTERNAL_MONITOR = "sms_mail", "heartbeat"
_SETTINGS_ADDRESS = "settings"
_NO_LINKS: Mapping[str, int] = MappingProxyType({})


@dataclass
class NoticeDraft:
    """A text key with its parameters, the form to send it in, and the conditions.

    A later draft with the same `once_key` is always ignored. `check_name` names the check that runs just before
    sending. `due_at` and `expires_at` are instants of the service's clock. `reply_to_inbox_id` is the inbox row that
    it answers.
    """

    kind: str
    text_key: str
    once_key: str
    night: date
    due_at: datetime
    params: dict[str, Any] = field(default_factory=dict)
    form: NoticeForm = NoticeForm.TEXT
    check_name: str | None = None
    expires_at: datetime | None = None
    alert_id: int | None = None
    rung: int | None = None
    reply_to_inbox_id: int | None = None
    priority: Priority = Priority.ORDINARY


def account_row(
    personal_channel: PersonalChannel,
    account: str | None,
    person: Person | None,
    draft: NoticeDraft,
    failure_reason: str = NO_ACCOUNT,
) -> dict[str, Any]:
    """The row of a notice to an account, whether or not it belongs to a known person."""
    route = route_to(personal_channel.channel, personal_channel.realm, account or "")
    name, links = (person.name, {"person_id": person.id}) if person else (account or "", {})
    return notice_row(draft, name, personal_channel.channel, account, route, links, failure_reason)


def group_row(group: GroupChat, draft: NoticeDraft) -> dict[str, Any]:
    """The row of a notice to a work group: by its robot, or by the smart bot where it has none."""
    by_bot = bool(group.chat_id) and not group.robot_key
    channel, address = ("wecom_aibot", group.chat_id) if by_bot else ("wecom_robot", group.robot_key)
    route = route_to(channel, "", address or "") if by_bot else f"wecom_robot/{group.id}"
    return notice_row(draft, group.name, channel, address, route, {"group_id": group.id})


def settings_row(channel: str, draft: NoticeDraft) -> dict[str, Any]:
    """The row of a notice to SMS_MAIL or EXTERNAL_MONITOR; the recipient is named by the channel."""
    return notice_row(draft, channel, channel, _SETTINGS_ADDRESS, channel)


def notice_row(
    draft: NoticeDraft,
    recipient_name: str,
    channel: str,
    address: str | None,
    route: str,
    links: Mapping[str, int] = _NO_LINKS,
    failure_reason: str = NO_ACCOUNT,
) -> dict[str, Any]:
    """The row of a notice; without an address it starts as failed."""
    state, detail = ("due", None) if address else ("failed", failure_reason)
    cause = None if address else _CAUSES[failure_reason]
    recipient = {"recipient_name": recipient_name, "channel": channel, "address": address or "", "route": route}
    return {
        **vars(draft),
        **recipient,
        "priority": _priority(draft),
        "state": state,
        "cause": cause,
        "detail": detail,
        "attempts": 0,
        **links,
    }


def _priority(draft: NoticeDraft) -> Priority:
    """A person waits for the answer to a message or press; most platforms give it minutes at most."""
    return min(draft.priority, Priority.PROMPT) if draft.reply_to_inbox_id or draft.form.is_pinned else draft.priority
