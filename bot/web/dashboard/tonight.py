"""Tonight: how the night stands, for those who watch it; live, on a phone, a desk and a wall."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, abort, make_response, render_template, request

from bot.unit_of_work import Memory
from bot.web.dashboard import board
from bot.web.dashboard.authorization import allowed
from bot.web.live import FRESH_S, STREAM, Watch, event
from handlers.permissions import Viewer
from schedules.night_judgement import judged
from schedules.night_snapshot import Tonight
from schedules.patrol_night import night_of, window
from storage.db.models import Submission
from storage.store import Store

_RETRY_MS = 3000
# Boards drawn and still the same: a hundred watchers who see the same county are drawn for once.
_KEPT = 64


class Drawn:
    """Boards that have been drawn, by what is on them and for whom."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._kept: dict[tuple[object, ...], str] = {}

    def board(self, viewer: Viewer, choice: board.Choice, fresh_s: float = 0) -> tuple[str, str]:
        """The board as HTML, and the word that changes with it."""
        night, word = self._watch.now(fresh_s)
        key = (word, viewer.enterprises, choice)
        found = self._kept.get(key)
        if found is None:
            found = _draw(night.of(viewer.enterprises), choice, word, viewer)
            if len(self._kept) >= _KEPT or any(each[0] != word for each in self._kept):
                self._kept = {}
            self._kept[key] = found
        return found, word


def _draw(night: Tonight, choice: board.Choice, word: str, viewer: Viewer) -> str:
    return render_template(
        "board.html", night=night, choice=choice, word=word, enterprises=board.shown(night, choice),
        line=board.line(night), board=board, county=viewer.enterprises is None,
    )  # fmt: skip


def blueprint(memory: Memory) -> Blueprint:
    """/, /tonight/board, /tonight/live, and one enterprise's night."""
    pages = Blueprint("tonight", __name__)
    watch = Watch(memory)
    pages.record_once(lambda state: state.app.extensions.update(patrol_watch=watch))
    _add_board(pages, Drawn(watch))
    _add_live(pages, watch)
    _add_rows(pages, memory)
    return pages


def _add_board(pages: Blueprint, drawn: Drawn) -> None:
    @pages.get("/")
    @allowed("tonight.see")
    def tonight(viewer: Viewer) -> str:
        choice = board.chosen(request.args)
        html, _ = drawn.board(viewer, choice)
        return render_template("tonight.html", board_html=html, choice=choice)

    @pages.get("/tonight/board")
    @allowed("tonight.see")
    def part(viewer: Viewer) -> Response:
        """What is asked for again when the night has changed; the browser is told when it has it already."""
        html, word = drawn.board(viewer, board.chosen(request.args), FRESH_S)
        response = make_response(html)
        response.headers["Cache-Control"] = "private, no-cache"
        response.set_etag(word, weak=True)
        response.make_conditional(request)
        return response


def _add_live(pages: Blueprint, watch: Watch) -> None:
    @pages.get("/tonight/live")
    @allowed("tonight.see")
    def live(viewer: Viewer) -> Response:
        """Where the server cannot keep it open, it ends at once and the browser asks again after a while."""
        request.environ[STREAM] = watch.add
        first = f"retry: {_RETRY_MS}\n".encode() + event(watch.now()[1])
        # Two pieces, so that no length is told.
        response = Response(iter((first, b":\n\n")), content_type="text/event-stream")
        response.headers["X-Accel-Buffering"] = "no"
        return response


def _add_rows(pages: Blueprint, memory: Memory) -> None:
    @pages.get("/tonight/waiting")
    @allowed("office.see")
    def waiting(viewer: Viewer) -> str:
        """The films behind the figures of what waits: without a part, or of people nobody knows."""
        now = memory.clock.now()
        with memory.reading() as store:
            night = night_of(now, memory.book(store))
            films = [film for film in store.submissions.of_night(night) if film.place != "attributed"]
            names = _names(films, store)
        return render_template("waiting.html", night=night, films=films, names=names)

    @pages.get("/tonight/<code>")
    @allowed("enterprise.see")
    def enterprise(viewer: Viewer, code: str) -> str:
        now = memory.clock.now()
        with memory.reading() as store:
            found = store.register.by_code(code)
            if found is None or not viewer.sees(found.id):
                abort(404)
            book = memory.book(store)
            night = night_of(now, book)
            films = store.submissions.of_enterprise(found.id, night)
            return render_template(
                "enterprise.html", enterprise=found, night=night, window=window(night, book), films=films,
                judged=next(iter(judged(store, night, book, now, found.id).enterprises), None), now=now,
                people=store.register.employees([found.id]).get(found.id, []), names=_names(films, store), board=board,
            )  # fmt: skip


def _names(films: Sequence[Submission], store: Store) -> dict[int, str]:
    """Who sent each film, by name where the sender is known."""
    people = store.register.people({film.person_id for film in films if film.person_id is not None})
    return {film.id: people[film.person_id].name if film.person_id in people else film.sender for film in films}
