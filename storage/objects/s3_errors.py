"""Translation of the errors of boto3 and of S3 stores into ObjectError."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from storage.objects.interface import ObjectConflict, ObjectError, ObjectMissing

MISSING_CODES = {"404", "NoSuchKey", "NotFound"}
# Conditions that pass or that an operator can correct; other refusals would only be repeated.
RETRYABLE_CODES = {"NoSuchBucket", "NoSuchUpload", "RequestTimeTooSkewed", "QuotaExceeded", "SlowDown"}
_PRECONDITION_FAILED = 412
RETRYABLE_STATUSES = {401, 403, 408, 429}


@contextlib.contextmanager
def translate_s3_errors(action: str, target: str) -> Iterator[None]:
    """Raise errors of boto3 as ObjectError "cannot ACTION TARGET"."""
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


def _refusal(action: str, target: str, response: Any) -> ObjectError:
    code, message = response["Error"].get("Code", ""), response["Error"].get("Message", "")
    if code in MISSING_CODES:
        return ObjectMissing(target)
    status = response["ResponseMetadata"].get("HTTPStatusCode", 500)
    if status == _PRECONDITION_FAILED:
        return ObjectConflict(target)
    transient = status >= 500 or status in RETRYABLE_STATUSES or code in RETRYABLE_CODES
    return ObjectError(f"cannot {action} {target}: the store answers {status} {code} {message}".rstrip(), transient)
