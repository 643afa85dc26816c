"""Object store in any S3-compatible store."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import mimetypes
import threading
import uuid
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from storage.objects.interface import (
    ObjectConflict,
    ObjectError,
    ObjectMissing,
    ObjectStat,
    S3Settings,
    Spool,
    check_key,
    check_round_trip,
    open_spool,
)
from storage.objects.s3_errors import translate_s3_errors

PART_BYTES = 8 * 1024 * 1024
THREADS_PER_UPLOAD = 3
READ_BUFFER_BYTES = 256 * 1024
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, MAX_ATTEMPTS = 5, 60, 3
# A boto3 client is thread-safe, but creating one is not.
_CLIENT_LOCK = threading.Lock()


class S3Store:
    """Objects under a prefix of a bucket, with path-style addresses and the SHA-256 in the metadata."""

    def __init__(self, bucket: str, prefix: str, settings: S3Settings) -> None:
        self._bucket, self._prefix, self._settings = bucket, prefix, settings
        self._lock = threading.Lock()
        self._cached_client: Any = None
        self._honours_if_none_match: bool | None = None

    def spool(self) -> AbstractContextManager[Spool]:
        return open_spool(None)

    def save(self, spool: Spool, key: str) -> None:
        """Upload, large objects in parts. Small objects are sent with If-None-Match if the store honours it; otherwise
        the key is checked before. A failed multipart upload is aborted."""
        name, is_large = self._name(key), spool.size >= PART_BYTES
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        extra = {"Metadata": {"sha256": spool.sha256}, "ContentType": kind}
        if (is_large or not self._can_refuse_overwrites()) and self._is_stored(spool, key):
            return
        if is_large:
            self._abort_uploads(name)
        # A conflict means a concurrent writer or our own earlier attempt; the check below tells which.
        with contextlib.suppress(ObjectConflict), translate_s3_errors("store", key):
            (self._upload if is_large else self._put)(spool.path, name, extra)
        if not self._is_stored(spool, key):
            raise ObjectError(f"{key!r} is missing or incomplete in the store after the upload")

    def _upload(self, path: Path, name: str, extra: dict[str, Any]) -> None:
        self._client().upload_file(str(path), self._bucket, name, ExtraArgs=extra, Config=_transfer_config())

    def _put(self, path: Path, name: str, extra: dict[str, Any]) -> None:
        """One request, with an MD5: every store can check it, and buckets with Object Lock require it."""
        condition = {"IfNoneMatch": "*"} if self._can_refuse_overwrites() else {}
        body = path.read_bytes()
        self._client().put_object(Bucket=self._bucket, Key=name, Body=body, ContentMD5=_md5(body), **condition, **extra)

    def _is_stored(self, spool: Spool, key: str) -> bool:
        """Whether the key holds exactly these bytes. Raises ObjectConflict if it holds others."""
        stored = self.stat(key)
        if stored is None or stored == ObjectStat(spool.size, spool.sha256):
            return stored is not None
        raise ObjectConflict(key)

    def _can_refuse_overwrites(self) -> bool:
        """Whether the store honours If-None-Match; tried once with a probe object."""
        with self._lock:
            honoured = self._honours_if_none_match
        if honoured is None:
            honoured = _honours_conditions(self._client(), self._bucket, self._name(f"probe-{uuid.uuid4().hex}"))
            with self._lock:
                self._honours_if_none_match = honoured
        return honoured

    def open(self, key: str) -> BinaryIO:
        """Not seekable."""
        with translate_s3_errors("open", key):
            response = self._client().get_object(Bucket=self._bucket, Key=self._name(key))
        return io.BufferedReader(_Body(response["Body"], key), READ_BUFFER_BYTES)

    def stat(self, key: str) -> ObjectStat | None:
        try:
            with translate_s3_errors("read", key):
                response = self._client().head_object(Bucket=self._bucket, Key=self._name(key))
        except ObjectMissing:
            return None
        return ObjectStat(response["ContentLength"], response["Metadata"].get("sha256"))

    def remove(self, key: str) -> None:
        with contextlib.suppress(ObjectMissing), translate_s3_errors("remove", key):
            self._client().delete_object(Bucket=self._bucket, Key=self._name(key))

    def presigned_url(self, key: str, seconds: int, filename: str) -> str | None:
        """A presigned GET with `filename` in the Content-Disposition."""
        params = {
            "Bucket": self._bucket,
            "Key": self._name(key),
            "ResponseContentDisposition": f"inline; filename*=UTF-8''{quote(filename)}",
        }
        with translate_s3_errors("sign", key):
            return str(self._client().generate_presigned_url("get_object", Params=params, ExpiresIn=seconds))

    def free_bytes(self) -> int | None:
        return None

    def check(self) -> None:
        check_round_trip(self, f"probe-{uuid.uuid4().hex}")

    def _abort_uploads(self, name: str) -> None:
        """Abort uploads of the same object by processes that were killed, which frees their parts."""
        bucket = {"Bucket": self._bucket}
        # Errors are ignored: cleaning up is optional, and listing uploads needs a permission of its own.
        with contextlib.suppress(ObjectError), translate_s3_errors("clean up", name):
            listing = self._client().list_multipart_uploads(**bucket, Prefix=name)
            for upload in listing.get("Uploads", []):
                if upload["Key"] == name:
                    self._client().abort_multipart_upload(**bucket, Key=name, UploadId=upload["UploadId"])

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{check_key(key)}" if self._prefix else check_key(key)

    def _client(self) -> Any:
        with _CLIENT_LOCK:
            if self._cached_client is None:
                self._cached_client = _make_client(self._settings)
            return self._cached_client


def _honours_conditions(client: Any, bucket: str, name: str) -> bool:
    """Write a small object twice with If-None-Match. A store that honours it refuses only the second write; one that
    does not know it accepts both, or refuses the first."""
    try:
        for _ in range(2):
            with translate_s3_errors("write", name):
                client.put_object(Bucket=bucket, Key=name, Body=b"", ContentMD5=_md5(b""), IfNoneMatch="*")
        return False
    except ObjectConflict:
        return True
    except ObjectError as error:
        if error.transient and "NotImplemented" not in str(error):
            raise
        return False
    finally:
        with contextlib.suppress(ObjectError), translate_s3_errors("remove", name):
            client.delete_object(Bucket=bucket, Key=name)


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


@cache
def _boto3_session() -> Any:
    # Imported here, because it takes 0.2 s and 20 MB, and a service on one machine does not need it.
    import boto3

    return boto3.Session()


def _make_client(settings: S3Settings) -> Any:
    from botocore.config import Config

    config = Config(
        # By default checksums are sent as a trailer over TLS, which stores other than Amazon's refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
        max_pool_connections=8 * THREADS_PER_UPLOAD,
    )
    with translate_s3_errors("reach", settings.endpoint_url or "S3"):
        return _boto3_session().client(
            "s3",
            region_name=settings.region,
            endpoint_url=settings.endpoint_url,
            verify=settings.ca_bundle,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key,
            config=config,
        )


def _transfer_config() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(
        multipart_threshold=PART_BYTES,
        multipart_chunksize=PART_BYTES,
        max_concurrency=THREADS_PER_UPLOAD,
        preferred_transfer_client="classic",  # the same on every machine, whatever else is installed
    )


class _Body(io.RawIOBase):
    """A response body as a file; a broken connection raises ObjectError."""

    def __init__(self, body: Any, key: str) -> None:
        self._body, self._key = body, key

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with translate_s3_errors("read", self._key):
            chunk = self._body.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()
