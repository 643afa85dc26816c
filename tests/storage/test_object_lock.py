"""Buckets with S3 Object Lock, and stores without conditional writes. Uses moto, because Swift has no Object Lock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from storage.objects import ObjectConflict, ObjectError, ObjectStore, S3Settings, open_object_store
from tests.storage.test_objects import KEY, MIB, boto_client, read, save

HERE = S3Settings("", "us-east-1", "key", "secret")


@pytest.fixture(scope="module")
def moto() -> Iterator[S3Settings]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Settings(f"http://{host}:{port}", "us-east-1", "key", "secret")
    server.stop()


@pytest.fixture
def locked(moto: S3Settings) -> tuple[ObjectStore, Any]:
    """A store on a bucket that locks objects for ninety days, and a client of that bucket."""
    client, bucket = boto_client(moto), f"locked-{os.urandom(4).hex()}"
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 90}}
    client.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    return open_object_store(f"s3://{bucket}/films", moto), client


def versions(store: ObjectStore, client: Any) -> list[dict[str, Any]]:
    found = client.list_object_versions(Bucket=store._bucket, Prefix=f"films/{KEY}")  # type: ignore[attr-defined]
    return list(found.get("Versions", []))


def test_an_object_in_a_locked_bucket_cannot_be_deleted(locked: tuple[ObjectStore, Any]) -> None:
    from botocore.exceptions import ClientError

    store, client = locked
    content = os.urandom(100)
    save(store, content)
    [version] = versions(store, client)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket=store._bucket, Key=version["Key"], VersionId=version["VersionId"])  # type: ignore[attr-defined]
    assert read(store) == content


def test_a_multipart_upload_works_in_a_locked_bucket(locked: tuple[ObjectStore, Any]) -> None:
    content = os.urandom(9 * MIB)
    save(locked[0], content)
    assert read(locked[0]) == content
    assert len(versions(*locked)) == 1


def test_other_bytes_for_a_key_are_refused_and_the_first_version_stays(locked: tuple[ObjectStore, Any]) -> None:
    store, client = locked
    save(store, b"first")
    with pytest.raises(ObjectConflict):
        save(store, b"second")
    [first] = versions(store, client)
    where = {"Bucket": store._bucket, "Key": first["Key"]}  # type: ignore[attr-defined]
    client.put_object(**where, Body=b"altered behind our back")
    assert read(store) == b"altered behind our back"
    assert client.get_object(**where, VersionId=first["VersionId"])["Body"].read() == b"first"
    with pytest.raises(ObjectConflict):
        save(store, b"first")


def test_the_check_passes_on_a_locked_bucket(locked: tuple[ObjectStore, Any]) -> None:
    locked[0].check()


@pytest.mark.parametrize("answer", ["ignored", "unknown"])
def test_a_store_without_conditional_writes_is_supported(locked: tuple[ObjectStore, Any], answer: str) -> None:
    store, client = locked
    made = store._client()  # type: ignore[attr-defined]

    def without(params: dict[str, Any], **_: Any) -> None:
        conditional = params["headers"].pop("If-None-Match", None)
        if conditional and answer == "unknown":
            raise ObjectError("501 NotImplemented", transient=False)

    made.meta.events.register("before-call.s3.PutObject", without)
    save(store, b"first")
    assert store._honours_if_none_match is False  # type: ignore[attr-defined]
    with pytest.raises(ObjectConflict):
        save(store, b"second")
    assert read(store) == b"first"
    assert len(versions(store, client)) == 1
