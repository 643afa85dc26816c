"""The very same film again: in a later night, or at a second enterprise (mission 4.5, cases 14 and 15)."""

from __future__ import annotations

from storage.db.models import Submission
from storage.store import Store


def mark_reused_films(film: Submission, store: Store) -> None:
    """Mark a filed film, and its twin elsewhere; a mark never refuses a film, a person decides."""
    twins = store.submissions.filed_copies(film.sha256, film.id) if film.sha256 else []
    if any(twin.night < film.night for twin in twins):
        store.submissions.add_mark([film.id], "seen_in_earlier_night")
    elsewhere = [twin.id for twin in twins if twin.enterprise_id not in (None, film.enterprise_id)]
    if elsewhere and film.enterprise_id is not None:
        store.submissions.add_mark([film.id, *elsewhere], "seen_at_other_enterprise")
