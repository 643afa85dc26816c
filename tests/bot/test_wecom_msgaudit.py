"""The chat archive: polling, decryption, films in slices, and messages that are not stored."""

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
from tests.bot.parts import Edge, run_edge
from tests.harness import County, HandClock, config_for
from tests.places import Place
from tests.standin import archive, settings

FILM = make_film(seconds=10, size=(64, 48), fps=1)
ROOM = "wrWorkGroup"


@pytest.fixture
def chat_archive(tmp_path: Path, cloud: Cloud) -> Archive:
    return archive(cloud, tmp_path)


@pytest.fixture
def msgaudit(tmp_path: Path, cloud: Cloud, clock: HandClock, chat_archive: Archive, place: Place) -> Iterator[Edge]:
    """A bot with a chat archive, which is polled when a test says so."""
    with run_edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **settings(chat_archive))) as edge:
        with edge.bot.uow.transaction() as store:
            County(store, cloud).settle(enterprises=1, parts=1)
        edge.bot.pollers.create_cursors()
        edge.bot.pollers.poll_until_idle()
        yield edge
        assert chat_archive.violations == []


def later(msgaudit: Edge, **time: float) -> None:
    """Advance the clock, poll the archive and run everything that is due."""
    msgaudit.clock.instant += timedelta(**time)
    msgaudit.bot.pollers.poll_until_idle()
    msgaudit.settle()


def films(msgaudit: Edge) -> list[Submission]:
    return msgaudit.rows(Submission)


def cursor(msgaudit: Edge) -> str:
    with msgaudit.bot.uow.read() as store:
        found = store.poll_cursors.get("wecom_msgaudit")
        assert found is not None
        return found.cursor


def test_a_film_in_a_group_is_filed_with_group_sender_and_time(msgaudit: Edge, chat_archive: Archive) -> None:
    posted_at = msgaudit.clock.instant - timedelta(minutes=2)
    chat_archive.sends_film("p1", ROOM, FILM, at=posted_at.timestamp())
    later(msgaudit, seconds=1)
    [film] = films(msgaudit)
    assert (film.state, film.chat_id, film.sender, film.realm) == ("filed", ROOM, "p1", "wecom")
    assert (film.sent_at, film.sha256, film.attribution) == (posted_at, hashlib.sha256(FILM).hexdigest(), "attributed")


def test_failed_slices_of_a_film_are_retried(msgaudit: Edge, chat_archive: Archive) -> None:
    large = FILM + bytes(1_300_000)
    chat_archive.sends_film("p1", ROOM, large)
    chat_archive.inject_fault("GetMediaData", 10001, times=3)
    later(msgaudit, seconds=1)
    [film] = films(msgaudit)
    assert (film.bytes, film.sha256) == (len(large), hashlib.sha256(large).hexdigest())


def test_films_are_polled_with_and_without_notifications(msgaudit: Edge, chat_archive: Archive) -> None:
    for number in range(3):
        chat_archive.sends_film("p1", ROOM, make_film(seconds=10, size=(64, 48), fps=1, tag=f"{number}"))
    with msgaudit.bot.uow.read() as store:
        assert (
            store.session.get_one(type(store.poll_cursors.get("wecom_msgaudit")), "wecom_msgaudit").notification_count
            == 1
        )
    later(msgaudit, seconds=1)
    chat_archive.notifies = False
    chat_archive.sends_film("p1", ROOM, FILM)
    later(msgaudit, minutes=3)
    assert [film.state for film in films(msgaudit)] == ["filed"] * 4


def test_irrelevant_entries_are_not_stored(msgaudit: Edge, chat_archive: Archive) -> None:
    chat_archive.sends_film("p1", "", FILM)
    chat_archive.says("p1", "", "私下说的话")
    chat_archive.sends_photo("p1", ROOM, b"\xff\xd8\xff a picture")
    chat_archive.sends_file("p1", ROOM, b"a sheet", "名单.xlsx")
    chat_archive.sends_film("wbRobot", ROOM, FILM)
    chat_archive.switches_enterprise("p1")
    chat_archive.skip_numbers(5)
    later(msgaudit, seconds=1)
    assert (msgaudit.inbox(), films(msgaudit), cursor(msgaudit)) == ([], [], "6")


