"""The content of the upload page: whom the link is for, the parts to choose from, and the state of the film."""

from __future__ import annotations

from typing import Any

from bot.texts import all_texts, say
from bot.unit_of_work import UnitOfWork
from handlers.receipts import film_params
from storage.db.models import Submission, Upload
from storage.store import Store
from storage.uploads import CHANNEL

# The texts that the script fills in and shows.
_SCRIPT_TEXTS = ("progress", "paused", "failed", "too_large", "no_room", "no_part", "checking", "resume")


def upload_page_view(uow: UnitOfWork, upload: Upload | None, error: str | None) -> dict[str, Any]:
    """The variables of upload.html. `error` is a reason of UploadAccess.denial_reason."""
    if upload is None or error in ("not_found", "other_browser", "expired"):
        return {"error": say(f"upload.{error}"), "upload": None}
    with uow.read() as store:
        enterprise, rules = store.register.enterprise(upload.enterprise_id), uow.rules(store)
        parts = [(part.id, f"{part.number} {part.name}") for part in store.register.parts_of(upload.enterprise_id)]
    selected = upload.part_id or (parts[0][0] if len(parts) == 1 else None)
    return {
        "error": None,
        "upload": upload,
        "enterprise": enterprise.short_name if enterprise else "",
        "parts": parts,
        "selected_part_id": selected,
        "selected_part_label": dict(parts).get(selected or 0, ""),
        "largest_mb": rules.for_night(upload.night).largest_upload_mb,
        "texts": {name: all_texts()[f"upload.{name}"] for name in _SCRIPT_TEXTS},
        "state": upload_state_view(uow, upload),
    }


def upload_state_view(uow: UnitOfWork, upload: Upload) -> dict[str, Any]:
    """How much of the film has arrived and, once it is complete, the result of its check."""
    view: dict[str, Any] = {"state": upload.state, "received": upload.received_bytes, "size": upload.size, "words": ""}
    if upload.state != "complete":
        return view
    with uow.read() as store:
        film = store.submissions.by_message(CHANNEL, upload.once_key)
        if film is None or film.state == "receiving":
            return {**view, "state": "checking", "words": say("upload.checking")}
        return {**view, "state": "done" if film.state == "filed" else "unfit", "words": _result_text(film, uow, store)}


def _result_text(film: Submission, uow: UnitOfWork, store: Store) -> str:
    params = film_params(film, uow.context(store))
    if film.state == "filed":
        return say("upload.filed", **params)
    fault = next((mark for mark in film.marks if f"unfit.{mark}" in all_texts()), "lost")
    return say(f"unfit.{fault}", **params)
