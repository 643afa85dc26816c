"""Nobody gets past who has not signed in, and nobody does what the table in handlers/permissions.py denies.

The check stands before every request, not in the pages: a page that forgot to say what it is for opens to nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Flask, Response, abort, current_app, redirect, request
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf import CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from bot.clock import wall_now
from bot.unit_of_work import UnitOfWork
from bot.web.site_settings import SiteSettings
from handlers.permissions import ACTIONS, OWN_SESSION, Viewer, build_viewer
from storage.sign_ins import SESSION_MAX_AGE

Page = TypeVar("Page", bound=Callable[..., Any])

# Blueprints that ask for no sign-in: each checks by itself who is asking.
PUBLIC_BLUEPRINTS = {"health", "content", "sign_in", "assets", "upload"}
# Platforms and probes ask here; they are answered by a bare status, whatever is wrong with the request.
MACHINE_PATHS = ("/health/", "/metrics")
# So rarely is it written down that somebody is still looking: every note is a write.
_NOTED = timedelta(minutes=10)


class SignedInUser(UserMixin):  # type: ignore[misc]
    """One browser's sign-in: its token and whose it is."""

    def __init__(self, token: str, viewer: Viewer) -> None:
        self.id, self.viewer = token, viewer


def requires_permission(action: str, *, max_body_bytes: int | None = None) -> Callable[[Page], Page]:
    """A page for those whose roles allow an action; it is called with the viewer before all else.

    `max_body_bytes` is how many bytes may be sent to it, where that is more than a form.
    """
    assert action == OWN_SESSION or action in ACTIONS, action

    def mark(page: Page) -> Page:
        @wraps(page)
        def shown(*args: Any, **kwargs: Any) -> Any:
            return page(current_user.viewer, *args, **kwargs)

        shown.action, shown.max_body_bytes = action, max_body_bytes  # type: ignore[attr-defined]
        return shown  # type: ignore[return-value]

    return mark


def init_app(app: Flask, uow: UnitOfWork, site: SiteSettings) -> None:
    """Stand before every request of the application."""
    app.config.update(
        SECRET_KEY=site.secret_key,
        SESSION_COOKIE_NAME="patrol",
        SESSION_COOKIE_SECURE=site.is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION_MAX_AGE,
        WTF_CSRF_TIME_LIMIT=None,
    )
    logins = LoginManager(app)
    logins.session_protection = None  # the session stands in the database, and a phone changes its address
    logins.user_loader(lambda token: _look_up(token, uow))
    app.before_request(_check)
    guarded = CSRFProtect(app)
    # The upload page is known by a cookie of its own that no other site's request brings along.
    for name in ("health", "upload"):
        guarded.exempt(app.blueprints[name])


def hash_token(token: str) -> str:
    """What is kept of a token: whoever reads the database cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _look_up(token: str, memory: UnitOfWork) -> SignedInUser | None:
    now = wall_now()
    with memory.read() as store:
        found = store.sign_ins.authenticate(hash_token(token), now)
    if found is None:
        return None
    session, person, employers = found
    if now - session.last_seen_at > _NOTED:
        with memory.transaction() as writing:
            writing.sign_ins.touch(session.token_sha256, now)
    return SignedInUser(token, build_viewer(person.id, person.name, person.roles, employers))


def _check() -> Response | AnyResponse | None:
    page = current_app.view_functions.get(request.endpoint or "")
    max_body_bytes = getattr(page, "max_body_bytes", None)
    if max_body_bytes is not None:
        request.max_content_length = max_body_bytes
    if request.blueprint in PUBLIC_BLUEPRINTS or request.path.startswith(MACHINE_PATHS):
        return None
    if not current_user.is_authenticated:
        return _ask_to_sign_in()
    if page is None:
        return None  # there is no such page, and Flask says so
    action = getattr(page, "action", None)
    if action is None or not current_user.viewer.may(action):
        abort(403)
    return None


def _ask_to_sign_in() -> Response | AnyResponse:
    """A page is asked for again after the sign-in; a part of one, or an action, is not."""
    if request.method != "GET":
        abort(401)
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": "/login"})
    wanted = request.full_path.rstrip("?")
    return redirect("/login" if wanted == "/" else f"/login?{urlencode({'next': wanted})}")
