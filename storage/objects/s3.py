"""Objects in any S3-compatible store; boto3's only home."""

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
# boto3 can share a client among threads, but not make one.
_MAKING = threading.Lock()


class S3Store:
    """Objects under a prefix of a bucket, addressed by path, with their SHA-256 in the metadata."""

    def __init__(self, bucket: str, prefix: str, settings: S3Settings) -> None:
        self._bucket, self._prefix, self._settings = bucket, prefix, settings
        self._lock = threading.Lock()
        self._made: Any = None
        self._replaces_not: bool | None = None

    def spool(self) -> AbstractContextManager[Spool]:
        """A file in the system's directory for temporary files."""
        return open_spool(None)

    def save(self, spool: Spool, key: str) -> None:
        """Uploads, large films in parts; a failed upload is aborted with its parts. The store is asked not to replace
        where it knows how; elsewhere, and for large films, it is looked at first."""
        name, large = self._name(key), spool.size >= PART_BYTES
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        extra = {"Metadata": {"sha256": spool.sha256}, "ContentType": kind}
        if (large or not self._refuses_to_replace()) and self._is_kept(spool, key):
            return
        if large:
            self._abort_uploads(name)
        # Taken: since it was looked at, or by an earlier try. By whom, the look afterwards tells.
        with contextlib.suppress(ObjectConflict), translate_s3_errors("keep", key):
            (self._upload if large else self._put)(spool.path, name, extra)
        if not self._is_kept(spool, key):
            raise ObjectError(f"{key!r} is not in the store as it was sent there")

    def _upload(self, path: Path, name: str, extra: dict[str, Any]) -> None:
        self._client().upload_file(str(path), self._bucket, name, ExtraArgs=extra, Config=_transfer_config())

    def _put(self, path: Path, name: str, extra: dict[str, Any]) -> None:
        """In one request. MD5, for every store can check it, and a bucket with Object Lock takes nothing without."""
        once = {"IfNoneMatch": "*"} if self._refuses_to_replace() else {}
        body = path.read_bytes()
        self._client().put_object(Bucket=self._bucket, Key=name, Body=body, ContentMD5=_md5(body), **once, **extra)

    def _is_kept(self, spool: Spool, key: str) -> bool:
        """Whether just these bytes stand there. Raises ObjectTaken when others do."""
        found = self.stat(key)
        if found is None or found == ObjectStat(spool.size, spool.sha256):
            return found is not None
        raise ObjectConflict(key)

    def _refuses_to_replace(self) -> bool:
        """Whether the store honours If-None-Match, found out once with an object of no account."""
        with self._lock:
            known = self._replaces_not
        if known is None:
            known = _honours_conditions(self._client(), self._bucket, self._name(f"probe-{uuid.uuid4().hex}"))
            with self._lock:
                self._replaces_not = known
        return known

    def open(self, key: str) -> BinaryIO:
        """Read forwards only."""
        with translate_s3_errors("open", key):
            found = self._client().get_object(Bucket=self._bucket, Key=self._name(key))
        return io.BufferedReader(_Body(found["Body"], key), READ_BUFFER_BYTES)

    def stat(self, key: str) -> ObjectStat | None:
        """One request."""
        try:
            with translate_s3_errors("look at", key):
                found = self._client().head_object(Bucket=self._bucket, Key=self._name(key))
        except ObjectMissing:
            return None
        return ObjectStat(found["ContentLength"], found["Metadata"].get("sha256"))

    def remove(self, key: str) -> None:
        """One request."""
        with contextlib.suppress(ObjectMissing), translate_s3_errors("remove", key):
            self._client().delete_object(Bucket=self._bucket, Key=self._name(key))

    def presigned_url(self, key: str, seconds: int, filename: str) -> str | None:
        """A presigned GET that shows the film under the given name."""
        wanted = {
            "Bucket": self._bucket,
            "Key": self._name(key),
            "ResponseContentDisposition": f"inline; filename*=UTF-8''{quote(filename)}",
        }
        with translate_s3_errors("sign", key):
            return str(self._client().generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))

    def free_bytes(self) -> int | None:
        """S3 does not say."""
        return None

    def check(self) -> None:
        """Tries the bucket."""
        check_round_trip(self, f"probe-{uuid.uuid4().hex}")

    def _abort_uploads(self, name: str) -> None:
        """Frees the parts that an upload of the same film left behind when its process was killed."""
        here = {"Bucket": self._bucket}
        # A tidy store is no condition for keeping a film, and listing uploads needs a right of its own.
        with contextlib.suppress(ObjectError), translate_s3_errors("tidy", name):
            found = self._client().list_multipart_uploads(**here, Prefix=name)
            for upload in found.get("Uploads", []):
                if upload["Key"] == name:
                    self._client().abort_multipart_upload(**here, Key=name, UploadId=upload["UploadId"])

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{check_key(key)}" if self._prefix else check_key(key)

    def _client(self) -> Any:
        with _MAKING:
            if self._made is None:
                self._made = _make_client(self._settings)
            return self._made


def _honours_conditions(client: Any, bucket: str, name: str) -> bool:
    """Writes a small object twice: a store that refuses the second time may be relied on. One that does not know the
    condition ignores it, or refuses the first time."""
    try:
        for _ in range(2):
            with translate_s3_errors("try", name):
                client.put_object(Bucket=bucket, Key=name, Body=b"", ContentMD5=_md5(b""), IfNoneMatch="*")
        return False
    except ObjectConflict:
        return True
    except ObjectError as error:
        if error.transient and "NotImplemented" not in str(error):
            raise
        return False
    finally:
        with contextlib.suppress(ObjectError), translate_s3_errors("tidy", name):
            client.delete_object(Bucket=bucket, Key=name)


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


@cache
def _library() -> Any:
    # Loaded here, for a service on one machine does without it: it costs a fifth of a second and 20 MB.
    import boto3

    return boto3.Session()


def _make_client(settings: S3Settings) -> Any:
    from botocore.config import Config

    config = Config(
        # The defaults send checksums as a trailer over TLS, which stores other than Amazon's refuse.
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
        return _library().client(
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
    """An answer's body as a file, so that a broken connection comes out as an ObjectError."""

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
