"""The upload page: one-use links and the tus protocol."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from bot.intake.uploads import MAX_PIECE_BYTES, MIN_PIECE_BYTES, ReceivedPiece, UploadRefused
from bot.signed_links import SignedLinks
from schedules.context import Context
from storage.db.models import Enterprise, KeyPart, Rule, Submission, Upload, UploadChunk
from storage.errors import OperationRefused
from storage.uploads import MAX_STARTS
from tests.harness import Story, film_bytes, row, story
from tests.places import Place

BASE = "https://patrol.example.org"
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def night(place: Place, tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path, enterprises=2) as played:
        played.time("00:21")
        yield played


@dataclass
class Browser:
    """One phone's browser with its cookies, on one link."""

    client: Client
    path: str

    def open(self) -> TestResponse:
        return self.client.get(self.path, base_url=BASE)

    def begin(self, size: int, part: int | str = "", name: str = "film.mp4") -> TestResponse:
        pairs = {"filename": name, "part": str(part)}
        told = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
        headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": told}
        return self.client.post(self.path, base_url=BASE, headers=headers)

    def put(self, where: str, start: int, data: bytes, **headers: str) -> TestResponse:
        usual = {**TUS, "Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
        return self.client.patch(where, base_url=BASE, data=data, headers={**usual, **headers})

    def head(self, where: str) -> TestResponse:
        return self.client.head(where, base_url=BASE, headers=TUS)

    def state(self) -> dict[str, Any]:
        return dict(self.client.get(f"{self.path}/state", base_url=BASE).json)

    def send(self, film: bytes, part: int | str = "") -> str:
        """All of a film, piece by piece; where it went."""
        where = self.begin(len(film), part).headers["Location"]
        for start in range(0, len(film), MAX_PIECE_BYTES):
            answer = self.put(where, start, film[start : start + MAX_PIECE_BYTES])
            assert answer.status_code == 204
        return where


def browser(night: Story, text: str) -> Browser:
    """A fresh phone that opens the link in a message."""
    link = re.search(r"https://patrol\.example\.org(/upload/\S+)", text)
    assert link is not None
    made = Browser(night.bot.web.test_client(), link.group(1))
    made.open()
    return made


def asked(night: Story, words: str = "上传 2", who: str = "p1") -> Browser:
    night.says(who, words)
    [text] = night.hears(who)
    return browser(night, text)


def long_film(tag: str, size: int = 3 * MIN_PIECE_BYTES) -> bytes:
    """A film of that length: a box that players skip follows it."""
    film = film_bytes(12, tag)
    return film + struct.pack(">I4s", size - len(film), b"free") + bytes(size - len(film) - 8)


def part_id(night: Story, code: str, number: str) -> int:
    with night.bot.uow.read() as store:
        enterprise = row(store, Enterprise, code=code)
        return int(row(store, KeyPart, enterprise_id=enterprise.id, number=number).id)


def uploaded(night: Story) -> Upload:
    with night.bot.uow.read() as store:
        return store.session.query(Upload).one()


def test_an_uploaded_film_is_filed_with_its_receipt(night: Story) -> None:
    phone = asked(night)
    page = phone.open()
    assert page.status_code == 200
    assert "甲化工" in page.text
    assert "2 装卸台" in page.text
    film = film_bytes(12, "page")
    phone.send(film)
    assert phone.state()["state"] == "checking"
    night.settle(1)
    assert night.hears("p1") == ["✅ 收到 1124-0001\n甲化工 · 2 装卸台\n发送时间 00:21，今晚 1/2\n还差：1 罐区"]
    told = phone.state()
    assert (told["state"], told["words"].splitlines()[0]) == ("done", "✅ 收到 1124-0001")
    [clip] = night.part("E001", "2")["submissions"]
    assert (clip["state"], clip["sha256"]) == ("filed", hashlib.sha256(film).hexdigest())


@pytest.mark.slow
def test_a_slow_upload_does_not_make_a_film_late(night: Story) -> None:
    night.time("05:50")
    night.hears("leader"), night.group_hears("KEY"), night.hears("h1"), night.hears("h2")
    phone = asked(night)
    film = long_film("slow")
    where = phone.begin(len(film)).headers["Location"]
    assert phone.put(where, 0, film[:MIN_PIECE_BYTES]).status_code == 204
    night.time("06:20")
    night.hears("leader"), night.group_hears("KEY")
    start = MIN_PIECE_BYTES
    while start < len(film):
        phone.put(where, start, film[start : start + MAX_PIECE_BYTES])
        start += MAX_PIECE_BYTES
    night.settle(1)
    assert night.hears("p1")[0].startswith("✅ 收到 1124-0001")
    assert night.part("E001", "2")["state"] == "on_time"
    everybody(night)


def everybody(night: Story) -> None:
    """Ignore the other messages of the night."""
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def test_a_link_without_a_part_lets_the_page_choose_one(night: Story) -> None:
    phone = asked(night, "上传")
    assert "1 罐区" in phone.open().text
    film = film_bytes(12, "chosen")
    assert phone.begin(len(film)).status_code == 400
    assert phone.begin(len(film), part_id(night, "E002", "1")).status_code == 400
    phone.send(film, part_id(night, "E001", "1"))
    night.settle(1)
    assert night.hears("p1")[0].splitlines()[1] == "甲化工 · 1 罐区"


def test_an_uploaded_file_that_is_no_film_is_unfit(night: Story) -> None:
    phone = asked(night)
    phone.send(b"no film at all" * 50)
    night.settle(1)
    [told] = night.hears("p1")
    assert told.startswith("⚠️ 1124-0001（00:21）打不开，不是视频")
    assert (phone.state()["state"], phone.state()["words"]) == ("unfit", told)


def test_the_link_serves_one_browser_and_one_film(night: Story) -> None:
    phone = asked(night)
    other = Browser(night.bot.web.test_client(), phone.path)
    assert other.open().status_code == 200
    where = phone.begin(1000).headers["Location"]
    shut_out = other.open()
    assert (shut_out.status_code, "另一部手机" in shut_out.text) == (403, True)
    assert [other.begin(1000).status_code, other.head(where).status_code] == [403, 403]
    assert other.put(where, 0, b"x" * 1000).status_code == 403
    assert phone.put(where, 0, b"x" * 1000).status_code == 204
    assert phone.begin(1000).status_code == 410
    assert phone.put(where, 1000, b"more").status_code == 409
    assert (phone.open().status_code, other.open().status_code) == (200, 403)
    night.settle(1)
    night.hears("p1")


def test_altered_and_expired_links_are_refused(night: Story) -> None:
    phone = asked(night)
    altered = Browser(night.bot.web.test_client(), phone.path[:-2] + "xx")
    assert (altered.open().status_code, altered.begin(10).status_code) == (404, 404)
    where = phone.begin(1000).headers["Location"]
    night.clock.instant += timedelta(hours=24)
    assert (phone.open().status_code, "失效" in phone.open().text) == (410, True)
    assert [phone.begin(10).status_code, phone.put(where, 0, b"x").status_code, phone.head(where).status_code] == [
        410
    ] * 3
    night.settle()
    everybody(night)


def test_a_restarted_upload_discards_the_earlier_one(night: Story) -> None:
    phone = asked(night)
    first = phone.begin(MAX_PIECE_BYTES * 2).headers["Location"]
    assert phone.put(first, 0, bytes(MAX_PIECE_BYTES)).status_code == 204
    second = phone.begin(2000).headers["Location"]
    assert (phone.head(first).status_code, phone.put(first, 10, b"x").status_code) == (410, 410)
    assert phone.head(second).headers["Upload-Offset"] == "0"
    assert pieces(night) == []


def pieces(night: Story) -> list[str]:
    """The keys of the pieces in the database."""
    with night.bot.uow.read() as store:
        return [piece.object_key for piece in store.session.query(UploadChunk)]


def test_the_number_of_restarts_is_limited(night: Story) -> None:
    phone = asked(night)
    begun = [phone.begin(1000).status_code for _ in range(MAX_STARTS + 1)]
    assert begun == [201] * MAX_STARTS + [410]
    assert (phone.open().status_code, "再要一个" in phone.open().text) == (410, True)


def test_a_new_link_replaces_the_earlier_one(night: Story) -> None:
    first, second = asked(night, "上传 1"), asked(night, "上传 2")
    assert (first.begin(1000).status_code, second.begin(1000).status_code) == (410, 201)
    assert (first.open().status_code, "再要一个" in first.open().text) == (410, True)
    third = asked(night, "上传 1")
    assert (second.begin(1000).status_code, third.begin(1000).status_code) == (410, 201)


def test_a_link_names_nothing_that_can_be_guessed(night: Story) -> None:
    links = SignedLinks("", night.bot.config.SECRET_KEY.get_secret_value())
    phone = asked(night)
    assert not (links.read_upload_token(phone.path.rpartition("/")[2]) or "").isdecimal()
    assert Browser(phone.client, links.upload_url(str(uploaded(night).id))).open().status_code == 404


def test_a_running_upload_is_not_replaced_and_a_stalled_one_is(night: Story) -> None:
    phone = asked(night, "上传 1")
    where = phone.begin(MIN_PIECE_BYTES * 3).headers["Location"]
    assert phone.put(where, 0, bytes(MIN_PIECE_BYTES)).status_code == 204
    night.says("p1", "上传 2")
    assert night.hears("p1") == ["甲化工的上一段视频正在上传，已传 33%。传完以后再回复“上传”，就能传下一段。"]
    night.clock.instant += timedelta(minutes=3)
    other = asked(night, "上传 2")
    assert (phone.head(where).status_code, other.begin(1000).status_code) == (410, 201)
    night.bot.uploads.remove_unneeded_pieces()
    assert pieces(night) == []


def test_pieces_are_not_small_but_for_the_last(night: Story) -> None:
    phone = asked(night)
    where = phone.begin(MIN_PIECE_BYTES + 1).headers["Location"]
    assert phone.put(where, 0, bytes(MIN_PIECE_BYTES - 1)).status_code == 400
    assert phone.put(where, 0, b"x").status_code == 400
    assert phone.put(where, 0, bytes(MIN_PIECE_BYTES)).status_code == 204
    assert phone.put(where, MIN_PIECE_BYTES, b"x").status_code == 204
    night.settle(1)
    night.hears("p1")


def test_the_server_reports_its_tus_capabilities(night: Story) -> None:
    phone = asked(night)
    told = phone.client.options(phone.path, base_url=BASE)
    assert (told.status_code, told.headers["Tus-Version"]) == (204, "1.0.0")
    assert told.headers["Tus-Extension"] == "creation,checksum,termination,expiration"
    assert told.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    refused = phone.client.post(phone.path, base_url=BASE, headers={"Upload-Length": "10"})
    assert (refused.status_code, refused.headers["Tus-Version"]) == (412, "1.0.0")


def test_the_offset_is_reported_to_the_sender(night: Story) -> None:
    phone = asked(night)
    begun = phone.begin(100_000)
    where = begun.headers["Location"]
    assert (begun.status_code, "Upload-Expires" in begun.headers) == (201, True)
    answer = phone.put(where, 0, bytes(70_000))
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "70000")
    head = phone.head(where)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("70000", "100000")
    assert head.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_chunk_with_a_wrong_checksum_is_refused(night: Story, algorithm: str) -> None:
    phone = asked(night)
    where = phone.begin(80_000).headers["Location"]
    right = base64.b64encode(hashlib.new(algorithm, b"x" * 70_000).digest()).decode()
    assert phone.put(where, 0, b"y" * 70_000, **{"Upload-Checksum": f"{algorithm} {right}"}).status_code == 460
    assert phone.head(where).headers["Upload-Offset"] == "0"
    assert phone.put(where, 0, b"x" * 70_000, **{"Upload-Checksum": f"{algorithm} {right}"}).status_code == 204
    assert phone.put(where, 70_000, b"x", **{"Upload-Checksum": "crc32 AAAA"}).status_code == 400
    assert phone.put(where, 70_000, b"x", **{"Upload-Checksum": "sha1 !"}).status_code == 400


