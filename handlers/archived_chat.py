"""Messages from the chat archive, which people write to each other in their group.

Films are taken in, and texts help to attribute them. The messages are not addressed to the service, so no text is
answered. The sender of a film for an enterprise gets the receipt over a personal channel.
"""

from __future__ import annotations

from datetime import timedelta

from handlers import events, films
from handlers.attribution import attribute_films, names_part, store_text
from handlers.emergency import reports, updates
from handlers.emergency.recognition import Certainty
from handlers.message import Message
from handlers.replies import sender_and_enterprises
from schedules.context import Context
from schedules.patrol_night import night_of
from storage.db.models import Submission

# When the archive is opened its past is read too: an old emergency raises no alert.
_EMERGENCY_MAX_AGE = timedelta(hours=1)


def handle(message: Message, ctx: Context) -> Submission | None:
    """File a film as any other; of texts only those that name a part or report an emergency matter."""
    if message.kind == "film":
        return films.handle(message, ctx)
    if message.kind == "event":
        events.handle(message, ctx)
    if message.kind == "text":
        _handle_text(message, ctx)
    return None


def _handle_text(message: Message, ctx: Context) -> None:
    _, enterprises = sender_and_enterprises(message, ctx)
    is_recent = ctx.now - message.sent_at < _EMERGENCY_MAX_AGE
    if is_recent and (alert := updates.open_report(message, ctx)):
        updates.pass_on(alert, message, ctx)
    elif enterprises and is_recent and reports.recognize(message, ctx) is Certainty.SURE:
        reports.handle(message, ctx)
    if any(names_part(message.text, enterprise, ctx.store) for enterprise in enterprises):
        store_text(message, ctx)
        attribute_films(ctx, message.realm, message.sender, night_of(message.sent_at, ctx.rules))
