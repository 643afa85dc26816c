"""Sources that are asked for their messages: from a cursor, by one puller among all workers, at every bell and
every few minutes besides.

Messages and the new cursor are kept in one transaction, so a crash asks for the same once more and keeps it once. A
bell that is lost costs minutes and no message; what came while we were away comes with the next call, with the
instant at which it was sent.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from bot.channels import Switchboard
from bot.channels.errors import BellStale, ChannelError, Misconfigured, MustWait, Unheard
from bot.channels.interface import Pulled
from bot.channels.interface import Source as Platform
from bot.intake.take_in import backoff
from bot.monitoring.outage_recorder import PlatformWatch
from bot.unit_of_work import Memory, WorkingStore
from schedules.notify import tell_office
from schedules.patrol_night import night_of
from storage.db.models import Source
from storage.db.process_locks import claim
from storage.errors import DatabaseAway
from storage.inbox import keep

log = logging.getLogger(__name__)

# Without a bell. In a rehearsal minutes are moments, and the platform counts real calls: hence the real time too.
EVERY, _REAL_EVERY = timedelta(minutes=3), timedelta(seconds=10)
_TOKEN_LIFE = timedelta(minutes=10)
# Whoever called too often is shut out for a minute (protocol sheet 2.2).
_SHUT_OUT = timedelta(minutes=1)
_LOOK_S, _LAST_MOMENT_S, _BREATH = 0.3, 3, timedelta(seconds=1)
# What fails so often in a row is told to the office.
_PATIENCE = 8
_UNLIMITED = 10_000


class Puller:
    """Asks one source."""

    def __init__(self, name: str, platform: Platform, memory: Memory) -> None:
        self.name, self._platform, self._memory, self._clock = name, platform, memory, memory.clock
        self._watch = PlatformWatch(memory.clock)

    def once(self) -> bool:
        """One call, if one is due; whether it was. Raises DatabaseAway."""
        with self._memory.reading() as store:
            source = store.sources.get(self.name)
        if source is None or not self._is_due(source, self._clock.now()):
            return False
        token = self._token(source)
        try:
            self._keep(source, self._platform.pull(source.cursor, token))
        except BellStale:
            with self._memory.transaction() as store:
                store.sources.forget_token(self.name, token, self._clock.now())
        except ChannelError as error:
            self._failed(error)
        except Exception as error:
            log.exception("%s could not be asked", self.name)
            self._failed(Unheard(repr(error)[:200]))
        return True

    def _is_due(self, source: Source, now: datetime) -> bool:
        if source.retry_at is not None:
            return source.retry_at <= now
        if source.asked_at is None:
            return True
        waiting = source.unfinished or source.rung > source.answered
        if waiting and self._token(source) is not None:
            return True
        return now - source.asked_at >= (self._scaled(self._platform.spacing) if waiting else self._every())

    def _token(self, source: Source) -> str | None:
        """The token of the last bell, while it may be good."""
        fresh = source.token_at is not None and self._clock.now() - source.token_at < _TOKEN_LIFE
        return source.token if fresh else None

    def _every(self) -> timedelta:
        return max(EVERY, self._scaled(_REAL_EVERY))

    def _scaled(self, real: timedelta) -> timedelta:
        """So much real time, on the service's clock."""
        return real * self._clock.speed

    def _keep(self, source: Source, pulled: Pulled) -> None:
        """The messages and the place to go on from, or neither."""
        now = self._clock.now()
        # An answer that brings nothing and leads nowhere, but claims that there is more, is not asked for at once.
        idle = pulled.unfinished and not pulled.messages and pulled.cursor == source.cursor
        pause = now + self._scaled(_BREATH) if idle else None
        with self._memory.transaction() as store:
            if not store.sources.advance(
                source, pulled.cursor, unfinished=pulled.unfinished, now=now, not_before=pause
            ):
                return
            self._watch.saw(store, None)
            keep(store.session, [(self.name, each.key, each.raw) for each in pulled.messages], now)

    def _failed(self, error: ChannelError) -> None:
        now = self._clock.now()
        log.warning("%s could not be asked: %s", self.name, error.detail)
        with self._memory.transaction() as store:
            self._watch.saw(store, error)
            source = store.sources.get(self.name)
            wait = _SHUT_OUT if isinstance(error, MustWait) else backoff(source.failures if source else 0)
            failures = store.sources.failed(self.name, now, now + self._scaled(wait), error.detail)
            if failures == _PATIENCE or isinstance(error, Misconfigured):
                self._tell_office(error, now, store)

    def _tell_office(self, error: ChannelError, now: datetime, store: WorkingStore) -> None:
        """Once a day."""
        once_key = f"trouble/{self.name}/{now.astimezone(self._memory.zone).date()}"
        named = {"channel": {"say": f"channel.{self.name}"}, "why": error.detail}
        tell_office(store, night_of(now, self._memory.book(store)), now, "trouble.pulling", once_key, **named)


class Pulling:
    """The pullers of a process; of all processes one at a time asks each source."""

    def __init__(self, memory: Memory, switchboard: Switchboard) -> None:
        self._memory = memory
        self._pullers = [Puller(name, platform, memory) for name, platform in switchboard.sources.items()]
        self._claims = {each.name: claim(memory.database.url, f"pulling-{each.name}") for each in self._pullers}
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(each,), name=f"pulling-{each.name}", daemon=True)
            for each in self._pullers
        ]

    def begin(self) -> None:
        """Nothing is known of what came until now."""
        with self._memory.transaction() as store:
            store.sources.begin([each.name for each in self._pullers])

    def start(self) -> None:
        """Ask from now on, in a thread for each source."""
        self.begin()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=_LAST_MOMENT_S)
        for each in self._claims.values():
            each.release()

    def once(self) -> None:
        """Ask until nothing is due now."""
        for each in self._pullers:
            for _ in range(_UNLIMITED):
                if not each.once():
                    break

    def _run(self, puller: Puller) -> None:
        while not self._stopped.is_set():
            try:
                asked = self._claims[puller.name].take() and puller.once()
            except DatabaseAway as error:
                log.error("the database is away: %s", error)
                asked = False
            if not asked:
                self._stopped.wait(_LOOK_S)
