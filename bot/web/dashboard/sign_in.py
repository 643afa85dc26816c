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

from bot.channels import Switchboard, WeComLogin
from bot.channels.errors import ChannelError, Permanent
from bot.unit_of_work import Memory
from bot.web.dashboard.error_pages import told
from bot.web.dashboard.password_sign_in import Refusal, by_password
from bot.web.dashboard.sessions import begin, keep_state, take_state

log = logging.getLogger(__name__)
_INSIDE = re.compile(r"MicroMessenger|wxwork", re.I)
# Per address; a county behind one address has a hundred people at the most, and not all within a minute.
_TRIES, _COMINGS = "20 per minute", "120 per minute"


def blueprint(app: Flask, memory: Memory, switchboard: Switchboard) -> Blueprint:
    """/login, and /login/wecom where WeCom sends people back to."""
    pages = Blueprint("sign_in", __name__)
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    _add_password(pages, memory, switchboard, limiter)
    wecom = switchboard.logins.get("wecom")
    if wecom is not None:
        _add_wecom(pages, memory, wecom, limiter)
    return pages


def _add_password(pages: Blueprint, memory: Memory, switchboard: Switchboard, limiter: Limiter) -> None:
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
            person = by_password(memory, login[:200], password[:1000], code[:10])
        except Refusal as refusal:
            return make_response(_form(switchboard, wanted, refusal.key, login), 403)
        begin(memory, person, "password")
        return redirect(wanted)


def _form(switchboard: Switchboard, wanted: str, trouble: str | None = None, login: str = "") -> str:
    wecom = _start(wanted) if "wecom" in switchboard.logins else None
    return render_template("login.html", wanted=wanted, wecom=wecom, trouble=trouble, login=login)


def _start(wanted: str) -> str:
    return f"/login/wecom/start?{urlencode({'next': wanted})}"


def _add_wecom(pages: Blueprint, memory: Memory, wecom: WeComLogin, limiter: Limiter) -> None:
    @pages.get("/login/wecom/start")
    @limiter.limit(_COMINGS)
    def start() -> Response:
        state = keep_state(_local(request.args.get("next")))
        inside = _INSIDE.search(request.user_agent.string)
        return redirect(wecom.silent(state) if inside else wecom.by_qr(state))

    @pages.get("/login/wecom")
    @limiter.limit(_COMINGS)
    def back() -> Response:
        state = request.args.get("state", "")
        wanted = take_state(state)
        if wanted is None:
            return told(403, "sign_in.stale")
        try:
            account = wecom.who(request.args.get("code", ""))
        except ChannelError as error:
            log.warning("somebody could not be signed in: %s", error)
            return told(403, "sign_in.stale") if isinstance(error, Permanent) else told(503, "sign_in.away")
        return _welcome(memory, account, state, wanted)


def _welcome(memory: Memory, account: str | None, state: str, wanted: str) -> Response:
    if account is None:
        return told(403, "sign_in.no_member")
    with memory.reading() as store:
        person = store.register.account_owner("wecom", account, memory.clock.now())
    if person is None or not person.active:
        return told(403, "sign_in.stranger")
    if not begin(memory, person, "wecom", state):
        return told(403, "sign_in.stale")
    return redirect(wanted)


def _local(wanted: str | None) -> str:
    """Where to go after the sign-in: a page of ours, whatever the address says."""
    wanted = wanted or "/"
    parts = urlsplit(wanted.replace("\\", "/"))
    ours = wanted.startswith("/") and not parts.netloc and not parts.scheme and wanted.isprintable()
    return wanted if ours and not wanted.startswith(("//", "/\\", "/login")) else "/"
