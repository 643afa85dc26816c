"""What boto3 and a store can say, in the terms of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from storage.objects.interface import ObjectError, ObjectMissing, ObjectTaken

MISSING = {"404", "NoSuchKey", "NotFound"}
# The operator can mend these while the film waits; other refusals of the store would only be repeated.
MENDABLE = {"NoSuchBucket", "NoSuchUpload", "RequestTimeTooSkewed", "QuotaExceeded", "SlowDown"}
_TAKEN = 412
MENDABLE_STATUS = {401, 403, 408, 429}


@contextlib.contextmanager
def plainly(what: str, where: str) -> Iterator[None]:
    """Puts the many errors of boto3 into the terms of ours."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refusal(what, where, error.response) from error
    except (BotoCoreError, Boto3Error, OSError, ValueError) as error:
        cause = error.__context__
        if isinstance(error, Boto3Error) and isinstance(cause, ClientError):
            raise _refusal(what, where, cause.response) from error
        raise ObjectError(f"cannot {what} {where}: {error}") from error


def _refusal(what: str, where: str, response: Any) -> ObjectError:
    code, message = response["Error"].get("Code", ""), response["Error"].get("Message", "")
    if code in MISSING:
        return ObjectMissing(where)
    status = response["ResponseMetadata"].get("HTTPStatusCode", 500)
    if status == _TAKEN:
        return ObjectTaken(where)
    transient = status >= 500 or status in MENDABLE_STATUS or code in MENDABLE
    return ObjectError(f"cannot {what} {where}: the store says {status} {code} {message}".rstrip(), transient)
