"""The backup and restore commands: a night restored on another machine gives the same reports."""

from __future__ import annotations

import hashlib
import json
import random
import tracemalloc
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete

from bot.cli import cli
from storage.backup import backup, restore
from storage.db.database import Database
from storage.db.models import AuditEntry, Submission
from storage.errors import OperationRefused
from tests.harness import NIGHT, Story, at, row, story
from tests.places import Served, _administrator, current_place


def command(*words: str, **settings: str) -> Any:
    """Run a command with these settings."""
    return CliRunner().invoke(cli, words, env={"SECRET_KEY": "a secret key used by the tests only", **settings})


def told(*words: str, **settings: str) -> Any:
    """The JSON a command prints, without the moment at which it was made."""
    done = command(*words, "--json", **settings)
    assert done.exit_code == 0, done.output
    return {name: value for name, value in json.loads(done.stdout).items() if name != "issued_at"}


@contextmanager
def fresh_machines(folder: Path) -> Iterator[list[str]]:
    """Empty databases to restore into: a file, and where there is a server, one on it too."""
    addresses = [f"sqlite:///{folder}/fresh/patrol.db"]
    place = current_place()
    if not isinstance(place, Served):
        yield addresses
        return
    name = f"fresh_{uuid.uuid4().hex}"
    with _administrator(place._servers.database()) as say:
        say(f"create database {name}")
        try:
            yield [*addresses, place._servers.database()(name)]
        finally:
            say(f"drop database {name} with (force)")


def a_night(played: Story) -> None:
    played.time("00:30")
    for who in ("p1", "p2"):
        played.film(who)
    played.time("13:00")
    for who in played.cloud.members:
        played.hears(who)
    played.group_hears("KEY")


@pytest.mark.slow
def test_a_night_comes_back_with_the_same_reports_and_the_same_digests(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=3, parts=1) as played:
        a_night(played)
        settings, file = current_place().settings(tmp_path), str(tmp_path / "night.backup")
        made = command("backup", file, **settings)
        assert made.exit_code == 0, made.output
        day = NIGHT.isoformat()
        asked = [
            ("night", day),
            ("report", "daily", day),
            ("report", "weekly", day),
            ("report", "year", day),
            ("verify",),
        ]
        before = [told(*words, **settings) for words in asked]
        with fresh_machines(tmp_path) as addresses:
            for address in addresses:
                there = {**settings, "DATABASE_URL": address}
                back = command("restore", file, **there)
                assert back.exit_code == 0, back.output
                assert [told(*words, **there) for words in asked] == before
                # The same digest was shown at both ends.
                assert made.stdout.split()[-1] == back.stdout.split()[-1]
                assert len(made.stdout.split()[-1]) >= 64
                again = command("restore", file, **there)
                assert again.exit_code == 1, "restored over what is there"
        assert before[-1] == {"checked": 2, "ok": 2, "altered": [], "absent": []}


@pytest.mark.slow
def test_a_backup_with_any_bit_changed_is_refused_or_is_the_same_backup(tmp_path: Path) -> None:
    """Metadata of the archive may change without harm; stored content may not."""
    with story(tmp_path, enterprises=1, parts=1) as played:
        file, spoilt = tmp_path / "night.backup", tmp_path / "spoilt.backup"
        made = backup(played.bot.uow.database, file, at("13:00"))
        whole, dice = file.read_bytes(), random.Random(20261124)
        for number in range(20):
            changed = bytearray(whole)
            changed[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
            spoilt.write_bytes(changed)
            fresh = Database(f"sqlite:///{tmp_path}/fresh{number}.db")
            try:
                assert restore(fresh, spoilt).digest == made.digest
            except OperationRefused:
                assert fresh.revision() is None
            fresh.close()


@pytest.mark.slow
def test_verify_ends_with_1_when_a_film_is_gone(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=3, parts=1) as played:
        a_night(played)
        with played.office() as store:
            film = row(store, Submission, number=1)
            played.bot.objects.remove(str(film.object_key))
        done = command("verify", "--json", **current_place().settings(tmp_path))
        assert (done.exit_code, json.loads(done.stdout)["absent"][0]["receipt"]) == (1, "1124-0001")


@pytest.mark.slow
def test_trail_tells_whether_the_audit_log_continues_an_earlier_head(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=3, parts=1) as played:
        a_night(played)
        settings = current_place().settings(tmp_path)
        known = told("trail", **settings)["head"]
        with played.office() as store:
            store.audit_log.record(played.clock.instant, "王大", "film_dismissed")
        done = command("trail", "verify", "--expect", known, "--json", **settings)
        assert (done.exit_code, json.loads(done.stdout)["continues"]) == (0, True)
        forged = known[:-1] + ("0" if known[-1] != "0" else "1")
        done = command("trail", "--expect", forged, **settings)
        assert (done.exit_code, f"与链头 {forged} 不衔接" in done.stderr) == (1, True)
        assert command("trail", "--expect", "yesterday", **settings).exit_code == 2
        with played.office() as store:
            store.session.execute(delete(AuditEntry).where(AuditEntry.position == int(known.split("-")[0]) + 1))
        done = command("trail", **settings)
        assert (done.exit_code, "其后的记录被删除" in done.stderr) == (1, True)


@pytest.mark.slow
def test_a_backup_with_an_endless_row_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """A few kilobytes that would be a row of 200 MB."""
    origin, fresh = Database(f"sqlite:///{tmp_path}/origin.db"), Database(f"sqlite:///{tmp_path}/fresh.db")
    origin.migrate()
    backup(origin, tmp_path / "whole.backup", at("13:00"))
    row_of_fact = b'{"name": "x", "value": "' + b"a" * 200_000_000 + b'"}\n'
    with zipfile.ZipFile(tmp_path / "whole.backup") as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    manifest = json.loads(members["manifest.json"])
    manifest["tables"]["fact"] = {"rows": 1, "sha256": hashlib.sha256(row_of_fact).hexdigest()}
    changed = {**members, "fact.jsonl": row_of_fact, "manifest.json": json.dumps(manifest).encode()}
    with zipfile.ZipFile(tmp_path / "bomb.backup", "w", zipfile.ZIP_DEFLATED) as bomb:
        for name, content in changed.items():
            bomb.writestr(name, content)
    del row_of_fact, members, changed
    tracemalloc.start()
    with pytest.raises(OperationRefused):
        restore(fresh, tmp_path / "bomb.backup")
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()
    origin.close()
    fresh.close()
