"""The hosts of the Official Account: its API, and the host that serves films."""

from flask import Blueprint, Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from bot.devtools.simulator.api import official_account_messages
from bot.devtools.simulator.api.fault_injection import OK_BODY, install_fault_handlers, json_response
from bot.devtools.simulator.api.media_api import media_response
from bot.devtools.simulator.api.platform_api import CALLBACK_IPS, read_json_body
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.official_account import OfficialAccount
from bot.devtools.simulator.core.records import Json


def create_account_app(account: OfficialAccount) -> Flask:
    """Both hosts in one application: films are served as `localhost`, the API as 127.0.0.1."""
    app = Flask(__name__)
    app.register_blueprint(_api(account))
    app.register_blueprint(_films(account))
    return app


def _api(account: OfficialAccount) -> Blueprint:
    blueprint = Blueprint("official_account", __name__, url_prefix="/cgi-bin")
    install_fault_handlers(blueprint, account)
    _add_token_calls(blueprint, account)
    _add_message_calls(blueprint, account)
    _add_media_calls(blueprint, account)
    return blueprint


def _add_token_calls(blueprint: Blueprint, account: OfficialAccount) -> None:
    @blueprint.post("/stable_token")
    def stable_token() -> Response:
        with account.lock:
            return json_response(account.issue_token(read_json_body()))

    @blueprint.get("/token")
    def token() -> Response:
        """The older call: every call issues a new token and revokes the previous one."""
        with account.lock:
            return json_response(account.issue_token({**request.args.to_dict(), "force_refresh": True}))

    @blueprint.get("/getcallbackip")
    def getcallbackip() -> Response:
        account.check_token(request.args.get("access_token"))
        return json_response({"ip_list": CALLBACK_IPS})


def _add_message_calls(blueprint: Blueprint, account: OfficialAccount) -> None:
    @blueprint.post("/message/custom/send")
    def custom() -> Response:
        account.check_token(request.args.get("access_token"))
        with account.lock:
            return json_response(OK_BODY | official_account_messages.send_custom(account, read_json_body()))

    @blueprint.post("/message/template/send")
    def template() -> Response:
        account.check_token(request.args.get("access_token"))
        with account.lock:
            return json_response(OK_BODY | official_account_messages.send_template(account, read_json_body()))

    @blueprint.get("/template/get_all_private_template")
    def templates() -> Response:
        account.check_token(request.args.get("access_token"))
        return json_response({"template_list": [vars(each) for each in account.templates]})


def _add_media_calls(blueprint: Blueprint, account: OfficialAccount) -> None:
    @blueprint.get("/media/get")
    def get() -> Response:
        account.check_token(request.args.get("access_token"))
        with account.lock:
            media = account.media.find(request.args.get("media_id"), account.now())
            if media.kind in ("video", "shortvideo") and not account.films_as_bytes:
                return _json_of_media_get(account, {"video_url": account.issue_film_url(media)})
        return media_response(media)

    @blueprint.post("/media/upload")
    def upload() -> Response:
        account.check_token(request.args.get("access_token"))
        file = request.files.get("media")
        if file is None or not file.filename:
            raise ApiError(41005, "media data missing")
        data = file.stream.read()
        if request.args.get("type") == "image" and len(data) > 10 * 1024 * 1024:
            raise ApiError(40009, "invalid image size")
        media = account.media.add(data, str(request.args.get("type")), file.filename, account.now())
        return json_response({"type": media.kind, "media_id": media.media_id, "created_at": int(media.created_at)})


def _json_of_media_get(account: OfficialAccount, body: Json) -> Response:
    response = json_response(body)
    if account.plain_text_json:
        response.content_type = "text/plain"
    return response


def _films(account: OfficialAccount) -> Blueprint:
    """The host of films: its URLs expire, and it must not receive access tokens."""
    blueprint = Blueprint("account_films", __name__)

    @blueprint.get("/film/<key>")
    def film(key: str) -> AnyResponse:
        if "access_token" in request.args:
            account.record_violation("video_url", 0, "an access token was sent to the host of films")
        with account.lock:
            media = account.find_film(key)
        if media is None:
            return Response("<html>403 Forbidden</html>", 403, content_type="text/html")
        if account.redirects_films and "again" not in request.args:
            return redirect(f"/film/{key}?again=1", 302)
        response = Response(media.chunks(), content_type="video/mp4")
        response.content_length = media.size
        return response

    return blueprint
