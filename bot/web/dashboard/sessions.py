"""Starting and ending sessions, and the OAuth states of sign-ins through WeCom."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask import request, session
from flask_login import login_user, logout_user

from bot.clock import wall_now
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import SignedInUser, hash_token
from handlers.permissions import build_viewer
from storage.db.models import Person

_STATE_LIFETIME = timedelta(minutes=10)
# Sign-ins that may be under way in one browser; older ones have to start again.
_MAX_STATES = 5


def create_oauth_state(next_url: str) -> str:
    """Create the state parameter of a sign-in. It is stored in the cookie, so that only this browser can use it."""
    state, now = secrets.token_hex(16), wall_now().timestamp()
    session["states"] = [*_states(), [state, next_url, now]][-_MAX_STATES:]
    return state


def consume_oauth_state(state: str) -> str | None:
    """The page to return to after the sign-in; None for a state that is not this browser's, used or expired."""
    states, now = _states(), wall_now().timestamp()
    next_urls = [
        next_url for issued, next_url, at in states if issued == state and now - at <= _STATE_LIFETIME.total_seconds()
    ]
    session["states"] = [each for each in states if each[0] != state]
    return str(next_urls[0]) if next_urls else None


def _states() -> list[list[Any]]:
    return list(session.get("states", []))


def start_session(uow: UnitOfWork, person: Person, method: str, state: str | None = None) -> bool:
    """Sign a person in with this browser; False when the OAuth state was used before."""
    token = secrets.token_urlsafe(32)
    with uow.transaction() as store:
        is_new = store.sign_ins.begin(
            hash_token(token),
            person.id,
            method,
            wall_now(),
            user_agent=request.user_agent.string[:200],
            oauth_state_sha256=hash_token(state) if state else None,
        )
        if is_new:
            store.audit_log.record(uow.clock.now(), person.name, "signed_in", sign_in_method=method)
    if is_new:
        session.clear()
        session.permanent, session["signed_in"] = True, True
        login_user(SignedInUser(token, build_viewer(person.id, person.name, person.roles, ())))
    return is_new


def end_session(uow: UnitOfWork, token: str) -> None:
    """Sign this browser out; its token becomes invalid everywhere."""
    with uow.transaction() as store:
        store.sign_ins.end(hash_token(token), wall_now())
    _clear_cookies()


def end_all_sessions(uow: UnitOfWork, person_id: int) -> None:
    """Sign a person out of every browser."""
    with uow.transaction() as store:
        store.sign_ins.end_all(person_id, wall_now())
    _clear_cookies()


def _clear_cookies() -> None:
    logout_user()
    session.clear()
