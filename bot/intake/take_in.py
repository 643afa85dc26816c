"""`take_in`: from an inbox row to its handler, and for a film from the platform to the object store.

It may be repeated at any point: what was done before is found on record.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from bot.channels import Discreet, Entrance, Switchboard
from bot.channels.errors import ChannelError, Misconfigured, Permanent, Transient
from bot.channels.interface import Noted
from bot.clock import wall_now
from bot.engine import TAKE_IN, again
from bot.monitoring.outage_recorder import PlatformWatch
from bot.unit_of_work import Memory, WorkingStore
from handlers import films, photo, router
from handlers.message import Fetch, Message
from schedules.notify import tell_office
from schedules.patrol_night import night_of
from storage.db.models import Inbox, Submission
from storage.errors import DatabaseAway
from storage.film import Film, examine
from storage.objects import ObjectError, ObjectStore, ObjectTaken, Spool
from storage.submissions import Filed

log = logging.getLogger(__name__)

# A message that fails so often is put on a shelf for staff to see; it is tried again all the same.
_PATIENCE = 12
_LONGEST_PAUSE, _PATIENT = timedelta(minutes=1), 10
_EXTENSIONS = {"mp4": ".mp4", "mov": ".mp4", "3gp": ".3gp", "matroska": ".mkv", "webm": ".webm", "avi": ".avi"}


def backoff(attempts: int) -> timedelta:
    """Real time until the next try: 1, 2, 4 … 60 seconds."""
    return min(timedelta(seconds=2 ** min(attempts, 10)), _LONGEST_PAUSE)


class Intake:
    """Takes kept messages in: hands them to their handler, fetches what they announce, files it."""

    def __init__(self, memory: Memory, switchboard: Switchboard, objects: ObjectStore) -> None:
        self._memory, self._switchboard, self._objects = memory, switchboard, objects
        self._watch = PlatformWatch(memory.clock)

    def take_in(self, inbox_id: int) -> None:
        """Carry one kept message as far as it goes; what fails now is tried again later."""
        with self._memory.reading() as store:
            kept = store.inbox.get(inbox_id)
            if kept is None or kept.state != "waiting":
                return
        try:
            self._handle(kept)
        except (ChannelError, ObjectError, DatabaseAway, OSError) as error:
            self._postpone(kept, error, str(error))
        except Exception as error:
            log.exception("message %d could not be handled", inbox_id)
            self._postpone(kept, error, repr(error)[:500])

    def _handle(self, kept: Inbox) -> None:
        door = self._switchboard.doors[kept.channel]
        message = door.parse(kept.raw, kept.id, kept.received_at)
        with self._memory.transaction() as store:
            fetch = router.handle(message, store, self._memory.book(store), self._memory.clock.now())
            if fetch is None:
                store.inbox.settle(kept.id, "done", kept=_remains(door, kept.raw))
        if fetch is not None:
            self._take_film(message, fetch, _remains(door, kept.raw))

    def _take_film(self, message: Message, fetch: Fetch, remains: str | None) -> None:
        try:
            filed, film, note = self._fetch(message, fetch)
        except Permanent as error:
            log.warning("message %d has no film to fetch: %s", message.inbox_id, error.detail)
            with self._memory.transaction() as store:
                store.one_at_a_time(message.lane)
                films.lost(fetch.submission_id, error.mark, store, self._memory.book(store), self._memory.clock.now())
                store.inbox.settle(message.inbox_id, "done", error.detail, remains)
            return
        with self._memory.transaction() as store:
            store.one_at_a_time(message.lane)
            now, book = self._memory.clock.now(), self._memory.book(store)
            if message.kind == "photo":
                photo.keep(fetch.submission_id, filed, store, book, now)
            else:
                films.file(fetch.submission_id, filed, film.fault, store, book, now)
            if note:
                store.submissions.mark([fetch.submission_id], note)
            store.inbox.settle(message.inbox_id, "done", kept=remains)

    def _fetch(self, message: Message, fetch: Fetch) -> tuple[Filed, Film, str]:
        """Stream the bytes past the digest into the object store, and look at what they are; what is to be noted.

        The platform gives no checksum: what proves to be no film is fetched once more before anybody is told so.
        """
        with self._memory.reading() as store:
            submission = store.submissions.get(fetch.submission_id)
            assert submission is not None
        before: str | None = None
        while True:
            with self._objects.spool() as spool:
                pieces = self._switchboard.doors[message.channel].fetch(fetch.media)
                for piece in pieces:
                    spool.write(piece)
                film = examine(spool.path)
                if film.fault is None or message.kind == "photo" or spool.sha256 == before:
                    note = pieces.note if isinstance(pieces, Noted) else ""
                    return self._filed(spool, film, submission, message.kind), film, note
                if before is not None:
                    raise Transient("other bytes each time")
                before = spool.sha256

    def _filed(self, spool: Spool, film: Film, submission: Submission, kind: str) -> Filed:
        key = self._keep(spool, f"films/{submission.night}/{submission.receipt}", _extension(film, kind))
        return Filed(
            "filed", key, spool.sha256, spool.size, film.duration_s, film.container, film.codec, film.width, film.height
        )

    def _keep(self, spool: Spool, stem: str, ending: str) -> str:
        """The key it is kept under. A key is written once: what an earlier try has put there, and did not live to put
        on record, stays where it is, and bytes that differ from it stand beside it."""
        key = f"{stem}{ending}"
        try:
            self._objects.keep(spool, key)
        except ObjectTaken:
            key = f"{stem}-{spool.sha256[:12]}{ending}"
            self._objects.keep(spool, key)
        return key

    def _postpone(self, kept: Inbox, error: Exception, detail: str) -> None:
        """Count the try and arrange the next; after many, say so to the office, once."""
        # What waits for a setting waits patiently: there may be many, and each would have to be tried.
        wait = backoff(kept.attempts) * (_PATIENT if isinstance(error, Misconfigured) else 1)
        log.warning("message %d waits %.0f s for its next try: %s", kept.id, wait.total_seconds(), detail)
        with self._memory.transaction() as store:
            if isinstance(error, ChannelError):
                self._watch.saw(store, error)
            store.inbox.postpone(kept.id, wall_now() + wait, detail)
            store.jobs.append(again(TAKE_IN, kept.id, "", wait))
            if isinstance(error, Misconfigured):
                self._tell_of_setting(kept, error, store)
            if kept.attempts == _PATIENCE:
                now = self._memory.clock.now()
                night = night_of(now, self._memory.book(store))
                tell_office(store, night, now, "trouble.message", f"trouble/inbox/{kept.id}", number=kept.id)

    def _tell_of_setting(self, kept: Inbox, error: Misconfigured, store: WorkingStore) -> None:
        """At once, and once a day for a door: nothing comes in by it until somebody acts."""
        now = self._memory.clock.now()
        once_key = f"trouble/door/{kept.channel}/{now.astimezone(self._memory.zone).date()}"
        named = {"channel": {"say": f"channel.{kept.channel}"}, "why": error.detail}
        tell_office(store, night_of(now, self._memory.book(store)), now, "trouble.door", once_key, **named)


def _remains(door: Entrance, raw: str) -> str | None:
    """What is kept of a message that is done with, None for all of it."""
    return door.kept(raw) if isinstance(door, Discreet) else None


def _extension(film: Film, kind: str) -> str:
    if kind == "photo":
        return ".jpg"
    return next((ending for name, ending in _EXTENSIONS.items() if name in (film.container or "")), ".bin")
