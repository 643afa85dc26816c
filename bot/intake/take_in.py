"""`take_in`: from an inbox row to its handler, and for a film from the platform to the object store.

It may be repeated at any point: what was done before is found on record.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from bot.channels.errors import ChannelError, Misconfigured, Permanent, Transient
from bot.channels.interface import MarkedStream, Receiver, RedactingReceiver
from bot.channels.registry import Channels
from bot.clock import wall_now
from bot.engine import TAKE_IN, retry_job
from bot.monitoring.outage_recorder import PlatformMonitor
from bot.unit_of_work import TransactionStore, UnitOfWork
from handlers import films, photo, router
from handlers.message import MediaFetch, Message
from schedules.context import Context
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from storage.db.models import InboxRow, Submission
from storage.errors import DatabaseUnavailable
from storage.film import ProbeResult, probe_film
from storage.objects import ObjectConflict, ObjectError, ObjectStore, Spool
from storage.submissions import FilingResult

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

    def __init__(self, uow: UnitOfWork, channels: Channels, objects: ObjectStore) -> None:
        self._memory, self._switchboard, self._objects = uow, channels, objects
        self._watch = PlatformMonitor(uow.clock)

    def take_in(self, inbox_id: int) -> None:
        """Carry one kept message as far as it goes; what fails now is tried again later."""
        with self._memory.read() as store:
            kept = store.inbox.get(inbox_id)
            if kept is None or kept.state != "waiting":
                return
        try:
            self._handle(kept)
        except (ChannelError, ObjectError, DatabaseUnavailable, OSError) as error:
            self._postpone(kept, error, str(error))
        except Exception as error:
            log.exception("message %d could not be handled", inbox_id)
            self._postpone(kept, error, repr(error)[:500])

    def _handle(self, kept: InboxRow) -> None:
        door = self._switchboard.receivers[kept.channel]
        message = door.parse(kept.raw, kept.id, kept.received_at)
        with self._memory.transaction() as store:
            fetch = router.handle(message, self._memory.context(store))
            if fetch is None:
                store.inbox.finish(kept.id, "done", redacted_raw=_remains(door, kept.raw))
        if fetch is not None:
            self._take_film(message, fetch, _remains(door, kept.raw))

    def _take_film(self, message: Message, fetch: MediaFetch, remains: str | None) -> None:
        try:
            filed, film, note = self._fetch(message, fetch)
        except Permanent as error:
            log.warning("message %d has no film to fetch: %s", message.inbox_id, error.detail)
            with self._memory.transaction() as store:
                store.lock_for_transaction(message.ordering_key)
                films.mark_lost(fetch.submission_id, error.mark, self._memory.context(store))
                store.inbox.finish(message.inbox_id, "done", error.detail, remains)
            return
        with self._memory.transaction() as store:
            store.lock_for_transaction(message.ordering_key)
            now, book = self._memory.clock.now(), self._memory.rules(store)
            if message.kind == "photo":
                photo.file_photo(fetch.submission_id, filed, Context(store, book, now))
            else:
                films.file_film(fetch.submission_id, filed, film.fault, Context(store, book, now))
            if note:
                store.submissions.add_mark([fetch.submission_id], note)
            store.inbox.finish(message.inbox_id, "done", redacted_raw=remains)

    def _fetch(self, message: Message, fetch: MediaFetch) -> tuple[FilingResult, ProbeResult, str]:
        """Stream the bytes past the digest into the object store, and look at what they are; what is to be noted.

        The platform gives no checksum: what proves to be no film is fetched once more before anybody is told so.
        """
        with self._memory.read() as store:
            submission = store.submissions.get(fetch.submission_id)
            assert submission is not None
        before: str | None = None
        while True:
            with self._objects.spool() as spool:
                pieces = self._switchboard.receivers[message.channel].fetch(fetch.media)
                for piece in pieces:
                    spool.write(piece)
                film = probe_film(spool.path)
                if film.fault is None or message.kind == "photo" or spool.sha256 == before:
                    note = pieces.mark if isinstance(pieces, MarkedStream) else ""
                    return self._filed(spool, film, submission, message.kind), film, note
                if before is not None:
                    raise Transient("other bytes each time")
                before = spool.sha256

    def _filed(self, spool: Spool, film: ProbeResult, submission: Submission, kind: str) -> FilingResult:
        key = self._keep(spool, f"films/{submission.night}/{submission.receipt}", _extension(film, kind))
        return FilingResult(
            "filed", key, spool.sha256, spool.size, film.duration_s, film.container, film.codec, film.width, film.height
        )

    def _keep(self, spool: Spool, stem: str, ending: str) -> str:
        """The key it is kept under. A key is written once: what an earlier try has put there, and did not live to put
        on record, stays where it is, and bytes that differ from it stand beside it."""
        key = f"{stem}{ending}"
        try:
            self._objects.save(spool, key)
        except ObjectConflict:
            key = f"{stem}-{spool.sha256[:12]}{ending}"
            self._objects.save(spool, key)
        return key

    def _postpone(self, kept: InboxRow, error: Exception, detail: str) -> None:
        """Count the try and arrange the next; after many, say so to the office, once."""
        # What waits for a setting waits patiently: there may be many, and each would have to be tried.
        wait = backoff(kept.attempts) * (_PATIENT if isinstance(error, Misconfigured) else 1)
        log.warning("message %d waits %.0f s for its next try: %s", kept.id, wait.total_seconds(), detail)
        with self._memory.transaction() as store:
            if isinstance(error, ChannelError):
                self._watch.record_result(store, error)
            store.inbox.schedule_retry(kept.id, wall_now() + wait, detail)
            store.jobs.append(retry_job(TAKE_IN, kept.id, "", wait))
            if isinstance(error, Misconfigured):
                self._tell_of_setting(kept, error, store)
            if kept.attempts == _PATIENCE:
                now = self._memory.clock.now()
                night = night_of(now, self._memory.rules(store))
                notify_office(
                    store, night, now, "office_alert.message_stuck", f"trouble/inbox/{kept.id}", number=kept.id
                )

    def _tell_of_setting(self, kept: InboxRow, error: Misconfigured, store: TransactionStore) -> None:
        """At once, and once a day for a door: nothing comes in by it until somebody acts."""
        now = self._memory.clock.now()
        once_key = f"trouble/door/{kept.channel}/{now.astimezone(self._memory.zone).date()}"
        named = {"channel": {"say": f"channel.{kept.channel}"}, "why": error.detail}
        notify_office(
            store, night_of(now, self._memory.rules(store)), now, "office_alert.messages_unreadable", once_key, **named
        )


def _remains(door: Receiver, raw: str) -> str | None:
    """What is kept of a message that is done with, None for all of it."""
    return door.redact(raw) if isinstance(door, RedactingReceiver) else None


def _extension(film: ProbeResult, kind: str) -> str:
    if kind == "photo":
        return ".jpg"
    return next((ending for name, ending in _EXTENSIONS.items() if name in (film.container or "")), ".bin")
