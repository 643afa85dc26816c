"""Sign-in: automatic inside WeChat and WeCom, by QR code on a desktop, by password without WeCom."""

from __future__ import annotations

import logging
import re
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, make_response, redirect, render_template, request
from flask_limiter import Limiter
from flask_login import current_user
from werkzeug.wrappers import Response

from bot.channels.errors import ChannelError, Permanent
from bot.channels.registry import Channels
from bot.channels.wecom_api.login import WeComLogin
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.error_pages import error_page
from bot.web.dashboard.known_devices import attempt_key, rate_limit_key, remember_device
from bot.web.dashboard.password_sign_in import SignInRefused, authenticate_password
from bot.web.dashboard.sessions import consume_oauth_state, create_oauth_state, start_session

log = logging.getLogger(__name__)
_IN_APP_USER_AGENT = re.compile(r"MicroMessenger|wxwork", re.I)
# Per known device, else per IP address. A whole office can share one.
_PASSWORD_RATE_LIMIT, _WECOM_RATE_LIMIT = "20 per minute", "120 per minute"


def blueprint(app: Flask, uow: UnitOfWork, channels: Channels) -> Blueprint:
    """/login, and /login/wecom to which WeCom redirects back."""
    pages = Blueprint("sign_in", __name__)
    limiter = Limiter(rate_limit_key, app=app, storage_uri="memory://")
    _add_password(pages, uow, channels, limiter)
    wecom = channels.logins.get("wecom")
    if wecom is not None:
        _add_wecom(pages, uow, wecom, limiter)
    return pages


def _is_in_app() -> bool:
    """Whether the request comes from the browser inside WeChat or WeCom."""
    return _IN_APP_USER_AGENT.search(request.user_agent.string) is not None


def _add_password(pages: Blueprint, uow: UnitOfWork, channels: Channels, limiter: Limiter) -> None:
    @pages.get("/login")
    def show_form() -> Response | str:
        next_url = _local_url(request.args.get("next"))
        if current_user.is_authenticated:
            return redirect(next_url)
        if "wecom" in channels.logins and _is_in_app() and "by" not in request.args:
            return redirect(_wecom_start_url(next_url))
        return _render_form(channels, next_url)

    @pages.post("/login")
    @limiter.limit(_PASSWORD_RATE_LIMIT)
    def sign_in() -> Response | str:
        next_url = _local_url(request.form.get("next"))
        login, password, code = (request.form.get(name, "") for name in ("login", "password", "code"))
        try:
            person = authenticate_password(uow, login[:200], password[:1000], code[:10], attempt_key(login[:200]))
        except SignInRefused as refused:
            return make_response(_render_form(channels, next_url, refused.text_key, login), 403)
        start_session(uow, person, "password")
        response = redirect(next_url)
        remember_device(response, login[:200])
        return response


def _render_form(channels: Channels, next_url: str, error_key: str | None = None, login: str = "") -> str:
    wecom = _wecom_start_url(next_url) if "wecom" in channels.logins else None
    return render_template("sign_in.html", next_url=next_url, wecom_url=wecom, error_key=error_key, login=login)


def _wecom_start_url(next_url: str) -> str:
    return f"/login/wecom/start?{urlencode({'next': next_url})}"


def _add_wecom(pages: Blueprint, uow: UnitOfWork, wecom: WeComLogin, limiter: Limiter) -> None:
    @pages.get("/login/wecom/start")
    @limiter.limit(_WECOM_RATE_LIMIT)
    def start() -> Response:
        state = create_oauth_state(_local_url(request.args.get("next")))
        return redirect(wecom.oauth_redirect(state) if _is_in_app() else wecom.qr_redirect(state))

    @pages.get("/login/wecom")
    @limiter.limit(_WECOM_RATE_LIMIT)
    def back() -> Response:
        state = request.args.get("state", "")
        next_url = consume_oauth_state(state)
        if next_url is None:
            return error_page(403, "sign_in.expired")
        try:
            account = wecom.resolve_account(request.args.get("code", ""))
        except ChannelError as error:
            log.warning("sign-in through WeCom failed: %s", error)
            if isinstance(error, Permanent):
                return error_page(403, "sign_in.expired")
            return error_page(503, "sign_in.wecom_unreachable")
        return _sign_in_account(uow, account, state, next_url)


def _sign_in_account(uow: UnitOfWork, account: str | None, state: str, next_url: str) -> Response:
    if account is None:
        return error_page(403, "sign_in.not_a_member")
    with uow.read() as store:
        person = store.register.account_owner("wecom", account, uow.clock.now())
    if person is None or not person.active:
        return error_page(403, "sign_in.not_registered")
    if not start_session(uow, person, "wecom", state):
        return error_page(403, "sign_in.expired")
    return redirect(next_url)


def _local_url(next_url: str | None) -> str:
    """The page to show after the sign-in: the given URL if it is a path of this site, else the start page."""
    next_url = next_url or "/"
    try:
        parts = urlsplit(next_url.replace("\\", "/"))
    except ValueError:
        return "/"
    is_local = next_url.startswith("/") and not parts.netloc and not parts.scheme and next_url.isprintable()
    return next_url if is_local and not next_url.startswith(("//", "/\\", "/login")) else "/"
