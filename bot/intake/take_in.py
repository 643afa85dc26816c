"""`take_in`: from an inbox row to its handler. `fetch`: its film from the platform to the object store.

It may be repeated at any point: every step looks in the database for what an earlier attempt has done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.background import backoff
from bot.channels.errors import ChannelError, Misconfigured, Permanent, Transient, trouble_with
from bot.channels.interface import MarkedStream, Receiver, RedactingReceiver
from bot.channels.registry import Channels
from bot.clock import wall_now
from bot.engine import message_job, retry
from bot.logs import over, trouble
from bot.monitoring.outage_recorder import PlatformMonitor
from bot.unit_of_work import TransactionStore, UnitOfWork
from handlers import films, photo, router, voice
from handlers.message import Message
from schedules.notify import channel_name, notify_fault
from storage.db.models import InboxRow, Submission
from storage.errors import DatabaseUnavailable
from storage.film import ProbeResult, probe_film
from storage.inbox import FETCHING, WAITING
from storage.objects import ObjectConflict, ObjectError, ObjectStore, Spool
from storage.submissions import FilingResult

log = logging.getLogger(__name__)

# After so many failures the office is notified; the message is still retried.
_FAILURES_BEFORE_NOTICE = 12
# Messages that fail because a setting is missing are retried less often: there may be many of them.
_MISCONFIGURED_FACTOR = 10
# The name under which the log counts failed messages.
_OBJECT_STORE = "object store"
# Kinds that are stored for any result of the probe, with their file extensions.
_NOT_FILMS = {"photo": ".jpg", "voice": ".amr"}
_EXTENSIONS = {"mp4": ".mp4", "mov": ".mp4", "3gp": ".3gp", "matroska": ".mkv", "webm": ".webm", "avi": ".avi"}


class Intake:
    """Takes stored messages in: hands them to their handler, fetches their media, files it."""

    def __init__(self, uow: UnitOfWork, channels: Channels, objects: ObjectStore) -> None:
        self._uow, self._channels, self._objects = uow, channels, objects
        self._platform_monitor = PlatformMonitor(uow.clock)

    def take_in(self, inbox_id: int) -> None:
        """Pass one stored message to its handler, and retry it later on failure. Raises DatabaseUnavailable."""
        self._attempt(inbox_id, WAITING, self._handle)

    def fetch(self, inbox_id: int) -> None:
        """Fetch the film or photo of a handled message and file it; the rest as `take_in`."""
        self._attempt(inbox_id, FETCHING, self._fetch_and_file)

    def _attempt(self, inbox_id: int, state: str, step: Callable[[InboxRow], None]) -> None:
        with self._uow.read() as store:
            row = store.inbox.get(inbox_id)
            if row is None or row.state != state:
                return
        try:
            step(row)
        except (ChannelError, ObjectError, DatabaseUnavailable, OSError) as error:
            self._schedule_retry(row, error, str(error))
        except Exception as error:
            log.exception("message %d (%s) could not be processed", inbox_id, state)
            self._schedule_retry(row, error, repr(error)[:500])

    def _handle(self, row: InboxRow) -> None:
        receiver = self._channels.receivers[row.channel]
        message = _parse(receiver, row)
        with self._uow.transaction() as store:
            if router.handle(message, self._uow.context(store)):
                store.jobs.append(message_job(store.inbox.start_fetching(row.id)))
            else:
                store.inbox.finish(row.id, "done", redacted_raw=_redacted(receiver, row.raw))

    def _fetch_and_file(self, row: InboxRow) -> None:
        receiver = self._channels.receivers[row.channel]
        message, redacted_raw = _parse(receiver, row), _redacted(receiver, row.raw)
        with self._uow.read() as store:
            submission = store.submissions.by_message(message.channel, message.key)
            assert submission is not None
        try:
            result, probe, mark = self._fetch(message, submission)
        except Permanent as error:
            self._mark_lost(message, submission, error, redacted_raw)
            return
        for subject in (message.channel, _OBJECT_STORE):
            log.info("%s works again", subject, extra=over(subject))
        with self._uow.transaction() as store:
            store.lock_for_transaction(message.ordering_key)
            if message.kind == "photo":
                photo.file_photo(submission.id, result, self._uow.context(store))
            elif message.kind == "voice":
                voice.file(submission.id, result, self._uow.context(store))
            else:
                films.file_film(submission.id, result, probe.fault, self._uow.context(store))
            if mark:
                store.submissions.add_mark([submission.id], mark)
            store.inbox.finish(row.id, "done", redacted_raw=redacted_raw)

    def _mark_lost(self, message: Message, submission: Submission, error: Permanent, redacted_raw: str | None) -> None:
        log.warning("message %d has no film to fetch: %s", message.inbox_id, error.detail)
        with self._uow.transaction() as store:
            store.lock_for_transaction(message.ordering_key)
            films.mark_lost(submission.id, error.mark, self._uow.context(store))
            store.inbox.finish(message.inbox_id, "done", error.detail, redacted_raw)

    def _fetch(self, message: Message, submission: Submission) -> tuple[FilingResult, ProbeResult, str]:
        """Stream the bytes into the object store, probe them; the last value is a mark for the submission or "".

        The platform gives no checksum, so a file that is not a film is fetched once more before its sender is told.
        """
        assert message.media is not None
        previous_sha256: str | None = None
        while True:
            with self._objects.spool() as spool:
                chunks = self._channels.receivers[message.channel].fetch(message.media)
                for chunk in chunks:
                    spool.write(chunk)
                probe = probe_film(spool.path)
                if probe.fault is None or message.kind in _NOT_FILMS or spool.sha256 == previous_sha256:
                    mark = chunks.mark if isinstance(chunks, MarkedStream) else ""
                    return self._save(spool, probe, submission, message.kind), probe, mark
                if previous_sha256 is not None:
                    raise Transient("other bytes each time")
                previous_sha256 = spool.sha256

    def _save(self, spool: Spool, probe: ProbeResult, submission: Submission, kind: str) -> FilingResult:
        """Save under the receipt's key. A key is written once: when an earlier attempt saved other bytes there and
        crashed before recording them, these get a key of their own."""
        stem, extension = f"films/{submission.night}/{submission.receipt}", _extension(probe, kind)
        key = f"{stem}{extension}"
        try:
            self._objects.save(spool, key)
        except ObjectConflict:
            key = f"{stem}-{spool.sha256[:12]}{extension}"
            self._objects.save(spool, key)
        video = (probe.duration_s, probe.container, probe.codec, probe.width, probe.height)
        return FilingResult("filed", key, spool.sha256, spool.size, *video)

    def _schedule_retry(self, row: InboxRow, error: Exception, detail: str) -> None:
        """Count the attempt and enqueue the next; after many, notify the office once."""
        pause = backoff(row.attempts) * (_MISCONFIGURED_FACTOR if isinstance(error, Misconfigured) else 1)
        subject = _OBJECT_STORE if isinstance(error, ObjectError) else trouble_with(row.channel, error)
        log.warning(
            "message %d: next attempt in %.0f s: %s", row.id, pause.total_seconds(), detail, extra=trouble(subject)
        )
        with self._uow.transaction() as store:
            if isinstance(error, ChannelError):
                self._platform_monitor.record_result(store, error)
            store.inbox.schedule_retry(row.id, wall_now() + pause, detail)
            store.jobs.append(retry(message_job(row), pause))
            self._notify_office(row, error, store)

    def _notify_office(self, row: InboxRow, error: Exception, store: TransactionStore) -> None:
        """A wrong setting at once, for it stops the whole channel; anything else after many attempts."""
        if isinstance(error, Misconfigured):
            params = {"channel": channel_name(row.channel), "error": error.detail}
            subject = f"receiver/{row.channel}"
            notify_fault(self._uow.context(store), "office_alert.messages_unreadable", subject, **params)
        if row.attempts == _FAILURES_BEFORE_NOTICE:
            notify_fault(self._uow.context(store), "office_alert.message_stuck", f"inbox/{row.id}", message_id=row.id)


def _parse(receiver: Receiver, row: InboxRow) -> Message:
    """The message in the row. JSON may bring NUL characters, which PostgreSQL stores in no column."""
    message = receiver.parse(row.raw, row.id, row.received_at)
    texts = {name: value for name, value in vars(message).items() if isinstance(value, str)}
    cleaned: dict[str, Any] = {name: text.replace("\0", "") for name, text in texts.items()}
    return replace(message, **cleaned)


def _redacted(receiver: Receiver, raw: str) -> str | None:
    """The part of a processed message to keep, None for all of it."""
    return receiver.redact(raw) if isinstance(receiver, RedactingReceiver) else None


def _extension(probe: ProbeResult, kind: str) -> str:
    if kind in _NOT_FILMS:
        return _NOT_FILMS[kind]
    return next((extension for name, extension in _EXTENSIONS.items() if name in (probe.container or "")), ".bin")