def test_malformed_requests_are_refused(night: Story) -> None:
    phone = asked(night)
    sizes = [phone.begin(size).status_code for size in (0, 500 * 1024 * 1024 + 1)]
    assert sizes == [400, 413]
    where = phone.begin(1000).headers["Location"]
    assert phone.put(where, 1, b"x").status_code == 409
    assert phone.put(where, 0, b"").status_code == 400
    assert phone.put(where, 0, b"x" * 1001).status_code == 413
    assert phone.put(where, 0, b"x", **{"Upload-Offset": "-1"}).status_code == 400
    assert phone.put(where, 0, b"x", **{"Content-Type": "video/mp4"}).status_code == 415
    large = phone.begin(MAX_PIECE_BYTES * 2).headers["Location"]
    assert phone.put(large, 0, bytes(MAX_PIECE_BYTES + 1)).status_code == 413


def test_the_maximum_size_is_a_rule(night: Story) -> None:
    with night.office() as store:
        store.session.add(Rule(name="上传上限MB", value="1"))
    phone = asked(night)
    assert "最大 1 MB" in phone.open().text
    assert (phone.begin(1024 * 1024 + 1).status_code, phone.begin(1024 * 1024).status_code) == (413, 201)


def test_the_method_can_be_sent_in_a_header(night: Story) -> None:
    phone = asked(night)
    where = phone.begin(1000).headers["Location"]
    headers = {
        **TUS,
        "X-HTTP-Method-Override": "PATCH",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    }
    assert phone.client.post(where, base_url=BASE, data=bytes(1000), headers=headers).status_code == 204
    night.settle(1)
    night.hears("p1")


