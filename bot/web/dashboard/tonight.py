"""Tonight: how the night stands, for those who watch it; live, on a phone, a desk and a wall."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, abort, make_response, render_template, request

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard import board
from bot.web.dashboard.authorization import requires_permission
from bot.web.live import MAX_AGE_S, STREAM_KEY, SnapshotCache, format_event
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.night_snapshot import NightSnapshot
from schedules.patrol_night import night_of, submission_window
from storage.db.models import Submission
from storage.store import Store

_RETRY_MS = 3000
# Boards drawn and still the same: a hundred watchers who see the same county are drawn for once.
_KEPT = 64


class BoardCache:
    """Boards that have been drawn, by what is on them and for whom."""

    def __init__(self, snapshots: SnapshotCache) -> None:
        self._watch = snapshots
        self._kept: dict[tuple[object, ...], str] = {}

    def render(self, viewer: Viewer, board_filter: board.BoardFilter, max_age_s: float = 0) -> tuple[str, str]:
        """The board as HTML, and the word that changes with it."""
        night, word = self._watch.snapshot(max_age_s)
        key = (word, viewer.enterprise_ids, board_filter)
        found = self._kept.get(key)
        if found is None:
            found = _draw(night.for_enterprises(viewer.enterprise_ids), board_filter, word, viewer)
            if len(self._kept) >= _KEPT or any(each[0] != word for each in self._kept):
                self._kept = {}
            self._kept[key] = found
        return found, word


def _draw(night: NightSnapshot, choice: board.BoardFilter, word: str, viewer: Viewer) -> str:
    return render_template(
        "board.html",
        snapshot=night,
        board_filter=choice,
        version=word,
        enterprises=board.filtered_enterprises(night, choice),
        timeline=board.build_timeline(night),
        board=board,
        sees_county=viewer.enterprise_ids is None,
    )


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/, /tonight/board, /tonight/live, and one enterprise's night."""
    pages = Blueprint("tonight", __name__)
    watch = SnapshotCache(uow)
    pages.record_once(lambda state: state.app.extensions.update(patrol_watch=watch))
    _add_board(pages, BoardCache(watch))
    _add_live(pages, watch)
    _add_rows(pages, uow)
    return pages


def _add_board(pages: Blueprint, drawn: BoardCache) -> None:
    @pages.get("/")
    @requires_permission("tonight.see")
    def tonight(viewer: Viewer) -> str:
        choice = board.parse_filter(request.args)
        html, _ = drawn.render(viewer, choice)
        return render_template("tonight.html", board_html=html, board_filter=choice)

    @pages.get("/tonight/board")
    @requires_permission("tonight.see")
    def part(viewer: Viewer) -> Response:
        """What is asked for again when the night has changed; the browser is told when it has it already."""
        html, word = drawn.render(viewer, board.parse_filter(request.args), MAX_AGE_S)
        response = make_response(html)
        response.headers["Cache-Control"] = "private, no-cache"
        response.set_etag(word, weak=True)
        response.make_conditional(request)
        return response


def _add_live(pages: Blueprint, watch: SnapshotCache) -> None:
    @pages.get("/tonight/live")
    @requires_permission("tonight.see")
    def live(viewer: Viewer) -> Response:
        """Where the server cannot keep it open, it ends at once and the browser asks again after a while."""
        request.environ[STREAM_KEY] = watch.subscribe
        first = f"retry: {_RETRY_MS}\n".encode() + format_event(watch.snapshot()[1])
        # Two pieces, so that no length is told.
        response = Response(iter((first, b":\n\n")), content_type="text/event-stream")
        response.headers["X-Accel-Buffering"] = "no"
        return response


def _add_rows(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.get("/tonight/waiting")
    @requires_permission("office.see")
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
