"""Facts, decisions and counters under concurrency."""

from __future__ import annotations

import threading
from pathlib import Path

from storage.db.database import Database
from storage.facts import FactStore
from tests.places import Place


def test_two_processes_can_store_the_same_fact_at_once(place: Place, tmp_path: Path) -> None:
    """As processes do that a supervisor starts together."""
    url = place.migrated(tmp_path)
    one, other = Database(url), Database(url)
    started = threading.Event()

    def store_fact() -> None:
        started.set()
        with other.transaction() as session:
            FactStore(session).store_fact("outside_watcher", {"enabled": False})

    thread = threading.Thread(target=store_fact)
    with one.transaction() as session:
        FactStore(session).store_fact("outside_watcher", {"enabled": True})
        thread.start()
        assert started.wait(20)
        # Long enough for the other transaction to run its statement before this one commits.
        thread.join(0.2)
    thread.join(20)
    with one.read() as session:
        assert FactStore(session).read_fact("outside_watcher") == {"enabled": False}
    one.close()
    other.close()
