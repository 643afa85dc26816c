"""A photo is stored beside the films; it does not replace one."""

from __future__ import annotations

from dataclasses import replace

from handlers.emergency import updates
from handlers.films import create_submission, file_submission
from handlers.hazards.material import is_of_office, take_filed
from handlers.message import Message
from handlers.receipts import add_film_reply, film_params
from schedules.context import Context
from storage.alerts import NOTE
from storage.db.models import Submission
from storage.store import Store
from storage.submissions import FilingResult


def handle(message: Message, ctx: Context) -> Submission | None:
    """Record the photo and have it fetched."""
    return create_submission(message, ctx, kind="photo")


def file_photo(submission_id: int, result: FilingResult, ctx: Context) -> None:
    """File the stored photo, and tell its sender that a film is still required."""
    photo = ctx.store.submissions.get(submission_id)
    assert photo is not None
    _attribute(photo, ctx.store)
    ctx.store.session.flush()
    if file_submission(photo, replace(result, state="supporting"), [], ctx) and not take_filed(photo, ctx):
        _reply(photo, ctx)


def _reply(photo: Submission, ctx: Context) -> None:
    text_key = "stranger.film" if photo.person_id is None else "photo.stored"
    if is_of_office(photo, ctx):
        text_key = "hazard_chat.kept"
    emergency_entry = updates.on_record(photo, ctx)
    if emergency_entry == NOTE:
        text_key = "alert.note_recorded"
    if emergency_entry in (None, NOTE):
        add_film_reply(photo, ctx, text_key, f"photo/{photo.id}", film_params(photo, ctx))


def _attribute(photo: Submission, store: Store) -> None:
    """To the only enterprise and the only part it can show, where there is only one."""
    enterprises = store.register.enterprises_of(photo.person_id) if photo.person_id else []
    if len(enterprises) != 1:
        return
    photo.enterprise_id = enterprises[0].id
    parts = store.register.parts_of(photo.enterprise_id)
    if len(parts) == 1:
        photo.part_id, photo.attribution, photo.attributed_by = parts[0].id, "attributed", "only_part"
