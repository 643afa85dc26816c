"""The account's own host: token, media, messages, and the films' host beside it (protocol sheet, section 10)."""

from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from bot.devtools.simulator.api import official_account_messages
from bot.devtools.simulator.api.fault_injection import OK_BODY, install_fault_handlers, json_response
from bot.devtools.simulator.api.media_api import content_disposition
from bot.devtools.simulator.api.platform_api import CALLBACK_IPS, read_json_body
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.media import Media
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.core.official_account import OfficialAccount


def create_account_app(account: "OfficialAccount") -> Flask:
    """Everything the account's host answers."""
    app = Flask(__name__)
    app.register_blueprint(_api(account))
    app.register_blueprint(_films(account))
    return app


def _api(desk: "OfficialAccount") -> Blueprint:
    blueprint = Blueprint("official_account", __name__, url_prefix="/cgi-bin")
    install_fault_handlers(blueprint, desk)
    _add_tokens(blueprint, desk)
    _add_sends(blueprint, desk)
    _add_media(blueprint, desk)
    return blueprint


def _add_tokens(blueprint: Blueprint, desk: "OfficialAccount") -> None:
    @blueprint.post("/stable_token")
    def stable_token() -> Response:
        with desk.lock:
            return json_response(desk.issue_token(read_json_body()))

    @blueprint.get("/token")
    def token() -> Response:
        """The older call: each time another token, and the one before dies soon."""
        with desk.lock:
            return json_response(desk.issue_token({**request.args.to_dict(), "force_refresh": True}))

    @blueprint.get("/getcallbackip")
    def getcallbackip() -> Response:
        desk.check_token(request.args.get("access_token"))
        return json_response({"ip_list": CALLBACK_IPS})


def _add_sends(blueprint: Blueprint, desk: "OfficialAccount") -> None:
    @blueprint.post("/message/custom/send")
    def custom() -> Response:
        desk.check_token(request.args.get("access_token"))
        with desk.lock:
            return json_response(OK_BODY | official_account_messages.send_custom(desk, read_json_body()))

    @blueprint.post("/message/template/send")
    def template() -> Response:
        desk.check_token(request.args.get("access_token"))
        with desk.lock:
            return json_response(OK_BODY | official_account_messages.send_template(desk, read_json_body()))

    @blueprint.get("/template/get_all_private_template")
    def templates() -> Response:
        desk.check_token(request.args.get("access_token"))
        return json_response({"template_list": [vars(each) for each in desk.templates]})


def _add_media(blueprint: Blueprint, desk: "OfficialAccount") -> None:
    @blueprint.get("/media/get")
    def get() -> Response:
        desk.check_token(request.args.get("access_token"))
        with desk.lock:
            media = desk.media.find(request.args.get("media_id"), desk.now())
            if media.kind in ("video", "shortvideo") and not desk.films_as_bytes:
                return _told(desk, {"video_url": desk.issue_film_url(media)})
        return _handed_out(media)

    @blueprint.post("/media/upload")
    def upload() -> Response:
        desk.check_token(request.args.get("access_token"))
        file = request.files.get("media")
        if file is None or not file.filename:
            raise ApiError(41005, "media data missing")
        data = file.stream.read()
        if request.args.get("type") == "image" and len(data) > 10 * 1024 * 1024:
            raise ApiError(40009, "invalid image size")
        media = desk.media.add(data, str(request.args.get("type")), file.filename, desk.now())
        return json_response({"type": media.kind, "media_id": media.media_id, "created_at": int(media.created_at)})


def _told(desk: "OfficialAccount", body: Json) -> Response:
    """Here the platform often calls its JSON a plain text."""
    told = json_response(body)
    if desk.plain_text_json:
        told.content_type = "text/plain"
    return told


def _handed_out(media: Media) -> Response:
    response = Response(media.chunks(0, media.size), content_type=media.content_type)
    response.content_length = media.size
    response.headers["Content-Disposition"] = content_disposition(media.filename)
    return response


def _films(desk: "OfficialAccount") -> Blueprint:
    """Another host: it knows no tokens, and its addresses die."""
    blueprint = Blueprint("account_films", __name__)

    @blueprint.get("/film/<key>")
    def film(key: str) -> AnyResponse:
        if "access_token" in request.args:
            desk.record_violation("video_url", 0, "a token was sent to the films' host")
        with desk.lock:
            media = desk.find_film(key)
        if media is None:
            return Response("<html>403 Forbidden</html>", 403, content_type="text/html")
        if desk.redirects_films and "again" not in request.args:
            return redirect(f"/film/{key}?again=1", 302)
        response = Response(media.chunks(0, media.size), content_type="video/mp4")
        response.content_length = media.size
        return response

    return blueprint
