"""What /metrics tells of the database and the store, looked at when it is asked for: the same from every process."""

from __future__ import annotations

from datetime import timedelta

from bot.monitoring.liveness import signs
from bot.monitoring.metrics import (
    AUDIT,
    MESSAGES,
    NOTICES,
    OLDEST_WAITING,
    STORE_FREE,
    SUBMISSIONS,
    TICK_LAG,
    TOKEN_LEFT,
    WAITING,
    WORKERS,
)  # fmt: skip
from bot.unit_of_work import Memory
from schedules.completeness_check import FACT
from schedules.patrol_night import night_of
from storage import metric_queries
from storage.objects import ObjectStore
from storage.store import Store

_DAY = timedelta(days=1)


def measure(memory: Memory, objects: ObjectStore) -> None:
    """Look at everything that is not counted as it happens. Raises StorageError, ObjectError."""
    with memory.reading() as store:
        _messages(memory, store)
        _notices(store)
        _workers(memory, store)
    free = objects.free_bytes()
    if free is not None:
        STORE_FREE.set(free)


def _messages(memory: Memory, store: Store) -> None:
    now = memory.clock.now()
    waiting, oldest = store.inbox.waiting()
    WAITING.set(waiting)
    OLDEST_WAITING.set((now - oldest).total_seconds() if oldest else 0)
    for state, number in metric_queries.messages(store.session, now - _DAY).items():
        MESSAGES.labels(state).set(number)
    SUBMISSIONS.clear()
    for state, number in metric_queries.submissions(store.session, night_of(now, memory.book(store))).items():
        SUBMISSIONS.labels(state).set(number)


def _notices(store: Store) -> None:
    NOTICES.clear()
    for state, number in store.notices.states().items():
        NOTICES.labels(state).set(number)
    fact = store.records.fact(FACT)
    if fact is not None:
        AUDIT.set(fact["well"])


def _workers(memory: Memory, store: Store) -> None:
    found = signs(store, memory.clock)
    WORKERS.set(found.workers)
    TICK_LAG.set(float("inf") if found.tick_lag_s is None else found.tick_lag_s)
    TOKEN_LEFT.clear()
    for name, until in metric_queries.tokens(store.session).items():
        TOKEN_LEFT.labels(name).set((until - memory.clock.now()).total_seconds())
