"""Uploads, downloads in ranges, and injected faults."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.devtools.simulator import Cloud

MB = 1024 * 1024
FILM = bytes(range(256)) * 40


@pytest.fixture
def media_id(cloud: Cloud) -> str:
    return cloud.phone("zhangsan").sends_film(FILM).media_id or ""


def test_a_small_film_is_returned_whole(api: Any, media_id: str) -> None:
    answer = api.fetch(media_id)
    assert (answer.status_code, answer.content) == (200, FILM)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="video.mp4"'
    assert answer.headers["Content-Type"] == "video/mp4"


@pytest.mark.parametrize(
    ("byte_range", "start", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=10200-", 10200, 10240), ("bytes=-5", 10235, 10240)],
)
def test_a_range_is_answered_with_206(api: Any, media_id: str, byte_range: str, start: int, stop: int) -> None:
    answer = api.fetch(media_id, byte_range)
    assert (answer.status_code, answer.content) == (206, FILM[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/10240"
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("byte_range", ["bytes=10240-", "bytes=", "lines=1-2", "bytes=9-3"])
def test_an_invalid_range_is_rejected(api: Any, media_id: str, byte_range: str) -> None:
    assert api.fetch(media_id, byte_range).json()["errcode"] == 40058


def test_a_name_that_is_not_ascii_is_encoded(api: Any, cloud: Cloud) -> None:
    sent = cloud.phone("zhangsan").sends_file(b"x", "罐区.mp4")
    disposition = api.fetch(sent.media_id).headers["Content-Disposition"]
    assert disposition == "attachment; filename*=UTF-8''%E7%BD%90%E5%8C%BA.mp4"


def test_unknown_and_expired_media_are_answered_as_json(api: Any, clock: Any, media_id: str) -> None:
    assert api.fetch("invented").json()["errcode"] == 40007
    clock.advance(3 * 24 * 3600)
    answer = api.fetch(media_id)
    assert (answer.status_code, answer.json()["errcode"]) == (200, 40007)
    assert "Content-Disposition" not in answer.headers


def test_more_than_20_mb_need_ranges_of_at_most_20_mb(api: Any, cloud: Cloud, tmp_path: Path) -> None:
    film = tmp_path / "large.mp4"
    with film.open("wb") as file:
        file.truncate(45 * MB)
        file.seek(41 * MB)
        file.write(b"here")
    media_id = cloud.phone("zhangsan").sends_film(film).media_id
    assert api.fetch(media_id).json()["errcode"] == 830002
    assert api.fetch(media_id, f"bytes=0-{20 * MB}").json()["errcode"] == 830002
    assert len(api.fetch(media_id, f"bytes=0-{20 * MB - 1}").content) == 20 * MB
    assert api.fetch(media_id, f"bytes={41 * MB}-{41 * MB + 3}").content == b"here"
    assert [violation.errcode for violation in cloud.violations] == [830002, 830002]


@pytest.mark.parametrize(
    ("kind", "data", "errcode"),
    [
        ("film", FILM, 40004),
        ("file", b"12345", 40006),
        ("file", b"", 44001),
        ("file", bytes(20 * MB + 1), 45001),
        ("video", b"....ftyp" + bytes(10 * MB), 40011),
        ("video", FILM, 40005),
        ("image", FILM, 40005),
        ("voice", FILM, 40005),
    ],
)
def test_invalid_uploads_are_rejected(api: Any, kind: str, data: bytes, errcode: int) -> None:
    assert api.upload(data, kind)["errcode"] == errcode


def test_an_upload_can_be_fetched(api: Any, cloud: Cloud) -> None:
    answer = api.upload(b"\xff\xd8\xff\xe0 picture", "image", "a.jpg")
    assert (answer["type"], answer["created_at"]) == ("image", str(int(cloud.now())))
    assert api.fetch(answer["media_id"]).content == b"\xff\xd8\xff\xe0 picture"


def test_an_upload_without_the_field_media_is_rejected(api: Any) -> None:
    url, token = api.root + "media/upload", api.token()["access_token"]
    params = {"type": "file", "access_token": token}
    answer = api.session.post(url, params=params, files={"film": ("a", b"123456")}, timeout=10)
    assert answer.json()["errcode"] == 44001


def test_a_fault_occurs_the_given_number_of_times(api: Any, cloud: Cloud, media_id: str) -> None:
    cloud.faults.inject("media/get", errcode=40007, times=2)
    assert [api.fetch(media_id).content == FILM for _ in range(3)] == [False, False, True]
    assert cloud.violations == []


def test_faults_queue_up(api: Any, cloud: Cloud) -> None:
    cloud.faults.inject("gettoken", errcode=60020)
    cloud.faults.inject("gettoken", http_status=502)
    assert api.token()["errcode"] == 60020
    assert api.get("gettoken").status_code == 502
    assert api.token()["errcode"] == 0


def test_a_truncated_body_raises_an_error_in_the_client(api: Any, cloud: Cloud, media_id: str) -> None:
    cloud.faults.inject("media/get", truncate_after=100)
    with pytest.raises(requests.RequestException):
        api.fetch(media_id)


def test_corrupted_bytes_have_the_right_length(api: Any, cloud: Cloud, media_id: str) -> None:
    cloud.faults.inject("media/get", corrupt_bytes=True)
    answer = api.fetch(media_id).content
    assert (len(answer), answer == FILM) == (len(FILM), False)


def test_a_dropped_call_is_not_executed_and_one_with_a_lost_response_is(api: Any, cloud: Cloud) -> None:
    cloud.faults.inject("message/send", drop=True)
    cloud.faults.inject("message/send", lose_response=True)
    for text in ("不见", "送达"):
        with pytest.raises(requests.ConnectionError):
            api.say(text)
    assert cloud.phone("zhangsan").texts == ["送达"]


def test_a_held_call_times_out_in_the_client(api: Any, cloud: Cloud) -> None:
    release = threading.Event()
    cloud.faults.inject("gettoken", hold=release)
    with pytest.raises(requests.Timeout):
        api.session.get(api.root + "gettoken", timeout=0.05)
    release.set()


def test_errors_can_be_plain_text(api: Any, cloud: Cloud) -> None:
    cloud.faults.plain_text_errors = True
    answer = api.fetch("invented")
    assert (answer.headers["Content-Type"], answer.json()["errcode"]) == ("text/plain; charset=utf-8", 40007)


def test_a_parallel_fetch_of_one_item_is_rejected_on_request(api: Any, cloud: Cloud, media_id: str) -> None:
    cloud.faults.refuse_parallel_fetch = True
    with cloud.media.track_fetch(media_id, exclusive=True):
        assert api.fetch(media_id).json()["errcode"] == 45033
    assert api.fetch(media_id).content == FILM


def test_eight_fetches_run_in_parallel(api: Any, cloud: Cloud, media_id: str) -> None:
    release = threading.Event()
    cloud.faults.inject("media/get", hold=release, times=7)
    token = api.token()["access_token"]
    url = f"{api.root}media/get?access_token={token}&media_id={media_id}"
    with ThreadPoolExecutor(8) as pool:
        held = [pool.submit(requests.get, url, timeout=20) for _ in range(7)]
        while cloud.faults.pending("media/get"):
            release.wait(0.002)
        assert requests.get(url, timeout=10).content == FILM
        release.set()
        assert [future.result().content for future in held] == [FILM] * 7


def test_a_fault_of_an_unknown_endpoint_raises_an_error(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="media/got"):
        cloud.faults.inject("media/got", errcode=1)
