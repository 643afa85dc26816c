"""上传: a link to a page for films that the chat does not carry, for one person, one enterprise, one night."""

from __future__ import annotations

from datetime import timedelta

from handlers.message import Message
from handlers.part_names import find_part, normalize_text, strip_enterprise_name
from handlers.replies import add_rate_limited_reply, add_reply, sender_of
from schedules.context import Context
from schedules.notify import notify_sender
from schedules.patrol_night import night_of
from storage.db.models import Enterprise, KeyPart, Person, Upload
from storage.errors import OperationRefused
from storage.notices import NoticeDraft

KEYWORD = "上传"
# The realm of those who have no account anywhere: a link knows its person by itself.
UPLOAD_REALM = "upload"
VALID_FOR = timedelta(hours=24)


def handle(message: Message, ctx: Context) -> None:
    """One link for each enterprise the person films for; a part said with the word is the link's."""
    person = sender_of(ctx.store, message)
    enterprises = ctx.store.register.enterprises_of(person.id) if person else []
    if person is None or not enterprises:
        return add_rate_limited_reply(message, ctx, "stranger.text")
    for enterprise in enterprises:
        words = strip_enterprise_name(normalize_text(message.text).removeprefix(KEYWORD), enterprise)
        part = find_part(words, ctx.store.register.parts_of(enterprise.id)) if words else None
        link = _offer(message, person, enterprise, part, ctx)
        _tell(message, link, enterprise, part, ctx)
    return None


def handle_too_large(message: Message, ctx: Context) -> None:
    """The platform keeps a film of this size to itself: here is another way for it."""
    shortest = ctx.rules.for_night(night_of(message.sent_at, ctx.rules)).shortest_film_s
    add_reply(message, ctx, "unsupported.too_large", seconds=round(shortest))
    person = sender_of(ctx.store, message)
    if person is not None and ctx.store.register.enterprises_of(person.id):
        handle(message, ctx)


def _offer(
    message: Message,
    person: Person,
    enterprise: Enterprise,
    part: KeyPart | None,
    ctx: Context,
) -> Upload:
    return ctx.store.uploads.get_or_create(
        once_key=f"{message.channel}/{message.key}/{enterprise.id}",
        realm=message.realm,
        sender=message.sender,
        person_id=person.id,
        enterprise_id=enterprise.id,
        part_id=part.id if part else None,
        night=night_of(message.sent_at, ctx.rules),
        created_at=ctx.now,
        expires_at=ctx.now + VALID_FOR,
    )


def _tell(
    message: Message,
    link: Upload,
    enterprise: Enterprise,
    part: KeyPart | None,
    ctx: Context,
) -> None:
    params = {
        "enterprise": enterprise.short_name,
        "part": f" · {part.number} {part.name}" if part else "",
        "expires": f"{link.expires_at.astimezone(ctx.rules.zone):%m-%d %H:%M}",
        "upload": link.id,
    }
    saying = NoticeDraft(
        kind="system",
        text_key="upload.link",
        once_key=f"upload/{link.id}",
        night=link.night,
        due_at=ctx.now,
        params=params,
        expires_at=link.expires_at,
    )
    notify_sender(message, sender_of(ctx.store, message), saying, ctx.store)


def create_upload_link(person: Person, ctx: Context) -> Upload:
    """A link for somebody who may have no account anywhere. Raises Refused."""
    enterprises = ctx.store.register.enterprises_of(person.id)
    if len(enterprises) != 1:
        raise OperationRefused("upload.needs_one_enterprise", name=person.name)
    account = str(person.id)
    if ctx.store.register.account_owner(UPLOAD_REALM, account, ctx.now) is None:
        ctx.store.register.bind(person.id, UPLOAD_REALM, account, None)
    return ctx.store.uploads.get_or_create(
        once_key=f"upload-invitation/{person.id}/{ctx.now.isoformat()}",
        realm=UPLOAD_REALM,
        sender=account,
        person_id=person.id,
        enterprise_id=enterprises[0].id,
        part_id=None,
        night=night_of(ctx.now, ctx.rules),
        created_at=ctx.now,
        expires_at=ctx.now + VALID_FOR,
    )
