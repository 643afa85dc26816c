"""Binding a group chat in which the bot is a member to a work group of the register."""

from __future__ import annotations

from handlers.message import Message
from handlers.part_names import normalize_text
from handlers.replies import add_reply, sender_name, sender_of
from schedules.context import Context
from schedules.notify import notify_office
from storage.db.models import GroupChat
from storage.register_terms import OFFICE_ROLES
from storage.store import Store

KEYWORD = "绑定群"


def handle_group_message(message: Message, ctx: Context) -> bool:
    """Whether a group message was only a binding command.

    The platform does not tell the bot a group's name, so the office is told once how to bind an unknown group.
    """
    text = normalize_text(message.text)
    if message.kind == "text" and text.startswith(KEYWORD):
        _bind(message, text.removeprefix(KEYWORD).strip(":："), ctx)
        return True
    if ctx.store.register.group_by_chat_id(message.chat_id) is None:
        who, chat_id = sender_name(message, ctx), message.chat_id
        once_key = f"unknown-group/{chat_id}"
        notify_office(ctx, ctx.night, "group_binding.unknown", once_key, sender_name=who, chat_id=chat_id)
    return False


def _bind(message: Message, name: str, ctx: Context) -> None:
    """Bind the chat, for a member of the office only: from then on the group's messages are sent here."""
    person = sender_of(message, ctx)
    if person is None or not person.has_role(*OFFICE_ROLES):
        return add_reply(message, ctx, "group_binding.not_permitted")
    groups = ctx.store.register.groups()
    group = next((each for each in groups if normalize_text(each.name) == name), None)
    if group is None:
        return add_reply(message, ctx, "group_binding.no_such_group", names=[each.name for each in groups])
    _move_chat(message.chat_id, group, ctx.store)
    ctx.store.audit_log.record(ctx.now, person.name, "group_bound", group=group.name, chat_id=message.chat_id)
    return add_reply(message, ctx, "group_binding.bound", name=group.name)


def _move_chat(chat_id: str, group: GroupChat, store: Store) -> None:
    previous = store.register.group_by_chat_id(chat_id)
    if previous is not None:
        previous.chat_id = None
    group.chat_id = chat_id
