"""Tonight's board, on a phone, a desk and a wall; it polls for changes."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, abort, render_template, request

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard import board
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.snapshot_cache import MAX_AGE_S, SnapshotCache
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.night_snapshot import NightSnapshot
from schedules.patrol_night import night_of, submission_window
from storage.db.models import Submission
from storage.store import Store

# A hundred browsers that see the same county are served one rendered board.
_MAX_BOARDS = 64


class BoardCache:
    """Rendered boards of the latest version, by what they show."""

    def __init__(self, snapshots: SnapshotCache) -> None:
        self._snapshots = snapshots
        self._version = ""
        self._boards: dict[tuple[object, ...], str] = {}

    def render(self, viewer: Viewer, board_filter: board.BoardFilter, max_age_s: float = 0, seen: str = "") -> str:
        """The board as HTML; nothing when its version is the one already `seen`."""
        snapshot, version = self._snapshots.snapshot(max_age_s)
        if version == seen:
            return ""
        if version != self._version or len(self._boards) >= _MAX_BOARDS:
            self._version, self._boards = version, {}
        key = (viewer.enterprise_ids, board_filter)
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


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/, /tonight/board, and one enterprise's night."""
    pages = Blueprint("tonight", __name__)
    _add_board(pages, BoardCache(SnapshotCache(uow)))
    _add_rows(pages, uow)
    return pages


def _add_board(pages: Blueprint, boards: BoardCache) -> None:
    @pages.get("/")
    @requires_permission("tonight.see")
    def tonight(viewer: Viewer) -> str:
        board_filter = board.parse_filter(request.args)
        html = boards.render(viewer, board_filter)
        return render_template("tonight.html", board_html=html, board_filter=board_filter)

    @pages.get("/tonight/board")
    @requires_permission("tonight.see")
    def poll(viewer: Viewer) -> Response:
        """What a board asks for every few seconds; 204 while the version it shows is still the latest."""
        html = boards.render(viewer, board.parse_filter(request.args), MAX_AGE_S, request.args.get("version", ""))
        response = Response(html, status=200 if html else 204)
        response.headers["Cache-Control"] = "no-store"
        return response


def _add_rows(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.get("/tonight/waiting")
    @requires_permission("office_tasks.see")
    def waiting(viewer: Viewer) -> str:
        """The films behind the figures of what waits: without a part, or of people nobody knows."""
        now = memory.clock.now()
        with memory.read() as store:
            night = night_of(now, memory.rules(store))
            films = [film for film in store.submissions.of_night(night) if film.attribution != "attributed"]
            names = _names(films, store)
        return render_template("unplaced_films.html", night=night, films=films, sender_names=names)

    @pages.get("/tonight/<code>")
    @requires_permission("enterprise.see")
    def enterprise(viewer: Viewer, code: str) -> str:
        now = memory.clock.now()
        with memory.read() as store:
            found = store.register.enterprise_by_code(code)
            if found is None or not viewer.can_see(found.id):
                abort(404)
            book = memory.rules(store)
            night = night_of(now, book)
            films = store.submissions.of_enterprise(found.id, night)
            return render_template(
                "enterprise_tonight.html",
                enterprise=found,
                night=night,
                window=submission_window(night, book),
                films=films,
                judgement=next(iter(judge_night(Context(store, book, now), night, found.id).enterprises), None),
                now=now,
                people=store.register.employees([found.id]).get(found.id, []),
                sender_names=_names(films, store),
                board=board,
            )


def _names(films: Sequence[Submission], store: Store) -> dict[int, str]:
    """Who sent each film, by name where the sender is known."""
    people = store.register.people_by_id({film.person_id for film in films if film.person_id is not None})
    return {film.id: people[film.person_id].name if film.person_id in people else film.sender for film in films}
