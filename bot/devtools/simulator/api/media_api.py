"""Media over HTTP: uploads, downloads in ranges, and the encrypted items of the smart bot."""

from contextlib import ExitStack
from urllib.parse import quote

from flask import Blueprint, Response, request

from bot.devtools.simulator.api.fault_injection import OK_BODY, install_fault_handlers, json_response
from bot.devtools.simulator.api.platform_api import check_any_token
from bot.devtools.simulator.api.robot_messages import find_robot
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.aibot_media import URL_TTL_SECONDS, EncryptedItem
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.media import Media
from bot.devtools.simulator.core.media_rules import APP_LIMITS, ROBOT_LIMITS, check_upload, parse_range
from bot.devtools.simulator.core.records import Json


def create_media_api(cloud: Cloud) -> Blueprint:
    """media/upload, media/get and webhook/upload_media."""
    blueprint = Blueprint("media", __name__, url_prefix="/cgi-bin")
    install_fault_handlers(blueprint, cloud)

    @blueprint.post("/media/upload")
    def upload() -> Response:
        check_any_token(cloud)
        return _store_upload(cloud, APP_LIMITS)

    @blueprint.post("/webhook/upload_media")
    def upload_media() -> Response:
        return _store_upload(cloud, ROBOT_LIMITS, find_robot(cloud, request.args.get("key")).key)

    @blueprint.get("/media/get")
    def get() -> Response:
        check_any_token(cloud)
        media_id = request.args.get("media_id")
        if not media_id:
            raise ApiError(41006, "media_id missing")
        with cloud.lock:
            media = cloud.media.find(media_id, cloud.now())
        return _range_response(cloud, media)

    return blueprint


def create_aibot_media_api(cloud: Cloud) -> Blueprint:
    """aibot_media, as object storage answers: 404 for an unknown item, 403 for an expired URL, no errcode."""
    blueprint = Blueprint("aibot_media", __name__, url_prefix="/cgi-bin")
    install_fault_handlers(blueprint, cloud)

    @blueprint.get("/aibot_media")
    def get() -> Response:
        item = cloud.aibot.media.find(request.args.get("sign", ""))
        if item is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404, content_type="application/xml")
        if cloud.now() >= item.created_at + URL_TTL_SECONDS:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml")
        return _encrypted_response(item)

    return blueprint


def media_response(media: Media) -> Response:
    """The whole item under its name."""
    response = Response(media.chunks(), content_type=media.content_type)
    response.content_length = media.size
    response.headers["Content-Disposition"] = content_disposition(media.filename)
    return response


def content_disposition(filename: str) -> str:
    """The header as the platform writes it: plain for ASCII names, otherwise in the form of RFC 5987."""
    if filename.isascii():
        name = filename.replace("\\", "_").replace('"', "_")
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(filename)}"


def _store_upload(cloud: Cloud, limits: dict[str, int], owner: str | None = None) -> Response:
    file = request.files.get("media")
    if file is None or not file.filename:
        raise ApiError(44001, "no multipart field `media` with a filename")
    data = file.stream.read()
    kind = check_upload(request.args.get("type"), data, limits)
    with cloud.lock:
        media = cloud.media.add(data, kind, file.filename, cloud.now(), owner)
    fields: Json = {"type": kind, "media_id": media.media_id, "created_at": str(int(media.created_at))}
    return json_response(OK_BODY | fields)


def _range_response(cloud: Cloud, media: Media) -> Response:
    header, total = request.headers.get("Range") if media.size else None, media.size
    start, stop = parse_range(header, total)
    fetch = ExitStack()
    fetch.enter_context(cloud.media.track_fetch(media.media_id, cloud.faults.refuse_parallel_fetch))
    response = Response(media.chunks(start, stop), 206 if header else 200, content_type=media.content_type)
    response.call_on_close(fetch.close)
    response.content_length = stop - start
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Disposition"] = content_disposition(media.filename)
    if header:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{total}"
    return response


def _encrypted_response(item: EncryptedItem) -> Response:
    header, total = request.headers.get("Range", ""), item.path.stat().st_size
    start = int(header.removeprefix("bytes=").partition("-")[0]) if header else 0
    content_type = "application/octet-stream"
    response = Response(item.read_from(start), 206 if header else 200, content_type=content_type)
    response.content_length = total - start
    response.headers["Content-Disposition"] = content_disposition(item.name)
    if header:
        response.headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
    return response
