"""The beginning and the end of a sign-in, and what a browser holds on its way to WeCom and back."""

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

_STATE_LIFE = timedelta(minutes=10)
# Tabs that are on their way at once; an older one has to begin anew.
_ON_THEIR_WAY = 5


def create_oauth_state(next_url: str) -> str:
    """A word that goes to WeCom and has to come back with the browser that took it along."""
    state, now = secrets.token_hex(16), wall_now().timestamp()
    session["states"] = [*_states(), [state, next_url, now]][-_ON_THEIR_WAY:]
    return state


def consume_oauth_state(state: str) -> str | None:
    """Where that browser wanted to go; None when it never took the word along, or too long ago."""
    states, now = _states(), wall_now().timestamp()
    found = [wanted for word, wanted, at in states if word == state and now - at <= _STATE_LIFE.total_seconds()]
    session["states"] = [each for each in states if each[0] != state]
    return str(found[0]) if found else None


def _states() -> list[list[Any]]:
    return list(session.get("states", []))


def start_session(uow: UnitOfWork, person: Person, method: str, state: str | None = None) -> bool:
    """Sign a person in with this browser; False when the word that came back had been used before."""
    token = secrets.token_urlsafe(32)
    with uow.transaction() as store:
        fresh = store.sign_ins.begin(
            hash_token(token),
            person.id,
            method,
            wall_now(),
            user_agent=request.user_agent.string[:200],
            oauth_state_sha256=hash_token(state) if state else None,
        )
        if fresh:
            store.audit_log.record(uow.clock.now(), person.name, "signed_in", sign_in_method=method)
    if fresh:
        session.clear()
        session.permanent = True
        login_user(SignedInUser(token, build_viewer(person.id, person.name, person.roles, ())))
    return fresh


def end_session(uow: UnitOfWork, token: str) -> None:
    """Sign this browser out: its token is dead wherever else it may be."""
    with uow.transaction() as store:
        store.sign_ins.end(hash_token(token), wall_now())
    _forget()


def end_all_sessions(uow: UnitOfWork, person_id: int) -> None:
    """Sign every browser of a person out."""
    with uow.transaction() as store:
        store.sign_ins.end_all(person_id, wall_now())
    _forget()


def _forget() -> None:
    logout_user()
    session.clear()
