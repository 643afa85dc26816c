"""What boto3 and a store can say, in the terms of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from storage.objects.interface import ObjectConflict, ObjectError, ObjectMissing

MISSING_CODES = {"404", "NoSuchKey", "NotFound"}
# The operator can mend these while the film waits; other refusals of the store would only be repeated.
RETRYABLE_CODES = {"NoSuchBucket", "NoSuchUpload", "RequestTimeTooSkewed", "QuotaExceeded", "SlowDown"}
_TAKEN = 412
RETRYABLE_STATUSES = {401, 403, 408, 429}


@contextlib.contextmanager
def translate_s3_errors(action: str, target: str) -> Iterator[None]:
    """Puts the many errors of boto3 into the terms of ours."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refusal(action, target, error.response) from error
    except (BotoCoreError, Boto3Error, OSError, ValueError) as error:
        cause = error.__context__
        if isinstance(error, Boto3Error) and isinstance(cause, ClientError):
            raise _refusal(action, target, cause.response) from error
        raise ObjectError(f"cannot {action} {target}: {error}") from error


def _refusal(what: str, where: str, response: Any) -> ObjectError:
    code, message = response["Error"].get("Code", ""), response["Error"].get("Message", "")
    if code in MISSING_CODES:
        return ObjectMissing(where)
    status = response["ResponseMetadata"].get("HTTPStatusCode", 500)
    if status == _TAKEN:
        return ObjectConflict(where)
    transient = status >= 500 or status in RETRYABLE_STATUSES or code in RETRYABLE_CODES
    return ObjectError(f"cannot {what} {where}: the store says {status} {code} {message}".rstrip(), transient)
