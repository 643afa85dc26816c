"""Sign-in for web pages: redirects a browser back with a code, and tells the bot whom the code stands for."""

import re
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.devtools.simulator.api.fault_injection import OK_BODY, install_fault_handlers, json_response
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.errors import ApiError

MAX_CODE_LENGTH = 512
_STATE = re.compile(r"[a-zA-Z0-9]{0,128}")
_OPENID_PREFIX = "openid:"


def create_sign_in_api(cloud: Cloud) -> Blueprint:
    """The pages for sign-in inside WeCom and by QR code, and auth/getuserinfo."""
    blueprint = Blueprint("sign_in", __name__)
    install_fault_handlers(blueprint, cloud)
    _add_pages(blueprint, cloud)
    _add_calls(blueprint, cloud)
    return blueprint


def _add_pages(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.get("/connect/oauth2/authorize")
    def authorize() -> Response | AnyResponse | str:
        _require_parameters(response_type="code")
        if request.args.get("scope") not in ("snsapi_base", "snsapi_privateinfo"):
            raise ApiError(40058, "scope must be snsapi_base or snsapi_privateinfo")
        return _choose_identity(cloud)

    @blueprint.get("/wwlogin/sso/login")
    def scan() -> Response | AnyResponse | str:
        _require_parameters(login_type="CorpApp", agentid=str(cloud.app.agent_id))
        return _choose_identity(cloud)


def _require_parameters(**required: str) -> None:
    for name, value in required.items():
        if request.args.get(name) != value:
            raise ApiError(40058, f"{name} must be {value}")


def _choose_identity(cloud: Cloud) -> Response | AnyResponse | str:
    """The real page knows the identity from the phone; here the parameter `as` sets it, or a list offers the choice."""
    _require_parameters(appid=cloud.app.corp_id)
    redirect_uri, state = request.args.get("redirect_uri", ""), request.args.get("state", "")
    if not _STATE.fullmatch(state):
        raise ApiError(40058, "state must be up to 128 letters and digits")
    parts = urlsplit(redirect_uri)
    if parts.scheme not in ("http", "https") or cloud.app.trusted_domain not in ("", parts.netloc):
        raise ApiError(50001, "redirect_uri is not under the trusted domain")
    identity = request.args.get("as")
    if identity is None:
        url_prefix = f"{request.full_path}&as="
        return render_template("simulator_sign_in.html", members=cloud.members.values(), url_prefix=url_prefix)
    with cloud.lock:
        if identity not in cloud.members and not identity.startswith(_OPENID_PREFIX):
            raise ApiError(60111, f"no member {identity}")
        code = cloud.sign_in_codes.issue(identity, cloud.now())
    return redirect(f"{redirect_uri}{'&' if parts.query else '?'}{urlencode({'code': code, 'state': state})}")


def _add_calls(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.get("/cgi-bin/auth/getuserinfo")
    def getuserinfo() -> Response:
        code = request.args.get("code", "")
        if not 0 < len(code) <= MAX_CODE_LENGTH:
            raise ApiError(40029, "invalid code")
        with cloud.lock:
            cloud.tokens.check(request.args.get("access_token"), cloud.now())
            identity = cloud.sign_in_codes.redeem(code, cloud.now())
        openid = identity.removeprefix(_OPENID_PREFIX)
        return json_response(OK_BODY | ({"userid": identity} if openid == identity else {"openid": openid}))
