"""上传: a link to a page for films the chat cannot carry, for one person, one enterprise and one night."""

from __future__ import annotations

from datetime import timedelta

from handlers.message import Message
from handlers.part_names import find_part, normalize_text, strip_enterprise_name
from handlers.replies import add_rate_limited_reply, add_reply, sender_and_enterprises
from schedules.context import Context
from schedules.notify import notify_sender
from schedules.patrol_night import night_of
from storage.db.models import Enterprise, KeyPart, Person, Upload
from storage.errors import OperationRefused
from storage.notices import NoticeDraft

KEYWORD = "上传"
# The realm of people without any account: the link itself identifies the person.
UPLOAD_REALM = "upload"
VALID_FOR = timedelta(hours=24)
# An upload without progress for this long is replaced by a new link; before that, the sender is asked to wait.
_STALLED_AFTER = timedelta(minutes=2)


def handle(message: Message, ctx: Context) -> None:
    """Reply with one link for each of the person's enterprises; a part named in the text is set for the film."""
    person, enterprises = sender_and_enterprises(message, ctx)
    if person is None or not enterprises:
        return add_rate_limited_reply(message, ctx, "stranger.text")
    for enterprise in enterprises:
        if _is_busy(message, person, enterprise, ctx):
            continue
        text = strip_enterprise_name(normalize_text(message.text).removeprefix(KEYWORD), enterprise)
        part = find_part(text, ctx.store.register.parts_of(enterprise.id)) if text else None
        _send_link(message, person, enterprise, part, ctx)
    return None


def _is_busy(message: Message, person: Person, enterprise: Enterprise, ctx: Context) -> bool:
    """Whether a film is being uploaded right now. A new link would end it, so the sender is asked to wait."""
    upload = ctx.store.uploads.in_progress(person.id, enterprise.id, ctx.now - _STALLED_AFTER)
    if upload is None or upload.once_key == _once_key(message, enterprise):
        return False
    percent = upload.received_bytes * 100 // (upload.size or 1)
    add_reply(message, ctx, "upload.in_progress", enterprise=enterprise.short_name, percent=percent)
    return True


def _once_key(message: Message, enterprise: Enterprise) -> str:
    return f"{message.channel}/{message.key}/{enterprise.id}"


def handle_too_large(message: Message, ctx: Context) -> None:
    """The platform does not deliver a film of this size: explain the upload page and send links to it."""
    shortest_s = ctx.rules.for_night(night_of(message.sent_at, ctx.rules)).shortest_film_s
    add_reply(message, ctx, "unsupported.too_large", seconds=round(shortest_s))
    _, enterprises = sender_and_enterprises(message, ctx)
    if enterprises:
        handle(message, ctx)


def _send_link(message: Message, person: Person, enterprise: Enterprise, part: KeyPart | None, ctx: Context) -> None:
    upload = ctx.store.uploads.get_or_create(
        once_key=_once_key(message, enterprise),
        realm=message.realm,
        sender=message.sender,
        person_id=person.id,
        enterprise_id=enterprise.id,
        part_id=part.id if part else None,
        night=night_of(message.sent_at, ctx.rules),
        created_at=ctx.now,
        expires_at=ctx.now + VALID_FOR,
    )
    params = {
        "enterprise": enterprise.short_name,
        "part": f" · {part.label}" if part else "",
        "expires": f"{upload.expires_at.astimezone(ctx.rules.zone):%m-%d %H:%M}",
        "upload": upload.link_id,
    }
    draft = NoticeDraft(
        kind="system",
        text_key="upload.link",
        once_key=f"upload/{upload.id}",
        night=upload.night,
        due_at=ctx.now,
        params=params,
        expires_at=upload.expires_at,
    )
    notify_sender(message, person, draft, ctx.store)


def create_upload_link(person: Person, ctx: Context) -> Upload:
    """A link for a person who may have no account on any channel. Raises OperationRefused."""
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
        night=ctx.night,
        created_at=ctx.now,
        expires_at=ctx.now + VALID_FOR,
    )
