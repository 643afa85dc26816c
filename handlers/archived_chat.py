"""What people say to each other in their group, and we only overhear: films are taken in, words help to place them.

Nobody spoke to us, so nobody is told that we did not understand. Whoever films for an enterprise hears of his film by
the door that reaches him.
"""

from __future__ import annotations

from datetime import timedelta

from handlers import emergency, events, films
from handlers.attribution import attribute_films
from handlers.message import MediaFetch, Message
from handlers.part_names import find_part, strip_enterprise_name
from schedules.context import Context
from schedules.patrol_night import night_of

# The archive's past is read out when it is opened: a danger of long ago is no alarm now.
_FRESH = timedelta(hours=1)


def handle(message: Message, ctx: Context) -> MediaFetch | None:
    """A film is filed like any other; a word that names a part, or danger, counts; all else is none of our business."""
    if message.kind == "film":
        return films.handle(message, ctx)
    if message.kind == "event":
        events.handle(message, ctx)
    if message.kind == "text":
        _word(message, ctx)
    return None


def _word(message: Message, ctx: Context) -> None:
    person = ctx.store.register.account_owner(message.realm, message.sender, message.sent_at)
    enterprises = ctx.store.register.enterprises_of(person.id) if person else []
    if enterprises and emergency.mentions_emergency(message.text) and ctx.now - message.sent_at < _FRESH:
        emergency.handle(message, ctx)
    if any(
        find_part(strip_enterprise_name(message.text, of), ctx.store.register.parts_of(of.id)) for of in enterprises
    ):
        ctx.store.submissions.add_text(
            channel=message.channel,
            message_key=message.key,
            inbox_id=message.inbox_id,
            realm=message.realm,
            sender=message.sender,
            sent_at=message.sent_at,
            text=message.text,
        )
        attribute_films(ctx, message.realm, message.sender, night_of(message.sent_at, ctx.rules))
