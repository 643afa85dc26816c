"""The object stores: a directory, and a real S3 server."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from storage.objects import (
    ObjectConflict,
    ObjectError,
    ObjectMissing,
    ObjectStat,
    ObjectStore,
    S3Settings,
    open_object_store,
)
from tests.servers import S3Place, has_swift, swift

MIB = 1024 * 1024
KEY = "2026-11-24/E001/1/1124-0001.mp4"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Settings]:
    if not has_swift():
        pytest.skip("swift is not installed")
    with swift(tmp_path_factory.mktemp("swift")) as place:
        boto_client(settings_for(place)).create_bucket(Bucket="films")
        yield settings_for(place)


@pytest.fixture
def bucket(s3: S3Settings, request: pytest.FixtureRequest) -> ObjectStore:
    prefix = hashlib.md5(request.node.name.encode()).hexdigest()
    return open_object_store(f"s3://films/{prefix}", s3)


@pytest.fixture
def directory(tmp_path: Path) -> ObjectStore:
    return open_object_store(f"file://{tmp_path}/objects")


@pytest.fixture(params=["directory", "bucket"])
def store(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def settings_for(place: S3Place) -> S3Settings:
    return S3Settings(place.endpoint_url, place.region, place.access_key_id, place.secret_access_key, place.ca_bundle)


def boto_client(s3: S3Settings) -> Any:
    import boto3

    session = boto3.Session(s3.access_key_id, s3.secret_access_key, region_name=s3.region)
    return session.client("s3", endpoint_url=s3.endpoint_url, verify=s3.ca_bundle)


def save(store: ObjectStore, content: bytes, key: str = KEY) -> None:
    with store.spool() as spool:
        for start in range(0, len(content), MIB):
            spool.write(content[start : start + MIB])
        store.save(spool, key)


def read(store: ObjectStore, key: str = KEY) -> bytes:
    with store.open(key) as file:
        return file.read()


def files_below(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


# --- every store ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 5, 3 * MIB + 1, 20 * MIB + 7])
def test_stored_bytes_are_read_back_unchanged(store: ObjectStore, size: int) -> None:
    content = os.urandom(size)
    save(store, content)
    assert read(store) == content
    found = store.stat(KEY)
    assert found is not None
    assert found.size == size
    assert found.sha256 in (None, hashlib.sha256(content).hexdigest())


def test_a_spool_knows_size_and_digest_of_what_was_written_so_far(store: ObjectStore) -> None:
    with store.spool() as spool:
        assert (spool.size, spool.sha256) == (0, hashlib.sha256().hexdigest())
        for chunk in (b"\0\0\0\x20ftyp", b"isom", b"x" * 100):
            spool.write(chunk)
        assert spool.size == 112
        assert spool.sha256 == hashlib.sha256(spool.path.read_bytes()).hexdigest()


def test_an_unsaved_spool_leaves_nothing(store: ObjectStore) -> None:
    with contextlib.suppress(ConnectionError), store.spool() as spool:
        spool.write(b"half a film")
        raise ConnectionError
    assert not spool.path.exists()


def test_a_saved_spool_leaves_only_the_object(store: ObjectStore) -> None:
    with store.spool() as spool:
        spool.write(b"a film")
        store.save(spool, KEY)
    assert not spool.path.exists()


@pytest.mark.parametrize("size", [5, 9 * MIB])
def test_a_key_is_written_once(store: ObjectStore, size: int) -> None:
    first, second = os.urandom(size), os.urandom(size)
    save(store, first)
    save(store, first)
    with pytest.raises(ObjectConflict):
        save(store, second)
    assert read(store) == first


def test_of_concurrent_writers_of_one_key_one_succeeds(store: ObjectStore) -> None:
    def attempt(content: bytes) -> bytes | None:
        try:
            save(store, content)
        except ObjectConflict:
            return None
        return content

    with ThreadPoolExecutor(8) as pool:
        won = [each for each in pool.map(attempt, [bytes([number]) * 100 for number in range(8)]) if each]
    assert won == [read(store)]


def test_a_missing_object_differs_from_a_failing_store(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing) as caught:
        store.open(KEY)
    assert not caught.value.transient
    assert store.stat(KEY) is None


def test_a_prefix_of_a_key_is_no_object(store: ObjectStore) -> None:
    save(store, b"a film")
    assert store.stat("2026-11-24/E001") is None
    with pytest.raises(ObjectMissing):
        store.open("2026-11-24/E001")
    assert store.stat(KEY + "/more") is None


def test_removing_may_be_repeated(store: ObjectStore) -> None:
    save(store, b"a film")
    store.remove(KEY)
    store.remove(KEY)
    assert store.stat(KEY) is None


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a\0b", ".spool/x", "a\\b", "n" * 256]
)
def test_keys_that_leave_the_store_are_refused(store: ObjectStore, key: str) -> None:
    for deed in (store.open, store.stat, store.remove):
        with pytest.raises(ObjectError) as caught:
            deed(key)
        assert not caught.value.transient
    with store.spool() as spool, pytest.raises(ObjectError):
        store.save(spool, key)


def test_keys_and_names_may_be_chinese(store: ObjectStore) -> None:
    save(store, b"a film", "2026-11-24/罐区 1号/夜巡.mp4")
    assert read(store, "2026-11-24/罐区 1号/夜巡.mp4") == b"a film"


def test_many_threads_can_save_at_once(store: ObjectStore) -> None:
    keys = [f"2026-11-24/E{number:03}/1.mp4" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: save(store, key.encode() * 1000, key), keys))
    assert all(read(store, key) == key.encode() * 1000 for key in keys)


def test_the_check_of_a_good_store_passes(store: ObjectStore) -> None:
    store.check()


@pytest.mark.parametrize(
    "url", ["", "var/objects", "file:", "file://host/path", "s3:", "s3://", "http://host/", "s3:b"]
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        open_object_store(url)


# --- a directory ----------------------------------------------------------------------------------------------------


def test_a_relative_address_is_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(open_object_store("file:var/objects"), b"a film")
    assert (tmp_path / "var/objects" / KEY).read_bytes() == b"a film"


def test_files_are_readable_by_their_owner_only(directory: ObjectStore, tmp_path: Path) -> None:
    save(directory, b"a film")
    for path in (tmp_path / "objects").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_stale_spool_files_are_deleted_when_the_store_is_opened(directory: ObjectStore, tmp_path: Path) -> None:
    with directory.spool() as old, directory.spool() as young:
        two_days_ago = old.path.stat().st_mtime - 2 * 24 * 3600
        os.utime(old.path, (two_days_ago, two_days_ago))
        open_object_store(f"file://{tmp_path}/objects")
        assert not old.path.exists()
        assert young.path.exists()


@contextlib.contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """The kernel cuts a write short and then refuses, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_a_transient_error_and_leaves_nothing(directory: ObjectStore, tmp_path: Path) -> None:
    with files_no_longer_than(MIB + 1000), pytest.raises(ObjectError) as caught:
        save(directory, bytes(3 * MIB))
    assert caught.value.transient
    assert files_below(tmp_path) == []


