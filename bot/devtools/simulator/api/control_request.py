"""Reading what the control API is asked, with clear words for what is wrong."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from flask import request

from bot.devtools.simulator.core.kf_phone import KfPhone
from bot.devtools.simulator.core.official_account_phone import FollowerPhone
from bot.devtools.simulator.core.phone import Phone
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud


class BadRequest(ValueError):
    """Answered as HTTP 400 with {"error": ...}."""


def read_fields() -> Json:
    """The fields asked for: a JSON object, or the fields of a form."""
    if request.form or request.files:
        return dict(request.form)
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest("a JSON object is expected")
    return cast(Json, body)


def read_rows(name: str) -> list[Json]:
    """A list of objects: the body itself, its field `name`, or one object alone."""
    body = request.get_json(silent=True)
    if isinstance(body, dict):
        body = body.get(name, [body])
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise BadRequest(f"a list of {name} is expected")
    return body


def text_field(fields: Json, name: str, default: str | None = None) -> str:
    """A text field; required unless there is a default."""
    value = fields.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise BadRequest(f"{name}: a text is expected")
    return value


def read_text_fields(allowed: Sequence[str]) -> dict[str, str]:
    """The fields asked for, texts all of them, of which there are no others than these."""
    fields = read_fields()
    for name in fields:
        if name not in allowed:
            raise BadRequest(f"{name}: unknown; there are {', '.join(allowed)}")
    return {name: text_field(fields, name) for name in fields}


def bool_field(fields: Json, name: str, default: bool) -> bool:
    """A true/false field."""
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise BadRequest(f"{name}: true or false is expected")
    return value


def time_field(fields: Json) -> float | None:
    """The optional field `at`: Unix seconds, or ISO 8601 with its offset."""
    value: Any = fields.get("at")
    if value in (None, ""):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequest("at: Unix seconds or ISO 8601 with an offset are expected")
    return moment.timestamp()


def find_phone(cloud: "Cloud", fields: Json) -> Phone | KfPhone | FollowerPhone:
    """The phone named by the field `from`: a member's, or the WeChat of a customer or a follower."""
    name = text_field(fields, "from")
    if name in cloud.official_account.followers:
        return cloud.official_account.follower_phone(name)
    return cloud.kf.customer_phone(name) if name in cloud.kf.customers else find_member_phone(cloud, fields)


def find_member_phone(cloud: "Cloud", fields: Json) -> Phone:
    """The member's phone named by the field `from`."""
    userid = text_field(fields, "from")
    if userid not in cloud.members:
        raise BadRequest(f"from: no member {userid!r}")
    return cloud.phone(userid)


def read_upload(cloud: "Cloud", fields: Json, name: str) -> tuple[Path, str]:
    """A file handed in as the multipart field `name`, or as a `path` under the directory given at start."""
    file = request.files.get(name)
    if file is not None and file.filename:
        target = cloud.upload_path(f"{cloud.next_msg_id()}.upload")
        file.save(target)
        return target, file.filename
    if cloud.films_dir is None:
        raise BadRequest(f"a multipart field {name!r} is expected; no directory for paths was given at start")
    return _inside(cloud.films_dir, text_field(fields, "path"))


def _inside(directory: Path, name: str) -> tuple[Path, str]:
    found = (directory / name).resolve()
    if not found.is_relative_to(directory.resolve()) or not found.is_file():
        raise BadRequest(f"path: no file {name!r} in the directory given at start")
    return found, found.name