def test_of_two_concurrent_chunks_at_one_offset_one_is_stored(night: Story) -> None:
    phone = asked(night)
    phone.begin(3 * MIN_PIECE_BYTES)
    upload = uploaded(night)
    found: list[int] = []

    def put(byte: bytes) -> None:
        try:
            night.bot.uploads.store_piece(upload, ReceivedPiece(0, byte * MIN_PIECE_BYTES, None))
            found.append(204)
        except UploadRefused as refused:
            found.append(refused.status)

    threads = [threading.Thread(target=put, args=(byte,)) for byte in (b"a", b"b", b"c", b"d")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found.count(204) == 1
    assert set(found) == {204, 409}
    with night.bot.uow.read() as store:
        [kept] = store.session.query(UploadChunk)
        assert kept.size == uploaded(night).received_bytes == MIN_PIECE_BYTES
    with night.bot.objects.open(kept.object_key) as file:
        assert len(set(file.read())) == 1


def test_an_aborted_upload_can_be_followed_by_another(night: Story) -> None:
    phone = asked(night)
    where = phone.begin(3 * MIN_PIECE_BYTES).headers["Location"]
    assert phone.put(where, 0, bytes(MIN_PIECE_BYTES)).status_code == 204
    assert phone.client.delete(where, base_url=BASE, headers=TUS).status_code == 204
    assert pieces(night) == []
    film = film_bytes(12, "second")
    phone.send(film)
    night.settle(1)
    assert night.hears("p1")[0].startswith("✅ 收到 1124-0001")


def test_unneeded_chunks_are_deleted(night: Story) -> None:
    phone = asked(night)
    phone.send(film_bytes(12, "whole"))
    keys = pieces(night)
    night.bot.uploads.remove_unneeded_pieces()
    assert [key for key in keys if night.bot.objects.stat(key)] == keys != []
    night.settle(1)
    night.hears("p1")
    night.bot.uploads.remove_unneeded_pieces()
    assert [key for key in keys if night.bot.objects.stat(key)] == []
    assert phone.state()["state"] == "done"
    with night.bot.uow.read() as store:
        film = store.session.query(Submission).one()
        assert night.bot.objects.stat(film.object_key) is not None


def test_another_process_can_continue_an_upload(night: Story, tmp_path: Path) -> None:
    from bot.app import build_bot
    from bot.engine import InlineEngine
    from storage.db.database import Database

    phone = asked(night)
    film = long_film("two processes")
    where = phone.begin(len(film)).headers["Location"]
    assert phone.put(where, 0, film[:MIN_PIECE_BYTES]).status_code == 204
    database = Database(night.bot.config.DATABASE_URL)
    second = build_bot(night.bot.config, database, night.clock, InlineEngine())
    other = Browser(second.web.test_client(), phone.path)
    cookie = phone.client.get_cookie("upload", domain="patrol.example.org", path="/upload/")
    assert cookie is not None
    other.client.set_cookie("upload", cookie.value, domain="patrol.example.org", path="/upload/", secure=True)
    start = int(other.head(where).headers["Upload-Offset"])
    while start < len(film):
        assert other.put(where, start, film[start : start + MAX_PIECE_BYTES]).status_code == 204
        start += MAX_PIECE_BYTES
    second.close()
    database.close()
    night.settle(1)
    assert night.hears("p1")[0].startswith("✅ 收到 1124-0001")


def test_a_person_of_two_enterprises_gets_a_link_for_each(night: Story) -> None:
    from storage.db.models import Employment, Person

    with night.office() as store:
        person = row(store, Person, name="甲化工巡检员")
        store.session.add(Employment(person_id=person.id, enterprise_id=row(store, Enterprise, code="E002").id))
    night.says("p1", "上传")
    first, second = night.hears("p1")
    assert ("甲化工" in first, "乙化工" in second) == (True, True)
    phone = browser(night, second)
    phone.send(film_bytes(12, "for the second"), part_id(night, "E002", "1"))
    night.settle(1)
    assert night.hears("p1")[0].splitlines()[1] == "乙化工 · 1 罐区"


def test_a_person_without_an_account_can_be_given_a_link(night: Story) -> None:
    from handlers import enrolment, upload_links

    with night.office() as store:
        book, now = night.bot.uow.rules(store), night.clock.instant
        person = enrolment.register_person("新来的", ["巡检员"], "E001", store)
        made = upload_links.create_upload_link(person, Context(store, book, now))
        stranger = enrolment.register_person("办公室的", ["工作人员"], None, store)
        with pytest.raises(OperationRefused):
            upload_links.create_upload_link(stranger, Context(store, book, now))
    links = SignedLinks(night.bot.config.public_url, night.bot.config.SECRET_KEY.get_secret_value())
    phone = browser(night, links.upload_url(made.link_id))
    phone.send(film_bytes(12, "no account"), part_id(night, "E001", "1"))
    night.settle(1)
    assert phone.state()["words"].startswith("✅ 收到 1124-0001\n甲化工 · 1 罐区")
    [clip] = night.part("E001", "1")["submissions"]
    assert clip["state"] == "filed"


def test_a_film_too_large_for_the_chat_gets_a_link_as_reply(night: Story) -> None:
    from dataclasses import replace

    from handlers import router

    night.says("p1", "帮助")
    night.hears("p1")
    with night.office() as store:
        kept = store.inbox.get(1)
        assert kept is not None
        message = night.bot.channels.receivers["wecom_app"].parse(kept.raw, kept.id, kept.received_at)
        router.handle(
            replace(message, kind="too_large"), Context(store, night.bot.uow.rules(store), night.clock.instant)
        )
    night.settle()
    told, link = night.hears("p1")
    assert told.startswith("⚠️ 这段视频太大")
    assert browser(night, link).open().status_code == 200


def test_a_stranger_gets_no_link(night: Story) -> None:
    night.cloud.add_member("new", "新人")
    night.says("new", "上传")
    assert night.hears("new")[0].startswith("您好，这里是夜间巡检机器人，还不认识您")


def test_the_page_loads_only_our_own_scripts(night: Story) -> None:
    page = asked(night).open()
    policy = page.headers["Content-Security-Policy"]
    assert ("default-src 'none'" in policy, "unsafe" in policy) == (True, False)
    assert re.findall(r'(?:src|href)="(?!/login/static/)', page.text) == []
    assert "<script>" not in page.text
    assert " style=" not in page.text
