"""What several processes note at the same moment."""

from __future__ import annotations

import threading
from pathlib import Path

from storage.db.database import Database
from storage.facts import FactStore
from tests.places import Place


def test_two_processes_can_store_the_same_fact_at_once(place: Place, tmp_path: Path) -> None:
    """As two processes do that a supervisor starts together."""
    url = place.migrated(tmp_path)
    one, other = Database(url), Database(url)
    began = threading.Event()

    def note() -> None:
        began.set()
        with other.transaction() as session:
            FactStore(session).store_fact("outside_watcher", {"enabled": False})

    thread = threading.Thread(target=note)
    with one.transaction() as session:
        FactStore(session).store_fact("outside_watcher", {"enabled": True})
        thread.start()
        began.wait(20)
        # Long enough for the other to have looked before this one is kept.
        thread.join(0.2)
    thread.join(20)
    with one.read() as session:
        assert FactStore(session).read_fact("outside_watcher") == {"enabled": False}
    one.close()
    other.close()