def test_group_talk_gets_no_answer_and_a_strangers_film_is_quarantined(msgaudit: Edge, chat_archive: Archive) -> None:
    chat_archive.says("p1", ROOM, "今天谁值班")
    chat_archive.says("wmStranger", ROOM, "你好")
    chat_archive.sends_film("wmStranger", ROOM, FILM)
    later(msgaudit, seconds=1)
    [film] = films(msgaudit)
    assert (film.attribution, film.realm, film.state, msgaudit.rows(Notice)) == ("quarantined", "wecom_kf", "filed", [])


def test_each_film_of_a_mixed_message_is_filed(msgaudit: Edge, chat_archive: Archive) -> None:
    other = make_film(seconds=10, size=(64, 48), fps=1, tag="other")
    items = [
        ("text", {"content": "两段"}),
        ("image", chat_archive.add_media(b"\xff\xd8\xff")),
        ("video", chat_archive.add_media(FILM)),
    ]
    chat_archive.sends_mixed("p1", ROOM, [*items, ("file", {**chat_archive.add_media(other), "filename": "罐区.MP4"})])
    later(msgaudit, seconds=1)
    assert sorted(film.sha256 or "" for film in films(msgaudit)) == sorted(
        hashlib.sha256(film).hexdigest() for film in (FILM, other)
    )


def test_a_recall_marks_the_film_and_keeps_it(msgaudit: Edge, chat_archive: Archive) -> None:
    msgid = chat_archive.sends_film("p1", ROOM, FILM)
    later(msgaudit, seconds=1)
    chat_archive.recalls("p1", ROOM, msgid)
    later(msgaudit, minutes=3)
    [film] = films(msgaudit)
    assert (film.state, film.marks) == ("filed", ["recalled"])


@pytest.mark.parametrize(("md5sum", "tries", "marks"), [("0" * 32, 1, ["digest_differs"]), ("", 0, ["digest_missing"])])
def test_a_wrong_digest_is_accepted_the_second_time_with_a_mark(
    msgaudit: Edge, chat_archive: Archive, md5sum: str, tries: int, marks: list[str]
) -> None:
    chat_archive.sends_film("p1", ROOM, FILM, md5sum=md5sum)
    later(msgaudit, seconds=1)
    later(msgaudit, seconds=2)
    [film] = films(msgaudit)
    assert (film.state, film.marks, msgaudit.inbox()[0].attempts) == ("filed", marks, tries)


def test_a_message_waits_for_its_missing_key(msgaudit: Edge, chat_archive: Archive, tmp_path: Path) -> None:
    chat_archive.rotate_key()
    chat_archive.sends_film("p1", ROOM, FILM)
    chat_archive.sends_film("p1", ROOM, make_film(seconds=10, size=(64, 48), fps=1, tag="2"), version=1)
    later(msgaudit, seconds=1)
    assert (len(films(msgaudit)), sorted(each.state for each in msgaudit.inbox())) == (1, ["done", "waiting"])
    [notice] = [each for each in msgaudit.notices() if each.text_key == "office_alert.messages_unreadable"]
    assert "2.pem" in str(notice.params["error"])
    later(msgaudit, minutes=30)
    assert len([each for each in msgaudit.notices() if each.text_key == "office_alert.messages_unreadable"]) == 1
    chat_archive.write_private_key(tmp_path / "keys", 2)
    later(msgaudit, minutes=11)
    assert [film.state for film in films(msgaudit)] == ["filed", "filed"]


def test_a_wrong_key_can_be_replaced(msgaudit: Edge, chat_archive: Archive, tmp_path: Path) -> None:
    chat_archive.rotate_key()
    chat_archive.write_private_key(tmp_path / "keys", 2, actual_version=1)
    chat_archive.sends_film("p1", ROOM, FILM)
    later(msgaudit, seconds=1)
    assert [each.state for each in msgaudit.inbox()] == ["waiting"]
    chat_archive.write_private_key(tmp_path / "keys", 2)
    later(msgaudit, minutes=2)
    assert [film.state for film in films(msgaudit)] == ["filed"]


