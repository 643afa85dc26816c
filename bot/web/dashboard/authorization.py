"""Sign-in and permissions, checked before every request against the table in handlers/permissions.py.

The check is not in the pages, so that a page without `requires_permission` is refused for every user.
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
from bot.web.headers import SiteSettings
from bot.web.request_guard import refuse_hostile_body, refuse_hostile_head
from handlers.permissions import ACTIONS, OWN_SESSION, Viewer, build_viewer
from storage.sign_ins import SESSION_MAX_AGE

View = TypeVar("View", bound=Callable[..., Any])

# Blueprints without sign-in: each authenticates its requests itself.
PUBLIC_BLUEPRINTS = {"health", "content", "sign_in", "assets", "upload"}
# Requested by programs: errors are answered with the bare status instead of a page.
MACHINE_PATHS = ("/health/", "/metrics")
# Each update of a session's last use is a write.
_LAST_SEEN_PRECISION = timedelta(minutes=10)


class SignedInUser(UserMixin):  # type: ignore[misc]
    """The session of one browser: its token and its viewer."""

    def __init__(self, token: str, viewer: Viewer) -> None:
        self.id, self.viewer = token, viewer


def requires_permission(action: str, *, max_body_bytes: int | None = None) -> Callable[[View], View]:
    """Restrict a view function to roles that allow an action. The viewer becomes its first argument.

    `max_body_bytes` raises the size limit of the request body for this view.
    """
    assert action == OWN_SESSION or action in ACTIONS, action

    def decorate(view: View) -> View:
        @wraps(view)
        def view_with_viewer(*args: Any, **kwargs: Any) -> Any:
            return view(current_user.viewer, *args, **kwargs)

        view_with_viewer.action, view_with_viewer.max_body_bytes = action, max_body_bytes  # type: ignore[attr-defined]
        return view_with_viewer  # type: ignore[return-value]

    return decorate


def init_app(app: Flask, uow: UnitOfWork, site: SiteSettings) -> None:
    """Check every request of the application."""
    app.config.update(
        SECRET_KEY=site.secret_key,
        SESSION_COOKIE_NAME="patrol",
        SESSION_COOKIE_SECURE=site.is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,  # a sign-in ends 30 days after it began, however often the pages are opened
        PERMANENT_SESSION_LIFETIME=SESSION_MAX_AGE,
        WTF_CSRF_TIME_LIMIT=None,
    )
    login_manager = LoginManager(app)
    login_manager.session_protection = None  # sessions are in the database, and the IP address of a phone changes
    login_manager.user_loader(lambda token: _load_user(token, uow))
    app.before_request(refuse_hostile_head)
    app.before_request(_check)
    app.before_request(refuse_hostile_body)
    csrf = CSRFProtect(app)
    # Requests to the upload page are authenticated by a SameSite cookie of its own.
    for name in ("health", "upload"):
        csrf.exempt(app.blueprints[name])


def hash_token(token: str) -> str:
    """The stored form of a token. Only hashes are stored, so that the database reveals no usable token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _load_user(token: str, uow: UnitOfWork) -> SignedInUser | None:
    now = wall_now()
    with uow.read() as store:
        row = store.sign_ins.authenticate(hash_token(token), now)
    if row is None:
        return None
    session, person, employers = row
    if now - session.last_seen_at > _LAST_SEEN_PRECISION:
        with uow.transaction() as store:
            store.sign_ins.touch(session.token_sha256, now)
    return SignedInUser(token, build_viewer(person.id, person.name, person.roles, employers))


def _check() -> Response | AnyResponse | None:
    view = current_app.view_functions.get(request.endpoint or "")
    max_body_bytes = getattr(view, "max_body_bytes", None)
    if max_body_bytes is not None:
        request.max_content_length = max_body_bytes
    if request.blueprint in PUBLIC_BLUEPRINTS or request.path.startswith(MACHINE_PATHS):
        return None
    if not current_user.is_authenticated:
        return _require_sign_in()
    if view is None:
        return None  # Flask answers 404
    action = getattr(view, "action", None)
    if action is None or not current_user.viewer.may(action):
        abort(403)
    return None


def _require_sign_in() -> Response | AnyResponse:
    """Redirect to the sign-in, and from there back to the page; fragments and actions are not repeated afterwards."""
    if request.method != "GET":
        abort(401)
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": "/login"})
    next_url = request.full_path.rstrip("?")
    return redirect("/login" if next_url == "/" else f"/login?{urlencode({'next': next_url})}")
