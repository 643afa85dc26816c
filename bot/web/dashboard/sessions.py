"""The beginning and the end of a sign-in, and what a browser holds on its way to WeCom and back."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask import request, session
from flask_login import login_user, logout_user

from bot.clock import wall_now
from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import SignedIn, digest
from handlers.permissions import viewer
from storage.db.models import Person

_STATE_LIFE = timedelta(minutes=10)
# Tabs that are on their way at once; an older one has to begin anew.
_ON_THEIR_WAY = 5


def keep_state(wanted: str) -> str:
    """A word that goes to WeCom and has to come back with the browser that took it along."""
    state, now = secrets.token_hex(16), wall_now().timestamp()
    session["states"] = [*_states(), [state, wanted, now]][-_ON_THEIR_WAY:]
    return state


def take_state(state: str) -> str | None:
    """Where that browser wanted to go; None when it never took the word along, or too long ago."""
    states, now = _states(), wall_now().timestamp()
    found = [wanted for word, wanted, at in states if word == state and now - at <= _STATE_LIFE.total_seconds()]
    session["states"] = [each for each in states if each[0] != state]
    return str(found[0]) if found else None


def _states() -> list[list[Any]]:
    return list(session.get("states", []))


def begin(memory: Memory, person: Person, means: str, state: str | None = None) -> bool:
    """Sign a person in with this browser; False when the word that came back had been used before."""
    token = secrets.token_urlsafe(32)
    with memory.transaction() as store:
        fresh = store.access.begin(
            digest(token), person.id, means, wall_now(), browser=request.user_agent.string[:200],
            state=digest(state) if state else None,
        )  # fmt: skip
        if fresh:
            store.trail.note(memory.clock.now(), person.name, "signed_in", means=means)
    if fresh:
        session.clear()
        session.permanent = True
        login_user(SignedIn(token, viewer(person.id, person.name, person.roles, ())))
    return fresh


def end(memory: Memory, token: str) -> None:
    """Sign this browser out: its token is dead wherever else it may be."""
    with memory.transaction() as store:
        store.access.end(digest(token), wall_now())
    _forget()


def end_everywhere(memory: Memory, person_id: int) -> None:
    """Sign every browser of a person out."""
    with memory.transaction() as store:
        store.access.end_all(person_id, wall_now())
    _forget()


def _forget() -> None:
    logout_user()
    session.clear()
