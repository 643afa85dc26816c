"""The present night, read by one request for all that ask within the same second, and the boards rendered from it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import render_template

from bot.clock import monotonic
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard import board
from handlers.permissions import Viewer
from schedules.judgement import EnterpriseJudgement
from schedules.night_snapshot import NightSnapshot, load_night_snapshot

MAX_AGE_S = 1.0
"""How old a snapshot may be for a browser that polls; with its interval this is the delay of a change."""
# Reading snapshots for those who open the page takes at most a twentieth of the time, however large the county: one
# that took long to read is used for longer, up to the interval at which the opened page polls.
_REUSE_FACTOR, _MAX_REUSE_S = 20, 4.0
# A hundred browsers that show the same county are served one rendered board.
_MAX_BOARDS = 64


class SnapshotCache:
    """The latest snapshot of the night and its version."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow, self._lock = uow, threading.Lock()
        self._latest: tuple[NightSnapshot, str] | None = None
        self._read_at, self._took_s = 0.0, 0.0

    def snapshot(self, max_age_s: float = MAX_AGE_S) -> tuple[NightSnapshot, str]:
        """A snapshot begun at most `max_age_s` before this call, and its version: the same while nothing changes.

        Without `max_age_s` it is as of now, of a large county somewhat older. Callers that wait for the same read share
        it. Raises StorageError.
        """
        asked_at = monotonic()
        with self._lock:
            oldest = asked_at - (max_age_s or min(_MAX_REUSE_S, self._took_s * _REUSE_FACTOR))
            if self._latest is None or self._read_at < oldest:
                began = monotonic()
                with self._uow.read() as store:
                    snapshot = load_night_snapshot(self._uow.context(store))
                self._latest = snapshot, _digest(snapshot.change_key)
                self._read_at, self._took_s = began, monotonic() - began
            return self._latest


@dataclass(frozen=True)
class RenderedBoard:
    """The two parts of the page that are refreshed, as HTML: the state of the night, and the list of enterprises."""

    summary: str
    enterprises: str


class BoardCache:
    """Rendered boards of the latest snapshot, by viewer and filter."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow, self._snapshots = uow, SnapshotCache(uow)
        self._night_version = ""
        self._boards: dict[tuple[str, board.BoardFilter], RenderedBoard] = {}

    def render(
        self, viewer: Viewer, board_filter: board.BoardFilter, max_age_s: float = 0, seen: str = ""
    ) -> RenderedBoard | None:
        """The board; None when `seen` is the version of this viewer's board."""
        snapshot, night_version = self._snapshots.snapshot(max_age_s)
        # Two people can use one browser: a board of another viewer must not count as the same version.
        version = _digest((night_version, viewer.enterprise_ids and sorted(viewer.enterprise_ids)))
        if version == seen:
            return None
        if night_version != self._night_version or len(self._boards) >= _MAX_BOARDS:
            self._night_version, self._boards = night_version, {}
        # The version in the key keeps a slow request from storing an outdated board among the latest ones.
        key = (version, board_filter)
        if key not in self._boards:
            shown = snapshot.for_enterprises(viewer.enterprise_ids)
            self._boards[key] = self._render(shown, board_filter, version, viewer)
        return self._boards[key]

    def _render(
        self, snapshot: NightSnapshot, board_filter: board.BoardFilter, version: str, viewer: Viewer
    ) -> RenderedBoard:
        matching = board.filtered_enterprises(snapshot, board_filter)
        shown = matching if board_filter.wall else matching[: board_filter.limit]
        sees_county = viewer.enterprise_ids is None
        values = {"snapshot": snapshot, "board_filter": board_filter, "board": board, "sees_county": sees_county}
        return RenderedBoard(
            render_template("board_summary.html", timeline=board.build_timeline(snapshot), **values),
            render_template(
                "board.html",
                version=version,
                enterprises=shown,
                hidden_count=len(matching) - len(shown),
                contacts=self._contacts(shown) if sees_county and not board_filter.wall else {},
                **values,
            ),
        )

    def _contacts(self, shown: Sequence[EnterpriseJudgement]) -> Mapping[int, tuple[str, str]]:
        """Whom to call at the enterprises that still miss films."""
        with self._uow.read() as store:
            return store.contacts.telephone_contacts(each.enterprise.id for each in shown if each.missing_parts)


def _digest(key: object) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]
