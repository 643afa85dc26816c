"""New accounts of a person: the other accounts are told, and can undo it by one tap or by the text 撤销绑定."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from handlers.cards import update_card
from handlers.films import release_quarantined_films
from handlers.message import Message
from handlers.replies import add_reply, current_owner
from schedules.channel_choice import route_options
from schedules.context import Context
from schedules.notify import notify_office
from storage.contacts import RouteStatus
from storage.db.models import Binding, Notice, Person
from storage.notices import UNDELIVERABLE, NoticeDraft, NoticeForm
from storage.personal_channels import PersonalChannel, canonical_account

Status = tuple[PersonalChannel, RouteStatus]

# For how long the accounts that were told can undo a binding.
_UNDO_PERIOD = timedelta(days=7)


def complete_register_change(bindings: Sequence[Binding], ctx: Context) -> int:
    """Handle accounts that were entered in the register; the number of films whose sender is now known."""
    announce_bindings(bindings, ctx)
    return release_quarantined_films(ctx)


def announce_bindings(bindings: Sequence[Binding], ctx: Context) -> None:
    """Tell every account that a person had before of the new ones, by a card with a button and by a text.

    `bindings` were made together, as by an import, and get no notice about each other. The notices do not go to the new
    accounts, which may be a stranger's.
    """
    people = {binding.person_id for binding in bindings}
    statuses = ctx.store.contacts.route_statuses_by_person(people, ctx.store.personal_channels)
    new: dict[int, set[str]] = defaultdict(set)
    for binding in bindings:
        new[binding.person_id].add(_key(binding.realm, binding.account))
    for binding in bindings:
        others: dict[str, list[Status]] = defaultdict(list)
        for channel, status in statuses.get(binding.person_id, ()):
            others[_key(channel.realm, status.account)].append((channel, status))
        for key in sorted(others.keys() - new[binding.person_id]):
            _tell(key, others[key], binding, new[binding.person_id], ctx)


def _tell(key: str, statuses: Sequence[Status], binding: Binding, new: set[str], ctx: Context) -> None:
    """Tell one account, by the best of the channels that reach it."""
    person = ctx.store.register.person(binding.person_id)
    option = next(iter(route_options("system", statuses, ctx.now)), None)
    channel, account = (option.personal_channel, option.account) if option else (statuses[0][0], None)
    for form, suffix in ((NoticeForm.TEXT, ""), (NoticeForm.BINDING, "/card")):
        draft = _draft(binding, form, f"{_once_key(binding, key)}{suffix}", new, ctx)
        ctx.store.notices.add_for_account(channel, account, person, draft, UNDELIVERABLE)


def _draft(binding: Binding, form: NoticeForm, once_key: str, new: set[str], ctx: Context) -> NoticeDraft:
    return NoticeDraft(
        kind="system",
        text_key="binding.added_card" if form is NoticeForm.BINDING else "binding.added",
        once_key=once_key,
        night=ctx.night,
        due_at=ctx.now,
        params={**_shown(binding), "binding": binding.id, "time": ctx.rules.clock_time(ctx.now), "not_to": sorted(new)},
        form=form,
        check_name="binding",
        expires_at=ctx.now + _UNDO_PERIOD,
    )


def check_binding(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The parameters of an announcement; None once the binding has ended."""
    current = ctx.store.register.current_bindings(notice.person_id or 0)
    return notice.params if notice.params["binding"] in {binding.id for binding in current} else None


def undo_by_button(message: Message, binding_id: int, ctx: Context) -> None:
    """The button of an announcement was pressed."""
    _undo_latest(message, ctx, binding_id)


def undo_by_text(message: Message, ctx: Context) -> None:
    """For channels without buttons: undo the latest binding about which this account was notified."""
    _undo_latest(message, ctx)


def _undo_latest(message: Message, ctx: Context, binding_id: int | None = None) -> None:
    """Undo the binding with that id, or the latest, if this account may; say what has become of it."""
    person = current_owner(message, ctx)
    current = ctx.store.register.current_bindings(person.id) if person else ()
    wanted = (each for each in current if binding_id in (None, each.id) and _may_undo(message, each, ctx))
    binding = next(wanted, None)
    if person is None or binding is None:
        return add_reply(message, ctx, "binding.nothing_to_undo")
    _undo(person, binding, ctx)
    if message.response_code:
        return update_card(message, f"binding/{binding.id}", {}, ctx, "binding.card_undone")
    return add_reply(message, ctx, "binding.undone", **_shown(binding))


def _may_undo(message: Message, binding: Binding, ctx: Context) -> bool:
    """Only an account that was notified of a binding may undo it, so that a stranger's cannot undo the older ones."""
    announced = ctx.store.notices.by_once_key(_once_key(binding, _key(message.realm, message.sender)))
    return announced is not None and ctx.now < announced.due_at + _UNDO_PERIOD


def _undo(person: Person, binding: Binding, ctx: Context) -> None:
    """End the binding, and the sessions that the account may have opened."""
    binding.until = ctx.now
    ctx.store.sign_ins.end_all(person.id, ctx.now)
    ctx.store.audit_log.record(ctx.now, person.name, "binding_undone", account=binding.account, realm=binding.realm)
    shown = {"name": person.name, **_shown(binding)}
    notify_office(ctx, ctx.night, "binding.undone_office", f"binding-undone/{binding.id}", **shown)


def _shown(binding: Binding) -> dict[str, Any]:
    return {"realm": {"say": f"realm.{binding.realm}"}, "account": binding.account}


def _once_key(binding: Binding, account_key: str) -> str:
    return f"binding/{binding.id}/{account_key}"


def _key(realm: str, account: str) -> str:
    return f"{realm}/{canonical_account(realm, account)}"