def test_a_directory_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ObjectError, match="file/objects: Not a directory"):
        open_object_store(f"file://{tmp_path}/file/objects")


def test_the_check_names_a_missing_directory(directory: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "objects/.spool").rmdir()
    with pytest.raises(ObjectError, match="No such file"):
        directory.check()


def test_the_free_space_is_reported(directory: ObjectStore) -> None:
    assert (directory.free_bytes() or 0) > 0


def test_a_file_can_be_read_from_the_middle(directory: ObjectStore) -> None:
    save(directory, b"0123456789")
    with directory.open(KEY) as file:
        file.seek(5)
        assert file.read() == b"56789"
    assert directory.presigned_url(KEY, 60, "a.mp4") is None


KEEP_FOR_EVER = """
import hashlib, itertools, os, sys
from storage.objects import open_object_store
store = open_object_store("file://" + sys.argv[1])
for number in itertools.count():
    content = os.urandom(1000) * 500
    with store.spool() as spool:
        spool.write(content)
        store.save(spool, "films/" + hashlib.sha256(content).hexdigest())
    print(number, flush=True)
"""


def test_a_process_killed_while_saving_leaves_only_complete_objects(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KEEP_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while process.stdout.readline() != b"20\n":
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    kept = files_below(tmp_path / "films")
    assert len(kept) > 20
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in kept)


