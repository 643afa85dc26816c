"""The very same film twice: in a later night, at a second enterprise, or received over two channels."""

from __future__ import annotations

from handlers.message import ARCHIVE_CHANNELS
from storage.db.models import Submission
from storage.store import Store

DUPLICATE_MARK = "sent_twice"


def mark_reused_films(film: Submission, store: Store) -> None:
    """Mark a filed film that was used in an earlier night or at another enterprise; a person decides what it means."""
    copies = store.submissions.filed_copies(film.sha256, film.id) if film.sha256 else []
    if any(each.night < film.night for each in copies):
        store.submissions.add_mark([film.id], "seen_in_earlier_night")
    elsewhere = [each.id for each in copies if each.enterprise_id not in (None, film.enterprise_id)]
    if elsewhere and film.enterprise_id is not None:
        store.submissions.add_mark([film.id, *elsewhere], "seen_at_other_enterprise")


def resolve_duplicate(film: Submission, sha256: str | None, store: Store) -> bool:
    """Whether this film duplicates one that the same person sent the same night, one of the two from the chat archive.

    The one that came first counts, unless it was archived and its sender got no receipt: then the one sent to us
    takes over its place and is answered.
    """
    store.lock_for_transaction(f"duplicate/{film.person_id}/{film.night}")
    first = _other_copy(film, sha256, store)
    if first is None:
        return False
    if _is_archived(first) and not _has_receipt(first, store):
        film.enterprise_id, film.part_id, film.attributed_by = first.enterprise_id, first.part_id, first.attributed_by
        film.attribution, first.state = first.attribution, "supporting"
        store.submissions.add_mark([first.id], DUPLICATE_MARK)
        return False
    return True


def _other_copy(film: Submission, sha256: str | None, store: Store) -> Submission | None:
    if film.person_id is None or sha256 is None:
        return None
    copies = store.submissions.filed_copies_same_person_night(film, sha256)
    return next((each for each in copies if _is_archived(each) != _is_archived(film)), None)


def _has_receipt(film: Submission, store: Store) -> bool:
    receipt = store.notices.by_once_key(f"receipt/{film.id}/{film.part_id}")
    return receipt is not None and receipt.state != "failed"


def _is_archived(film: Submission) -> bool:
    return film.channel in ARCHIVE_CHANNELS
