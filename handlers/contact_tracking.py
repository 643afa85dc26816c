"""Who is there: what comes in tells by which door a person can be reached, and for how long."""

from __future__ import annotations

from datetime import datetime

from handlers.message import Message
from storage.personal_channels import route_to
from storage.store import Store

# Doors differ in the word they have for it; each means that nothing more can be said to the account.
_LEFT = ("unsubscribe",)
_CAME = ("subscribe", "enter_agent", "enter_session", "enter_chat")
# What could not be said is made up for when its person is heard of again.
_MADE_UP_FOR = ("receipt", "question", "alert", "escalation")


def track_contact(message: Message, store: Store, now: datetime) -> None:
    """Remember what a message tells about reaching its sender; words in a group tell nothing of that."""
    if message.chat_id:
        return None
    route = route_to(message.channel, message.realm, message.sender)
    if message.kind == "event" and message.event in _LEFT:
        return store.contacts.record_left(route, message.sent_at)
    line = next((line for line in store.personal_channels if line.channel == message.channel), None)
    window = line.reply_window_for(message.kind, message.event) if line else None
    if message.kind != "event" or window is not None or message.event in _CAME:
        # Coming in without a word opens no window where there is one, and closes none that is open.
        if window is not None or line is None or line.reply_window is None:
            store.contacts.record_message(route, message.sent_at, window)
        else:
            store.contacts.record_seen(route, message.sent_at)
        if person := store.register.account_owner(message.realm, message.sender, now):
            for notice in store.contacts.retryable_notices(person.id, _MADE_UP_FOR, now):
                store.notices.reopen(notice, now, "heard of again")
    return None
