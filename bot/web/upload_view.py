"""What the upload page says: whom the link is for, what may be chosen, and what became of the film."""

from __future__ import annotations

from typing import Any

from bot.texts import all_texts, say
from bot.unit_of_work import UnitOfWork
from handlers.receipts import film_params
from storage.db.models import Submission, Upload
from storage.store import Store
from storage.uploads import CHANNEL

# What the script says by itself; everything else comes with the page.
_SAID_BY_SCRIPT = ("progress", "paused", "failed", "too_large", "no_part", "checking", "resume")


def upload_page_view(uow: UnitOfWork, upload: Upload | None, error: str | None) -> dict[str, Any]:
    """Everything the page shows."""
    if upload is None or error in ("not_found", "other_browser", "expired"):
        return {"error": say(f"upload.{error}"), "upload": None}
    with uow.read() as store:
        enterprise, book = store.register.enterprise(upload.enterprise_id), uow.rules(store)
        parts = [(part.id, f"{part.number} {part.name}") for part in store.register.parts_of(upload.enterprise_id)]
    chosen = upload.part_id or (parts[0][0] if len(parts) == 1 else None)
    return {
        "error": None,
        "upload": upload,
        "enterprise": enterprise.short_name if enterprise else "",
        "parts": parts,
        "selected_part_id": chosen,
        "selected_part_label": dict(parts).get(chosen or 0, ""),
        "largest_mb": book.for_night(upload.night).largest_upload_mb,
        "texts": {name: text_template(f"upload.{name}") for name in _SAID_BY_SCRIPT},
        "state": upload_state_view(uow, upload),
    }


def text_template(key: str) -> str:
    """A sentence with its places still open: the script fills them in."""
    return all_texts()[key]


def upload_state_view(uow: UnitOfWork, upload: Upload) -> dict[str, Any]:
    """How far a film has come, and once it is whole, what became of it."""
    told: dict[str, Any] = {"state": upload.state, "received": upload.received_bytes, "size": upload.size, "words": ""}
    if upload.state != "complete":
        return told
    with uow.read() as store:
        film = store.submissions.by_message(CHANNEL, upload.once_key)
        if film is None or film.state == "receiving":
            return {**told, "state": "checking", "words": say("upload.checking")}
        return {**told, "state": "done" if film.state == "filed" else "unfit", "words": _verdict(film, uow, store)}


def _verdict(film: Submission, memory: UnitOfWork, store: Store) -> str:
    params = film_params(film, memory.context(store))
    if film.state == "filed":
        return say("upload.filed", **params)
    fault = next((mark for mark in film.marks if f"unfit.{mark}" in all_texts()), "lost")
    return say(f"unfit.{fault}", **params)
