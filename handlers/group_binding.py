"""Work groups in which the bot sits: learnt when somebody speaks there, bound to a group of the register."""

from __future__ import annotations

from handlers.message import Message
from handlers.part_names import normalize_text
from handlers.replies import add_reply, sender_name, sender_of
from schedules.context import Context
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from storage.db.models import GroupChat
from storage.register import OFFICE_STAFF_ROLES
from storage.store import Store

_BIND = "绑定群"


def handle_group_message(message: Message, ctx: Context) -> bool:
    """Something was said in a group; True when it was only about which group this is.

    Nobody can tell the bot a group's name but people: the office is told once how to.
    """
    said = normalize_text(message.text)
    if message.kind == "text" and said.startswith(_BIND):
        _bind(message, said.removeprefix(_BIND).strip(":："), ctx)
        return True
    if ctx.store.register.group_by_chat_id(message.chat_id) is None:
        who, chat = sender_name(ctx.store, message), message.chat_id
        notify_office(
            ctx.store,
            night_of(ctx.now, ctx.rules),
            ctx.now,
            "group_binding.unknown",
            f"unknown-group/{chat}",
            sender_name=who,
            chat_id=chat,
        )
    return False


def _bind(message: Message, name: str, ctx: Context) -> None:
    """By a member of the office only: from then on what the group is told comes here."""
    person = sender_of(ctx.store, message)
    if person is None or not set(OFFICE_STAFF_ROLES) & set(person.roles):
        return add_reply(message, ctx, "group_binding.not_permitted")
    groups = ctx.store.register.groups()
    group = next((each for each in groups if normalize_text(each.name) == name), None)
    if group is None:
        return add_reply(message, ctx, "group_binding.no_such_group", names=[each.name for each in groups])
    _move(message.chat_id, group, ctx.store)
    ctx.store.audit_log.record(ctx.now, person.name, "group_bound", group=group.name, chat_id=message.chat_id)
    return add_reply(message, ctx, "group_binding.bound", name=group.name)


def _move(chat: str, group: GroupChat, store: Store) -> None:
    before = store.register.group_by_chat_id(chat)
    if before is not None:
        before.chat_id = None
    group.chat_id = chat
