"""What the upload page says: whom the link is for, what may be chosen, and what became of the film."""

from __future__ import annotations

from typing import Any

from bot.texts import say, sentences
from bot.unit_of_work import Memory
from handlers.receipts import facts
from storage.db.models import Submission, Upload
from storage.store import Store
from storage.uploads import CHANNEL

# What the script says by itself; everything else comes with the page.
_SAID_BY_SCRIPT = ("progress", "paused", "failed", "too_large", "no_part", "checking", "again")


def page_words(memory: Memory, upload: Upload | None, trouble: str | None) -> dict[str, Any]:
    """Everything the page shows."""
    if upload is None or trouble in ("gone", "other", "ended"):
        return {"trouble": say(f"upload.{trouble}"), "upload": None}
    with memory.reading() as store:
        enterprise, book = store.register.enterprise(upload.enterprise_id), memory.book(store)
        parts = [(part.id, f"{part.number} {part.name}") for part in store.register.parts_of(upload.enterprise_id)]
    chosen = upload.part_id or (parts[0][0] if len(parts) == 1 else None)
    return {
        "trouble": None,
        "upload": upload,
        "enterprise": enterprise.short_name if enterprise else "",
        "parts": parts,
        "chosen": chosen,
        "label": dict(parts).get(chosen or 0, ""),
        "largest_mb": book.on(upload.night).largest_upload_mb,
        "words": {name: say_raw(f"upload.{name}") for name in _SAID_BY_SCRIPT},
        "state": state_words(memory, upload),
    }


def say_raw(key: str) -> str:
    """A sentence with its places still open: the script fills them in."""
    return sentences()[key]


def state_words(memory: Memory, upload: Upload) -> dict[str, Any]:
    """How far a film has come, and once it is whole, what became of it."""
    told: dict[str, Any] = {"state": upload.state, "received": upload.received, "size": upload.size, "words": ""}
    if upload.state != "complete":
        return told
    with memory.reading() as store:
        film = store.submissions.of_message(CHANNEL, upload.once_key)
        if film is None or film.state == "receiving":
            return {**told, "state": "checking", "words": say("upload.checking")}
        return {**told, "state": "done" if film.state == "filed" else "unfit", "words": _verdict(film, memory, store)}


def _verdict(film: Submission, memory: Memory, store: Store) -> str:
    params = facts(film, store, memory.book(store))
    if film.state == "filed":
        return say("upload.filed", **params)
    fault = next((mark for mark in film.marks if f"unfit.{mark}" in sentences()), "lost")
    return say(f"unfit.{fault}", **params)
