"""What a message tells about reaching its sender: over which channel, and for how long."""

from __future__ import annotations

from handlers.message import Message
from handlers.replies import current_owner
from schedules.context import Context
from storage.delivery_causes import DeliveryCause
from storage.personal_channels import route_to

# Events that end all contact with an account, and events that only show that it is there.
_LEAVING = ("unsubscribe",)
_ARRIVING = ("subscribe", "enter_agent", "enter_session", "enter_chat")
# The kinds of failed notices that are sent again when their person is in contact again.
_RETRIED_KINDS = ("receipt", "question", "alert", "escalation")


def track_contact(message: Message, ctx: Context) -> None:
    """Update the contact of the sender's account; messages in a group say nothing about direct contact."""
    if message.chat_id:
        return None
    contacts, route = ctx.store.contacts, route_to(message.channel, message.realm, message.sender)
    if message.kind == "event" and message.event in _LEAVING:
        return contacts.record_left(route, message.sent_at)
    channel = next((each for each in ctx.store.personal_channels if each.channel == message.channel), None)
    window = channel.reply_window_for(message.kind, message.event) if channel else None
    if message.kind == "event" and window is None and message.event not in _ARRIVING:
        return None
    # An arrival without a message opens no reply window on a channel that has them, and closes none.
    if window is not None or channel is None or channel.reply_window is None:
        contacts.record_message(route, message.sent_at, window)
    else:
        contacts.record_seen(route, message.sent_at)
    if person := current_owner(message, ctx):
        for notice in contacts.retryable_notices(person.id, _RETRIED_KINDS, ctx.now):
            ctx.store.notices.reopen(notice, ctx.now, "sender active again", DeliveryCause.REACHABLE_AGAIN)
    return None
