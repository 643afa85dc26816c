"""What a channel needs not be handed: what it cannot carry, and what it has said already."""

from __future__ import annotations

from bot.channels import Channel
from storage.db.models import Notice
from storage.store import Store

_CARDS = ("alert", "buttons", "selection", "review")


def skip_reason(channel: Channel, notice: Notice, store: Store) -> str | None:
    """Why a notice is not sent by this channel, None for one that is."""
    return _lacks(channel, notice) or _said_by_card(channel, notice, store)


def _lacks(channel: Channel, notice: Notice) -> str | None:
    """What a channel has not that this notice is made of; its words go by themselves."""
    if notice.form in _CARDS and not channel.limits.supports_cards:
        return "no cards here"
    return "no files here" if notice.form == "report_file" and not channel.limits.max_file_bytes else None


def _said_by_card(channel: Channel, notice: Notice, store: Store) -> str | None:
    """A question goes as a card and in words, for some phones show no cards; where all do, one message is saved."""
    if not channel.limits.cards_always_shown or notice.form != "text":
        return None
    card = store.notices.by_once_key(f"{notice.once_key}/card")
    going = card is not None and card.route == notice.route and card.state in ("due", "sending", "sent")
    return "its card says it" if going else None