@pytest.mark.parametrize("code", [10001, 10003, 301058, 45009])
def test_a_failing_archive_is_polled_again(msgaudit: Edge, chat_archive: Archive, code: int) -> None:
    chat_archive.inject_fault("GetChatData", code)
    chat_archive.sends_film("p1", ROOM, FILM)
    later(msgaudit, seconds=1)
    assert (films(msgaudit), "wecom_msgaudit" in msgaudit.client.get("/health/ready").json["warnings"]) == ([], True)
    later(msgaudit, minutes=1)
    assert [film.state for film in films(msgaudit)] == ["filed"]


@pytest.mark.parametrize("code", [10009, 301042, 301053])
def test_the_office_is_notified_if_the_archive_refuses_access(msgaudit: Edge, chat_archive: Archive, code: int) -> None:
    chat_archive.inject_fault("GetChatData", code)
    chat_archive.sends_film("p1", ROOM, FILM)
    later(msgaudit, seconds=1)
    assert {each.text_key for each in msgaudit.notices()} == {"office_alert.poll_failed"}


def test_an_expired_film_is_marked_lost(msgaudit: Edge, chat_archive: Archive) -> None:
    chat_archive.sends_film("p1", ROOM, FILM)
    chat_archive.inject_fault("GetMediaData", 10010)
    later(msgaudit, seconds=1)
    assert [(film.state, film.marks) for film in films(msgaudit)] == [("failed", ["media_lost"])]


@pytest.mark.slow
def test_entries_beyond_one_page_come_with_the_next_calls(msgaudit: Edge, chat_archive: Archive) -> None:
    for number in range(450):
        chat_archive.says("p1", ROOM, f"{number} 罐区")
    for _ in range(3):
        later(msgaudit, seconds=1)
    assert (len(msgaudit.inbox()), cursor(msgaudit)) == (450, "450")


def test_the_service_starts_without_the_archive_library(tmp_path: Path, cloud: Cloud, clock: HandClock) -> None:
    incomplete = {
        "WECOM_MSGAUDIT_SECRET": "s",
        "WECOM_MSGAUDIT_LIBRARY": "/nowhere/lib.so",
        "WECOM_MSGAUDIT_KEYS_DIR": str(tmp_path),
    }
    with run_edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **incomplete)) as edge:
        edge.bot.pollers.create_cursors()
        edge.bot.pollers.poll_until_idle()
        assert "/nowhere/lib.so" in edge.client.get("/health/ready").json["warnings"]["wecom_msgaudit"]
        assert edge.client.post("/callbacks/wecom_msgaudit").status_code == 404


def archive_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **given: str) -> list[tuple[bool | None, str]]:
    """The doctor's results for the archive."""
    monkeypatch.chdir(tmp_path)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return [(found.ok, found.text) for found in run_checks() if "会话内容存档" in found.text]


def test_the_doctor_reports_the_archive_library_and_keys(
    tmp_path: Path, chat_archive: Archive, cloud: Cloud, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    config: Any = config_for(cloud, tmp_path, **settings(chat_archive))
    with run_edge(tmp_path, cloud, clock, config):
        pass
    base = {
        "DATABASE_URL": config.DATABASE_URL,
        "OBJECT_STORE_URL": config.OBJECT_STORE_URL,
        "SECRET_KEY": "a secret key used by the tests only",
    }
    [(is_ok, off)] = archive_results(monkeypatch, tmp_path, **base, WECOM_API_URL=cloud.url)
    assert (is_ok, "developer.work.weixin.qq.com/document/path/91774" in off) == (None, True)
    [(is_ok, good)] = archive_results(
        monkeypatch, tmp_path, **{name: str(value) for name, value in cloud.settings.items()}, **settings(chat_archive)
    )
    assert (is_ok, "1" in good) == (True, True)
    [(is_ok, bad)] = archive_results(monkeypatch, tmp_path, WECOM_MSGAUDIT_LIBRARY="/nowhere/lib.so")
    assert (is_ok, "/nowhere/lib.so" in bad, "91774" in bad) == (False, True, True)
    (tmp_path / "keys" / "1.pem").unlink()
    [(is_ok, none)] = archive_results(monkeypatch, tmp_path, **settings(chat_archive))
    assert (is_ok, str(tmp_path / "keys") in none) == (False, True)
