"""The chat archive behind a library of C: by number, by key, slice by slice, and only what is our business."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.archive import Archive
from bot.devtools.simulator.films import make_film
from bot.doctor import run_checks
from storage.db.models import Notice, Submission
from tests.bot.parts import Edge, edge
from tests.harness import County, HandClock, config_for
from tests.places import Place
from tests.standin import archive, settings

FILM = make_film(seconds=10, size=(64, 48), fps=1)
ROOM = "wrWorkGroup"


@pytest.fixture
def tape(tmp_path: Path, cloud: Cloud) -> Archive:
    return archive(cloud, tmp_path)


@pytest.fixture
def ear(tmp_path: Path, cloud: Cloud, clock: HandClock, tape: Archive, place: Place) -> Iterator[Edge]:
    """A bot that hears what is posted in groups; its archive is asked when a test says so."""
    with edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **settings(tape))) as here:
        with here.bot.uow.transaction() as store:
            County(store, cloud).settle(enterprises=1, parts=1)
        here.bot.pollers.create_cursors()
        here.bot.pollers.poll_until_idle()
        yield here
        assert tape.violations == []


def later(ear: Edge, **time: float) -> None:
    """Turn the clock, ask the archive and carry out what is due."""
    ear.clock.instant += timedelta(**time)
    ear.bot.pollers.poll_until_idle()
    ear.settle()


def films(ear: Edge) -> list[Submission]:
    return ear.rows(Submission)


def cursor(ear: Edge) -> str:
    with ear.bot.uow.read() as store:
        found = store.poll_cursors.get("wecom_msgaudit")
        assert found is not None
        return found.cursor


def test_a_film_in_a_group_is_filed_with_group_sender_and_time(ear: Edge, tape: Archive) -> None:
    posted_at = ear.clock.instant - timedelta(minutes=2)
    tape.sends_film("p1", ROOM, FILM, at=posted_at.timestamp())
    later(ear, seconds=1)
    [film] = films(ear)
    assert (film.state, film.chat_id, film.sender, film.realm) == ("filed", ROOM, "p1", "wecom")
    assert (film.sent_at, film.sha256, film.attribution) == (posted_at, hashlib.sha256(FILM).hexdigest(), "attributed")


def test_failed_slices_of_a_film_are_retried(ear: Edge, tape: Archive) -> None:
    large = FILM + bytes(1_300_000)
    tape.sends_film("p1", ROOM, large)
    tape.inject_fault("GetMediaData", 10001, times=3)
    later(ear, seconds=1)
    [film] = films(ear)
    assert (film.bytes, film.sha256) == (len(large), hashlib.sha256(large).hexdigest())


def test_films_are_polled_with_and_without_notifications(ear: Edge, tape: Archive) -> None:
    for number in range(3):
        tape.sends_film("p1", ROOM, make_film(seconds=10, size=(64, 48), fps=1, tag=f"{number}"))
    with ear.bot.uow.read() as store:
        assert (
            store.session.get_one(type(store.poll_cursors.get("wecom_msgaudit")), "wecom_msgaudit").notification_count
            == 1
        )
    later(ear, seconds=1)
    tape.notifies = False
    tape.sends_film("p1", ROOM, FILM)
    later(ear, minutes=3)
    assert [film.state for film in films(ear)] == ["filed"] * 4


def test_irrelevant_entries_are_not_stored(ear: Edge, tape: Archive) -> None:
    tape.sends_film("p1", "", FILM)
    tape.says("p1", "", "私下说的话")
    tape.sends_photo("p1", ROOM, b"\xff\xd8\xff a picture")
    tape.sends_file("p1", ROOM, b"a sheet", "名单.xlsx")
    tape.sends_film("wbRobot", ROOM, FILM)
    tape.switches_enterprise("p1")
    tape.skip_numbers(5)
    later(ear, seconds=1)
    assert (ear.inbox(), films(ear), cursor(ear)) == ([], [], "6")


def test_group_talk_gets_no_answer_and_a_strangers_film_is_quarantined(ear: Edge, tape: Archive) -> None:
    tape.says("p1", ROOM, "今天谁值班")
    tape.says("wmStranger", ROOM, "你好")
    tape.sends_film("wmStranger", ROOM, FILM)
    later(ear, seconds=1)
    [film] = films(ear)
    assert (film.attribution, film.realm, film.state, ear.rows(Notice)) == ("quarantined", "wecom_kf", "filed", [])


def test_each_film_of_a_mixed_message_is_filed(ear: Edge, tape: Archive) -> None:
    other = make_film(seconds=10, size=(64, 48), fps=1, tag="other")
    items = [("text", {"content": "两段"}), ("image", tape.add_media(b"\xff\xd8\xff")), ("video", tape.add_media(FILM))]
    tape.sends_mixed("p1", ROOM, [*items, ("file", {**tape.add_media(other), "filename": "罐区.MP4"})])
    later(ear, seconds=1)
    assert sorted(film.sha256 or "" for film in films(ear)) == sorted(
        hashlib.sha256(film).hexdigest() for film in (FILM, other)
    )


def test_a_recall_marks_the_film_and_keeps_it(ear: Edge, tape: Archive) -> None:
    msgid = tape.sends_film("p1", ROOM, FILM)
    later(ear, seconds=1)
    tape.recalls("p1", ROOM, msgid)
    later(ear, minutes=3)
    [film] = films(ear)
    assert (film.state, film.marks) == ("filed", ["recalled"])


@pytest.mark.parametrize(("md5sum", "tries", "marks"), [("0" * 32, 1, ["digest_differs"]), ("", 0, ["digest_missing"])])
def test_a_wrong_digest_is_accepted_the_second_time_with_a_mark(
    ear: Edge, tape: Archive, md5sum: str, tries: int, marks: list[str]
) -> None:
    tape.sends_film("p1", ROOM, FILM, md5sum=md5sum)
    later(ear, seconds=1)
    later(ear, seconds=2)
    [film] = films(ear)
    assert (film.state, film.marks, ear.inbox()[0].attempts) == ("filed", marks, tries)


def test_a_message_waits_for_its_missing_key(ear: Edge, tape: Archive, tmp_path: Path) -> None:
    tape.rotate_key()
    tape.sends_film("p1", ROOM, FILM)
    tape.sends_film("p1", ROOM, make_film(seconds=10, size=(64, 48), fps=1, tag="2"), version=1)
    later(ear, seconds=1)
    assert (len(films(ear)), sorted(each.state for each in ear.inbox())) == (1, ["done", "waiting"])
    [notice] = [each for each in ear.notices() if each.text_key == "office_alert.messages_unreadable"]
    assert "2.pem" in str(notice.params["why"])
    later(ear, minutes=30)
    assert len([each for each in ear.notices() if each.text_key == "office_alert.messages_unreadable"]) == 1
    tape.write_private_key(tmp_path / "keys", 2)
    later(ear, minutes=11)
    assert [film.state for film in films(ear)] == ["filed", "filed"]


def test_a_wrong_key_can_be_replaced(ear: Edge, tape: Archive, tmp_path: Path) -> None:
    tape.rotate_key()
    tape.write_private_key(tmp_path / "keys", 2, actual_version=1)
    tape.sends_film("p1", ROOM, FILM)
    later(ear, seconds=1)
    assert [each.state for each in ear.inbox()] == ["waiting"]
    tape.write_private_key(tmp_path / "keys", 2)
    later(ear, minutes=2)
    assert [film.state for film in films(ear)] == ["filed"]


@pytest.mark.parametrize("code", [10001, 10003, 301058, 45009])
def test_a_failing_archive_is_polled_again(ear: Edge, tape: Archive, code: int) -> None:
    tape.inject_fault("GetChatData", code)
    tape.sends_film("p1", ROOM, FILM)
    later(ear, seconds=1)
    assert (films(ear), "wecom_msgaudit" in ear.client.get("/health/ready").json["warnings"]) == ([], True)
    later(ear, minutes=1)
    assert [film.state for film in films(ear)] == ["filed"]


@pytest.mark.parametrize("code", [10009, 301042, 301053])
def test_the_office_is_notified_if_the_archive_refuses_access(ear: Edge, tape: Archive, code: int) -> None:
    tape.inject_fault("GetChatData", code)
    tape.sends_film("p1", ROOM, FILM)
    later(ear, seconds=1)
    assert {each.text_key for each in ear.notices()} == {"office_alert.poll_failed"}


def test_an_expired_film_is_marked_lost(ear: Edge, tape: Archive) -> None:
    tape.sends_film("p1", ROOM, FILM)
    tape.inject_fault("GetMediaData", 10010)
    later(ear, seconds=1)
    assert [(film.state, film.marks) for film in films(ear)] == [("failed", ["media_lost"])]


def test_entries_beyond_one_page_come_with_the_next_calls(ear: Edge, tape: Archive) -> None:
    for number in range(450):
        tape.says("p1", ROOM, f"{number} 罐区")
    for _ in range(3):
        later(ear, seconds=1)
    assert (len(ear.inbox()), cursor(ear)) == (450, "450")


def test_the_service_starts_without_the_archive_library(tmp_path: Path, cloud: Cloud, clock: HandClock) -> None:
    lacking = {
        "WECOM_MSGAUDIT_SECRET": "s",
        "WECOM_MSGAUDIT_LIBRARY": "/nowhere/lib.so",
        "WECOM_MSGAUDIT_KEYS_DIR": str(tmp_path),
    }
    with edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **lacking)) as here:
        here.bot.pollers.create_cursors()
        here.bot.pollers.poll_until_idle()
        assert "/nowhere/lib.so" in here.client.get("/health/ready").json["warnings"]["wecom_msgaudit"]
        assert here.client.post("/callbacks/wecom_msgaudit").status_code == 404


def said_by_doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **given: str) -> list[tuple[bool, str]]:
    """The doctor's lines on the archive."""
    monkeypatch.chdir(tmp_path)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return [(bool(found.ok), found.text) for found in run_checks() if "会话内容存档" in found.text]


