"""The callbacks' path to the database: durable, once, and over a connection that was lost meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.db.database import WRITE_TIMEOUT_S, Database
from storage.inbox import InboundMessage, store_messages, store_messages_autocommit
from storage.store import Store
from tests.places import Place

NOW = datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=UTC)
AWKWARD = "<xml>它说：'100%' \\u0000 \\n :rows ? \"x\" 🌙</xml>\r\n\t"


@pytest.fixture
def database(place: Place, tmp_path: Path) -> Iterator[Database]:
    made = Database(place.migrated(tmp_path))
    yield made
    made.close()


def test_messages_are_stored_unchanged_and_once(database: Database) -> None:
    messages = [
        InboundMessage("wecom_app", "b", AWKWARD),
        InboundMessage("wecom_app", "a", "<a/>"),
        InboundMessage("wecom_app", "b", AWKWARD),
    ]
    first = store_messages_autocommit(database, messages, NOW)
    assert set(first) == {("wecom_app", "a"), ("wecom_app", "b")}
    more = [*messages, InboundMessage("wecom_kf", "a", "<k/>")]
    assert store_messages_autocommit(database, more, NOW).keys() == {("wecom_kf", "a")}
    with database.transaction() as session:
        assert store_messages(
            session, [InboundMessage("wecom_app", "a", "<a/>"), InboundMessage("wecom_app", "c", "<c/>")], NOW
        ).keys() == {("wecom_app", "c")}
    with database.read() as session:
        kept = Store(session).inbox.get(first["wecom_app", "b"])
        assert kept is not None
        assert (kept.raw, kept.received_at, kept.state, kept.attempts, kept.dispatched) == (
            AWKWARD,
            NOW,
            "waiting",
            0,
            False,
        )


@pytest.mark.parametrize("place", ["embedded"], indirect=True)
def test_a_write_of_another_process_is_waited_for_and_readers_keep_their_timeout(
    database: Database, tmp_path: Path
) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    with ThreadPoolExecutor() as pool:
        with other.transaction():
            storing = pool.submit(
                store_messages_autocommit, database, [InboundMessage("wecom_app", "a", "<a/>")], NOW, 10
            )
            with pytest.raises(TimeoutError):
                storing.result(timeout=0.2)
        assert storing.result(timeout=10)
    other.close()
    with database.read() as session:
        assert session.execute(text("pragma busy_timeout")).scalar() == WRITE_TIMEOUT_S * 1000


@pytest.mark.parametrize("place", ["server"], indirect=True)
def test_a_statement_is_repeated_when_the_server_has_closed_the_connection(database: Database) -> None:
    assert store_messages_autocommit(database, [InboundMessage("wecom_app", "a", "<a/>")], NOW)
    with database.read() as session:
        others = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
        session.execute(text(f"{others} and datname = current_database()"))
    assert store_messages_autocommit(database, [InboundMessage("wecom_app", "b", "<b/>")], NOW)
