"""A photo is kept beside the films; it does not replace one (mission 4.5, case 10)."""

from __future__ import annotations

from handlers.films import create_submission
from handlers.message import MediaFetch, Message
from handlers.receipts import add_film_reply, film_params
from schedules.context import Context
from storage.db.models import Submission
from storage.store import Store
from storage.submissions import FilingResult


def handle(message: Message, ctx: Context) -> MediaFetch | None:
    """Put the photo on record and have it fetched."""
    return create_submission(message, ctx, kind="photo")


def file_photo(submission_id: int, filed: FilingResult, ctx: Context) -> None:
    """The photo is kept: say that the film is still wanted."""
    photo = ctx.store.submissions.get(submission_id)
    assert photo is not None
    _place(photo, ctx.store)
    ctx.store.session.flush()
    if ctx.store.submissions.file(submission_id, FilingResult(**{**vars(filed), "state": "supporting"}), []):
        text_key = "stranger.film" if photo.person_id is None else "photo.stored"
        add_film_reply(
            photo, ctx.store, ctx.now, text_key, f"photo/{photo.id}", film_params(photo, ctx.store, ctx.rules)
        )


def _place(photo: Submission, store: Store) -> None:
    """Beside the films of the part, where there is only one it can show."""
    enterprises = store.register.enterprises_of(photo.person_id) if photo.person_id else []
    if len(enterprises) != 1:
        return
    photo.enterprise_id = enterprises[0].id
    parts = store.register.parts_of(photo.enterprise_id)
    if len(parts) == 1:
        photo.part_id, photo.attribution, photo.attributed_by = parts[0].id, "attributed", "only_part"
