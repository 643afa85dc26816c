"""The present night, read by one request for all that ask within the same second, and the boards rendered from it."""

from __future__ import annotations

import hashlib
import threading

from flask import render_template

from bot.clock import monotonic
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard import board
from handlers.permissions import Viewer
from schedules.night_snapshot import NightSnapshot, load_night_snapshot

MAX_AGE_S = 1.0
"""How old a snapshot may be for a browser that polls; with its interval this is the delay of a change."""
# A hundred browsers that show the same county are served one rendered board.
_MAX_BOARDS = 64


class SnapshotCache:
    """The latest snapshot of the night and its version."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow, self._lock = uow, threading.Lock()
        self._latest: tuple[NightSnapshot, str] | None = None
        self._read_at = 0.0

    def snapshot(self, max_age_s: float = MAX_AGE_S) -> tuple[NightSnapshot, str]:
        """A snapshot begun at most `max_age_s` before this call, and its version: the same while nothing changes.

        Callers that wait for the same read share it. Raises StorageError.
        """
        oldest = monotonic() - max_age_s
        with self._lock:
            if self._latest is None or self._read_at < oldest:
                self._read_at = monotonic()
                with self._uow.read() as store:
                    snapshot = load_night_snapshot(self._uow.context(store))
                self._latest = snapshot, _digest(snapshot.change_key)
            return self._latest


class BoardCache:
    """Rendered boards of the latest snapshot, by viewer and filter."""

    def __init__(self, snapshots: SnapshotCache) -> None:
        self._snapshots = snapshots
        self._night_version = ""
        self._boards: dict[tuple[str, board.BoardFilter], str] = {}

    def render(self, viewer: Viewer, board_filter: board.BoardFilter, max_age_s: float = 0, seen: str = "") -> str:
        """The board as HTML; empty when `seen` is the version of this viewer's board."""
        snapshot, night_version = self._snapshots.snapshot(max_age_s)
        # Two people can use one browser: a board of another viewer must not count as the same version.
        version = _digest((night_version, viewer.enterprise_ids and sorted(viewer.enterprise_ids)))
        if version == seen:
            return ""
        if night_version != self._night_version or len(self._boards) >= _MAX_BOARDS:
            self._night_version, self._boards = night_version, {}
        # The version in the key keeps a slow request from storing an outdated board among the latest ones.
        key = (version, board_filter)
        if key not in self._boards:
            shown = snapshot.for_enterprises(viewer.enterprise_ids)
            self._boards[key] = _render(shown, board_filter, version, viewer)
        return self._boards[key]


def _render(snapshot: NightSnapshot, board_filter: board.BoardFilter, version: str, viewer: Viewer) -> str:
    return render_template(
        "board.html",
        snapshot=snapshot,
        board_filter=board_filter,
        version=version,
        enterprises=board.filtered_enterprises(snapshot, board_filter),
        timeline=board.build_timeline(snapshot),
        board=board,
        sees_county=viewer.enterprise_ids is None,
    )


def _digest(key: object) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]
