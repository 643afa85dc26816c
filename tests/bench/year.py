"""A year of nights of a county: 75 enterprises, 4 parts each, all filmed, every film with its message and receipt."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, text

from schedules.night_judgement import close_night
from storage.db.database import Database
from storage.db.models import InboxRow, Notice
from storage.outbound import OutboundMessage, TextPayload, encode
from storage.store import Store
from tests.bench.load import ROOT
from tests.bench.province import NIGHT, PARTS, film_a_night, settle
from tests.bench.rig import Row, database, spread

_ENTERPRISES = 75
_RAW = "<xml>" + "x" * 600 + "</xml>"
_BODY = encode(
    OutboundMessage(payload=TextPayload(text="收" * 60), sequence=0, first_sent_at=datetime(2026, 1, 1, tzinfo=UTC))
)


def _remember(kept: Database, nights: int) -> None:
    """The films of so many nights up to NIGHT, with what belongs to them."""
    settle(kept, _ENTERPRISES)
    for night in (NIGHT - timedelta(days=days) for days in reversed(range(nights))):
        film_a_night(kept, night, _ENTERPRISES, all_filmed=True)
        with kept.transaction() as session:
            numbers = range(1, _ENTERPRISES * PARTS + 1)
            session.execute(insert(InboxRow), [_message(night, number) for number in numbers])
            session.execute(insert(Notice), [_receipt(night, number) for number in numbers])
            close_night(Store(session), night, datetime.combine(night, datetime.min.time(), UTC))


def _message(night: date, number: int) -> dict[str, object]:
    at = datetime.combine(night, datetime.min.time(), UTC)
    return {
        "channel": "wecom_app",
        "message_key": f"raw/{night}/{number}",
        "raw": _RAW,
        "received_at": at,
        "state": "done",
        "dispatched": True,
        "attempts": 0,
    }


def _receipt(night: date, number: int) -> dict[str, object]:
    at, person = datetime.combine(night, datetime.min.time(), UTC), (number - 1) // PARTS + 1
    return {
        "once_key": f"receipt/{night}/{number}",
        "kind": "receipt",
        "night": night,
        "recipient_name": f"巡检员{person}",
        "person_id": person,
        "channel": "wecom_app",
        "address": f"p{person}",
        "route": f"wecom_app/p{person}",
        "form": "text",
        "text_key": "receipt.filed",
        "params": {"submission": number, "n": 1, "of": PARTS},
        "due_at": at,
        "state": "sent",
        "attempts": 1,
        "last_attempted_at": at,
        "sent_at": at,
        "body": _BODY,
    }


def a_year(quick: bool) -> Iterator[Row]:
    """The whole commands, from their start to their end."""
    nights = 30 if quick else 365
    with database("SQLite") as kept:
        _remember(kept, nights)
        with kept.engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        path = Path(str(kept.url.database))
        films = nights * _ENTERPRISES * PARTS
        yield Row(f"{films:,} films in {nights} nights, SQLite: the database", f"{path.stat().st_size / 1e6:.0f} MB")
        for words in (("night",), ("report", "daily"), ("report", "year")):
            took = [_command(path, *words, str(NIGHT), "--json") for _ in range(3 if quick else 7)]
            wanted = "≤ 0.5 s" if words[0] == "night" else ""
            yield Row(
                f"… `night-patrol {' '.join(words)} {NIGHT} --json`, the whole command", f"**{spread(took)} s**", wanted
            )
        idle = [_command(path, "--help") for _ in range(3 if quick else 7)]
        yield Row("… of which `night-patrol --help` (Python and what every command loads)", f"{spread(idle)} s")


def _command(path: Path, *words: str) -> float:
    settings = {"DATABASE_URL": f"sqlite:///{path}", "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bot", *words],
        env={**os.environ, **settings},
        cwd=path.parent,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began