def test_the_doctor_reports_the_archive_library_and_keys(
    tmp_path: Path, tape: Archive, cloud: Cloud, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    config: Any = config_for(cloud, tmp_path, **settings(tape))
    with edge(tmp_path, cloud, clock, config):
        pass
    base = {"DATABASE_URL": config.DATABASE_URL, "OBJECT_STORE_URL": config.OBJECT_STORE_URL, "SECRET_KEY": "s"}
    [(well, off)] = said_by_doctor(monkeypatch, tmp_path, **base, WECOM_API_URL=cloud.url)
    assert (well, "developer.work.weixin.qq.com/document/path/91774" in off) == (True, True)
    [(well, good)] = said_by_doctor(
        monkeypatch, tmp_path, **{name: str(value) for name, value in cloud.settings.items()}, **settings(tape)
    )
    assert (well, "1" in good) == (True, True)
    [(well, bad)] = said_by_doctor(monkeypatch, tmp_path, WECOM_MSGAUDIT_LIBRARY="/nowhere/lib.so")
    assert (well, "/nowhere/lib.so" in bad, "91774" in bad) == (False, True, True)
    (tmp_path / "keys" / "1.pem").unlink()
    [(well, none)] = said_by_doctor(monkeypatch, tmp_path, **settings(tape))
    assert (well, str(tmp_path / "keys") in none) == (False, True)
