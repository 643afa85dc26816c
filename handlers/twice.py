"""One film by two doors: posted in the group, where we overhear it, and sent to us besides. It is heard once."""

from __future__ import annotations

from handlers.message import ARCHIVE_CHANNELS
from storage.db.models import Submission
from storage.store import Store

DUPLICATE_MARK = "sent_twice"


def resolve_duplicate(film: Submission, sha256: str | None, store: Store) -> bool:
    """Whether the same person's same film came by another door tonight, one of them the group's.

    The one that came first stands, unless it was overheard and its sender has heard nothing of it: then the one that
    was sent to us takes its place, and is answered.
    """
    store.lock_for_transaction(f"duplicate/{film.person_id}/{film.night}")
    first = _first(film, sha256, store)
    if first is None:
        return False
    if _is_overheard(first) and not _is_answered(first, store):
        film.enterprise_id, film.part_id, film.attributed_by = first.enterprise_id, first.part_id, first.attributed_by
        film.attribution, first.state = first.attribution, "supporting"
        store.submissions.add_mark([first.id], DUPLICATE_MARK)
        return False
    return True


def _first(film: Submission, sha256: str | None, store: Store) -> Submission | None:
    if film.person_id is None or sha256 is None:
        return None
    same = store.submissions.filed_copies_same_person_night(film, sha256)
    return next((each for each in same if _is_overheard(each) != _is_overheard(film)), None)


def _is_answered(film: Submission, store: Store) -> bool:
    said = store.notices.by_once_key(f"receipt/{film.id}/{film.part_id}")
    return said is not None and said.state != "failed"


def _is_overheard(film: Submission) -> bool:
    return film.channel in ARCHIVE_CHANNELS
