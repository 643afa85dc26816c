"""Signing in: silently inside WeChat and WeCom, by QR code on a desktop, by password where there is no WeCom."""

from __future__ import annotations

import logging
import re
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, make_response, redirect, render_template, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from werkzeug.wrappers import Response

from bot.channels.errors import ChannelError, Permanent
from bot.channels.registry import Channels
from bot.channels.wecom_api.login import WeComLogin
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.error_pages import error_page
from bot.web.dashboard.password_sign_in import SignInRefused, authenticate_password
from bot.web.dashboard.sessions import consume_oauth_state, create_oauth_state, start_session

log = logging.getLogger(__name__)
_INSIDE = re.compile(r"MicroMessenger|wxwork", re.I)
# Per address; a county behind one address has a hundred people at the most, and not all within a minute.
_TRIES, _COMINGS = "20 per minute", "120 per minute"


def blueprint(app: Flask, uow: UnitOfWork, channels: Channels) -> Blueprint:
    """/login, and /login/wecom where WeCom sends people back to."""
    pages = Blueprint("sign_in", __name__)
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    _add_password(pages, uow, channels, limiter)
    wecom = channels.logins.get("wecom")
    if wecom is not None:
        _add_wecom(pages, uow, wecom, limiter)
    return pages


def _add_password(pages: Blueprint, memory: UnitOfWork, switchboard: Channels, limiter: Limiter) -> None:
    @pages.get("/login")
    def ask() -> Response | str:
        wanted = _local(request.args.get("next"))
        if current_user.is_authenticated:
            return redirect(wanted)
        if "wecom" in switchboard.logins and _INSIDE.search(request.user_agent.string) and "by" not in request.args:
            return redirect(_start(wanted))
        return _form(switchboard, wanted)

    @pages.post("/login")
    @limiter.limit(_TRIES)
    def answer() -> Response | str:
        wanted = _local(request.form.get("next"))
        login, password, code = (request.form.get(name, "") for name in ("login", "password", "code"))
        try:
            person = authenticate_password(memory, login[:200], password[:1000], code[:10])
        except SignInRefused as refusal:
            return make_response(_form(switchboard, wanted, refusal.text_key, login), 403)
        start_session(memory, person, "password")
        return redirect(wanted)


def _form(switchboard: Channels, wanted: str, trouble: str | None = None, login: str = "") -> str:
    wecom = _start(wanted) if "wecom" in switchboard.logins else None
    return render_template("sign_in.html", next_url=wanted, wecom_url=wecom, error_key=trouble, login=login)


def _start(wanted: str) -> str:
    return f"/login/wecom/start?{urlencode({'next': wanted})}"


def _add_wecom(pages: Blueprint, memory: UnitOfWork, wecom: WeComLogin, limiter: Limiter) -> None:
    @pages.get("/login/wecom/start")
    @limiter.limit(_COMINGS)
    def start() -> Response:
        state = create_oauth_state(_local(request.args.get("next")))
        inside = _INSIDE.search(request.user_agent.string)
        return redirect(wecom.oauth_redirect(state) if inside else wecom.qr_redirect(state))

    @pages.get("/login/wecom")
    @limiter.limit(_COMINGS)
    def back() -> Response:
        state = request.args.get("state", "")
        wanted = consume_oauth_state(state)
        if wanted is None:
            return error_page(403, "sign_in.expired")
        try:
            account = wecom.resolve_account(request.args.get("code", ""))
        except ChannelError as error:
            log.warning("somebody could not be signed in: %s", error)
            return (
                error_page(403, "sign_in.expired")
                if isinstance(error, Permanent)
                else error_page(503, "sign_in.wecom_unreachable")
            )
        return _welcome(memory, account, state, wanted)


def _welcome(memory: UnitOfWork, account: str | None, state: str, wanted: str) -> Response:
    if account is None:
        return error_page(403, "sign_in.not_a_member")
    with memory.read() as store:
        person = store.register.account_owner("wecom", account, memory.clock.now())
    if person is None or not person.active:
        return error_page(403, "sign_in.not_registered")
    if not start_session(memory, person, "wecom", state):
        return error_page(403, "sign_in.expired")
    return redirect(wanted)


def _local(wanted: str | None) -> str:
    """Where to go after the sign-in: a page of ours, whatever the address says."""
    wanted = wanted or "/"
    parts = urlsplit(wanted.replace("\\", "/"))
    ours = wanted.startswith("/") and not parts.netloc and not parts.scheme and wanted.isprintable()
    return wanted if ours and not wanted.startswith(("//", "/\\", "/login")) else "/"
