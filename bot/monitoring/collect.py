"""What /metrics tells of the database and the store, looked at when it is asked for: the same from every process."""

from __future__ import annotations

from datetime import timedelta

from bot.monitoring.liveness import read_liveness
from bot.monitoring.metrics import (
    MESSAGES_LAST_DAY,
    MESSAGES_WAITING,
    NIGHT_SUBMISSIONS,
    NOTICES,
    OBJECT_STORE_FREE_BYTES,
    OLDEST_WAITING_SECONDS,
    SELF_AUDIT_OK,
    TICK_LAG_SECONDS,
    TOKEN_EXPIRES_IN_SECONDS,
    WORKERS,
)  # fmt: skip
from bot.unit_of_work import UnitOfWork
from schedules.completeness_check import COMPLETENESS_FACT
from schedules.patrol_night import night_of
from storage import metric_queries
from storage.objects import ObjectStore
from storage.store import Store

_DAY = timedelta(days=1)


def collect_metrics(uow: UnitOfWork, objects: ObjectStore) -> None:
    """Look at everything that is not counted as it happens. Raises StorageError, ObjectError."""
    with uow.read() as store:
        _messages(uow, store)
        _notices(store)
        _workers(uow, store)
    free = objects.free_bytes()
    if free is not None:
        OBJECT_STORE_FREE_BYTES.set(free)


def _messages(memory: UnitOfWork, store: Store) -> None:
    now = memory.clock.now()
    waiting, oldest = store.inbox.backlog()
    MESSAGES_WAITING.set(waiting)
    OLDEST_WAITING_SECONDS.set((now - oldest).total_seconds() if oldest else 0)
    for state, number in metric_queries.messages_by_state(store.session, now - _DAY).items():
        MESSAGES_LAST_DAY.labels(state).set(number)
    NIGHT_SUBMISSIONS.clear()
    for state, number in metric_queries.submissions_by_state(store.session, night_of(now, memory.rules(store))).items():
        NIGHT_SUBMISSIONS.labels(state).set(number)


def _notices(store: Store) -> None:
    NOTICES.clear()
    for state, number in store.notices.counts_by_state().items():
        NOTICES.labels(state).set(number)
    fact = store.facts.read_fact(COMPLETENESS_FACT)
    if fact is not None:
        SELF_AUDIT_OK.set(fact["well"])


def _workers(memory: UnitOfWork, store: Store) -> None:
    found = read_liveness(store, memory.clock)
    WORKERS.set(found.live_workers)
    TICK_LAG_SECONDS.set(float("inf") if found.tick_lag_s is None else found.tick_lag_s)
    TOKEN_EXPIRES_IN_SECONDS.clear()
    for name, until in metric_queries.token_expiries(store.session).items():
        TOKEN_EXPIRES_IN_SECONDS.labels(name).set((until - memory.clock.now()).total_seconds())
