"""Sign-in for web pages: codes that stand for a person, good for five minutes and one use (protocol sheet, 11)."""

import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.devtools.simulator.api.fault_injection import OK_BODY, install_fault_handlers, json_response
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

CODE_TTL_SECONDS = 300
MAX_CODE_LENGTH = 512
_STATE = re.compile(r"[a-zA-Z0-9]{0,128}")
_OUTSIDE = "openid:"


class SignInCodes:
    """The codes handed out and not yet redeemed."""

    def __init__(self) -> None:
        self._codes: dict[str, tuple[str, float]] = {}

    def issue(self, identity: str, now: float) -> str:
        """A code for a member's userid, or for `openid:…`, somebody who is no member."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = (identity, now)
        return code

    def redeem(self, code: str, now: float) -> str:
        """Who that is; the code is used up by it."""
        who, issued = self._codes.pop(code, ("", -CODE_TTL_SECONDS))
        if not who or now - issued > CODE_TTL_SECONDS:
            raise ApiError(40029, "invalid code", is_violation=False)
        return who


def create_sign_in_api(cloud: "Cloud") -> Blueprint:
    """The two pages a browser is sent to, and the call that tells who came back."""
    pages = Blueprint("sign_in", __name__)
    install_fault_handlers(pages, cloud)
    _add_pages(pages, cloud)
    _add_call(pages, cloud)
    return pages


def _add_pages(pages: Blueprint, cloud: "Cloud") -> None:
    @pages.get("/connect/oauth2/authorize")
    def authorize() -> Response | AnyResponse | str:
        _expect(response_type="code")
        if request.args.get("scope") not in ("snsapi_base", "snsapi_privateinfo"):
            raise ApiError(40058, "scope must be snsapi_base or snsapi_privateinfo")
        return _let_choose(cloud)

    @pages.get("/wwlogin/sso/login")
    def scan() -> Response | AnyResponse | str:
        _expect(login_type="CorpApp", agentid=str(cloud.app.agent_id))
        return _let_choose(cloud)


def _expect(**wanted: str) -> None:
    for name, value in wanted.items():
        if request.args.get(name) != value:
            raise ApiError(40058, f"{name} must be {value}")


def _let_choose(cloud: "Cloud") -> Response | AnyResponse | str:
    """The real page knows who holds the phone; here `as` says it, or whoever looks at the page chooses."""
    _expect(appid=cloud.app.corp_id)
    back, state = request.args.get("redirect_uri", ""), request.args.get("state", "")
    if not _STATE.fullmatch(state):
        raise ApiError(40058, "state must be up to 128 letters and digits")
    parts = urlsplit(back)
    if parts.scheme not in ("http", "https") or cloud.app.trusted_domain not in ("", parts.netloc):
        raise ApiError(50001, "redirect_uri is not under the trusted domain")
    who = request.args.get("as")
    if who is None:
        return render_template("simulator_sign_in.html", members=cloud.members.values(), here=_with("as"))
    with cloud.lock:
        if who not in cloud.members and not who.startswith(_OUTSIDE):
            raise ApiError(60111, f"no member {who}")
        code = cloud.sign_in_codes.issue(who, cloud.now())
    return redirect(f"{back}{'&' if parts.query else '?'}{urlencode({'code': code, 'state': state})}")


def _with(name: str) -> str:
    return f"{request.full_path}&{name}="


def _add_call(pages: Blueprint, cloud: "Cloud") -> None:
    @pages.get("/cgi-bin/auth/getuserinfo")
    def getuserinfo() -> Response:
        code = request.args.get("code", "")
        if not 0 < len(code) <= MAX_CODE_LENGTH:
            raise ApiError(40029, "invalid code")
        with cloud.lock:
            cloud.tokens.check(request.args.get("access_token"), cloud.now())
            who = cloud.sign_in_codes.redeem(code, cloud.now())
        told: Json = {"openid": who.removeprefix(_OUTSIDE)} if who.startswith(_OUTSIDE) else {"userid": who}
        return json_response(OK_BODY | told)
