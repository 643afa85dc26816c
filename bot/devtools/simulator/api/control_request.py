"""Reads the fields of a control API request; every problem raises BadRequest with the field and the reason."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from flask import request

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.kf_phone import KfPhone
from bot.devtools.simulator.core.media import Payload
from bot.devtools.simulator.core.official_account_phone import FollowerPhone
from bot.devtools.simulator.core.phone import Phone
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.films import make_film

Upload = tuple[Payload, str]
"""Content and filename."""
_MAX_SAMPLE_SECONDS = 120


class BadRequest(ValueError):
    """Answered as HTTP 400 with {"error": ...}."""


def read_fields() -> Json:
    """The fields of the request: a JSON object or a form."""
    if request.form or request.files:
        return dict(request.form)
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest("a JSON object is expected")
    return cast(Json, body)


def read_rows(name: str) -> list[Json]:
    """A list of objects: the body itself, its field `name`, or a single object."""
    body = request.get_json(silent=True)
    if isinstance(body, dict):
        body = body.get(name, [body])
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise BadRequest(f"a list of {name} is expected")
    return body


def text_field(fields: Json, name: str, default: str | None = None) -> str:
    """A text field; required and not empty unless there is a default."""
    value = fields.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise BadRequest(f"{name}: a text is expected")
    return value


def read_text_fields(allowed: Sequence[str]) -> dict[str, str]:
    """The fields of the request, all of them texts and among the allowed names."""
    fields = read_fields()
    for name in fields:
        if name not in allowed:
            raise BadRequest(f"{name}: unknown; there are {', '.join(allowed)}")
    return {name: text_field(fields, name) for name in fields}


def bool_field(fields: Json, name: str, default: bool) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise BadRequest(f"{name}: true or false is expected")
    return value


def time_field(fields: Json) -> float | None:
    """The optional field `at`: Unix seconds, or ISO 8601 with its offset."""
    value: Any = fields.get("at")
    if value in (None, ""):
        return None
    with suppress(TypeError, ValueError):
        return float(value)
    with suppress(ValueError):
        parsed = datetime.fromisoformat(str(value))
        if parsed.tzinfo is not None:
            return parsed.timestamp()
    raise BadRequest("at: Unix seconds or ISO 8601 with an offset are expected")


def find_phone(cloud: Cloud, fields: Json) -> Phone | KfPhone | FollowerPhone:
    """The phone of the member, customer or follower whose id is in the field `from`."""
    name = text_field(fields, "from")
    if name in cloud.official_account.followers:
        return cloud.follower_phone(name)
    return cloud.customer_phone(name) if name in cloud.kf.customers else find_member_phone(cloud, fields)


def find_member_phone(cloud: Cloud, fields: Json) -> Phone:
    """The phone of the member whose userid is in the field `from`."""
    userid = text_field(fields, "from")
    if userid not in cloud.members:
        raise BadRequest(f"from: no member {userid!r}")
    return cloud.phone(userid)


def read_upload(cloud: Cloud, fields: Json, name: str, sample: Callable[[Json], bytes] | None = None) -> Upload:
    """The multipart field `name`, or the file `path` inside the directory given at start, or one made by `sample`."""
    if sample is not None and fields.get("sample"):
        return sample(fields), f"sample.{'mp4' if name == 'film' else 'jpg'}"
    file = request.files.get(name)
    if file is not None and file.filename:
        target = cloud.upload_path(f"{cloud.next_msg_id()}.upload")
        file.save(target)
        return target, file.filename
    if cloud.films_dir is None:
        raise BadRequest(f"a multipart field {name!r} is expected; no directory for paths was given at start")
    return _find_file(cloud.films_dir, text_field(fields, "path"))


def sample_film(fields: Json) -> bytes:
    """A new film of `sample` seconds."""
    try:
        seconds = int(fields["sample"])
    except (TypeError, ValueError):
        seconds = 0
    if not 0 < seconds <= _MAX_SAMPLE_SECONDS:
        raise BadRequest(f"sample: seconds from 1 to {_MAX_SAMPLE_SECONDS} are expected")
    return make_film(seconds=seconds, tag=f"{fields.get('from')}/{time.time_ns()}")


def _find_file(directory: Path, name: str) -> tuple[Path, str]:
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()) or not path.is_file():
        raise BadRequest(f"path: no file {name!r} in the directory given at start")
    return path, path.name