# --- S3 -------------------------------------------------------------------------------------------------------------


def test_the_digest_is_stored_with_the_object(bucket: ObjectStore) -> None:
    save(bucket, b"a film")
    assert bucket.stat(KEY) == ObjectStat(6, hashlib.sha256(b"a film").hexdigest())
    assert bucket.free_bytes() is None


def test_a_presigned_url_opens_one_object_without_credentials(bucket: ObjectStore, s3: S3Settings) -> None:
    save(bucket, b"a film")
    address = bucket.presigned_url(KEY, 60, "夜巡 1.mp4")
    assert address is not None
    answer = requests.get(address, verify=s3.ca_bundle, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"a film")
    assert answer.headers["Content-Disposition"] == "inline; filename*=UTF-8''%E5%A4%9C%E5%B7%A1%201.mp4"
    altered = requests.get(address.replace("1124-0001", "1124-0002"), verify=s3.ca_bundle, timeout=10)
    assert altered.status_code == 403


def test_a_failed_upload_leaves_nothing(bucket: ObjectStore, s3: S3Settings) -> None:
    # The test server takes five parts of 8 MiB and refuses the sixth.
    with pytest.raises(ObjectError) as caught:
        save(bucket, bytes(45 * MIB))
    assert not caught.value.transient
    assert bucket.stat(KEY) is None
    assert "Uploads" not in boto_client(s3).list_multipart_uploads(Bucket="films")


def test_parts_of_a_killed_upload_are_freed_by_the_next_upload(s3: S3Settings) -> None:
    client, place = boto_client(s3), {"Bucket": "films", "Key": f"killed/{KEY}"}
    upload = client.create_multipart_upload(**place)["UploadId"]
    client.upload_part(**place, UploadId=upload, PartNumber=1, Body=bytes(5 * MIB))
    save(open_object_store("s3://films/killed", s3), bytes(9 * MIB))
    assert "Uploads" not in client.list_multipart_uploads(Bucket="films")


def test_a_missing_bucket_is_named_by_the_check(s3: S3Settings) -> None:
    with pytest.raises(ObjectError, match="NoSuchBucket") as caught:
        open_object_store("s3://nowhere/films", s3).check()
    assert caught.value.transient


def test_a_wrong_secret_is_named_by_the_check_and_never_shown(s3: S3Settings) -> None:
    wrong = S3Settings(s3.endpoint_url, s3.region, s3.access_key_id, "wrong-secret", s3.ca_bundle)
    with pytest.raises(ObjectError, match="403 SignatureDoesNotMatch") as caught:
        open_object_store("s3://films", wrong).check()
    assert caught.value.transient
    assert "wrong-secret" not in f"{caught.value} {wrong!r}"


def test_an_unreachable_store_is_a_transient_error(unused_port: int) -> None:
    away = open_object_store("s3://films", S3Settings(f"https://127.0.0.1:{unused_port}", "us-east-1", "a", "b"))
    with pytest.raises(ObjectError, match="Could not connect") as caught:
        save(away, b"a film")
    assert caught.value.transient


def test_an_untrusted_certificate_is_refused(s3: S3Settings) -> None:
    stranger = S3Settings(s3.endpoint_url, s3.region, s3.access_key_id, s3.secret_access_key)
    with pytest.raises(ObjectError, match="certificate verify failed"):
        open_object_store("s3://films", stranger).stat(KEY)


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A bound port without a listener."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        yield one.getsockname()[1]
