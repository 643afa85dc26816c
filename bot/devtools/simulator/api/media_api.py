"""Media over HTTP: uploads of app and robots, downloads in ranges (protocol sheet, sections 3.1, 3.2 and 6)."""

from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Blueprint, Response, request

from bot.devtools.simulator.api.fault_injection import OK_BODY, install_fault_handlers, json_response
from bot.devtools.simulator.api.platform_api import check_any_token
from bot.devtools.simulator.api.robot_messages import find_robot
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.media import Media
from bot.devtools.simulator.core.media_rules import APP_LIMITS, ROBOT_LIMITS, check_upload, parse_range
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud


def create_media_api(cloud: "Cloud") -> Blueprint:
    """media/upload, media/get and webhook/upload_media."""
    blueprint = Blueprint("media", __name__, url_prefix="/cgi-bin")
    install_fault_handlers(blueprint, cloud)

    @blueprint.post("/media/upload")
    def upload() -> Response:
        check_any_token(cloud)
        return _take_in(cloud, APP_LIMITS)

    @blueprint.post("/webhook/upload_media")
    def upload_media() -> Response:
        return _take_in(cloud, ROBOT_LIMITS, find_robot(cloud, request.args.get("key")).key)

    @blueprint.get("/media/get")
    def get() -> Response:
        check_any_token(cloud)
        media_id = request.args.get("media_id")
        if not media_id:
            raise ApiError(41006, "media_id missing")
        with cloud.lock:
            media = cloud.media.find(media_id, cloud.now())
        return _hand_out(cloud, media)

    return blueprint


def _take_in(cloud: "Cloud", limits: dict[str, int], robot: str | None = None) -> Response:
    file = request.files.get("media")
    if file is None or not file.filename:
        raise ApiError(44001, "no multipart field `media` with a filename")
    data = file.stream.read()
    kind = check_upload(request.args.get("type"), data, limits)
    with cloud.lock:
        media = cloud.media.add(data, kind, file.filename, cloud.now(), robot)
    told: Json = {"type": kind, "media_id": media.media_id, "created_at": str(int(media.created_at))}
    return json_response(OK_BODY | told)


def _hand_out(cloud: "Cloud", media: Media) -> Response:
    header, total = request.headers.get("Range") if media.size else None, media.size
    start, stop = parse_range(header, total)
    under_way = ExitStack()
    under_way.enter_context(cloud.media.track_fetch(media.media_id, cloud.faults.refuse_parallel_fetch))
    response = Response(media.chunks(start, stop), 206 if header else 200, content_type=media.content_type)
    response.call_on_close(under_way.close)
    response.content_length = stop - start
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Disposition"] = content_disposition(media.filename)
    if header:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{total}"
    return response


def content_disposition(filename: str) -> str:
    """How the platform names a file: plain, or in the form of RFC 5987 when it is not ASCII (3.1)."""
    if filename.isascii():
        name = filename.replace("\\", "_").replace('"', "_")
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(filename)}"
