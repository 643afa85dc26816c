"""The gauges of /metrics that are read from the database and the object store: the same from every process."""

from __future__ import annotations

from datetime import timedelta

from bot.monitoring import metrics
from bot.monitoring.liveness import read_liveness
from bot.unit_of_work import UnitOfWork
from schedules.completeness_check import COMPLETENESS_FACT
from schedules.patrol_night import night_of
from storage import metric_queries
from storage.disk_reserve import DiskReserve
from storage.notice_log import NoticeLog
from storage.objects import ObjectStore
from storage.store import Store

_DAY = timedelta(days=1)


def collect_metrics(uow: UnitOfWork, objects: ObjectStore, reserve: DiskReserve) -> None:
    """Set every gauge that is not counted as things happen. Raises StorageError, ObjectError."""
    with uow.read() as store:
        _collect_messages(uow, store)
        _collect_notices(store)
        _collect_workers(uow, store)
    for gauge, free in (
        (metrics.OBJECT_STORE_FREE_BYTES, objects.free_bytes()),
        (metrics.DISK_FREE_BYTES, reserve.free_bytes()),
        (metrics.DISK_RESERVE_BYTES, reserve.size),
    ):
        if free is not None:
            gauge.set(free)


def _collect_messages(uow: UnitOfWork, store: Store) -> None:
    now = uow.clock.now()
    waiting, oldest = store.inbox.backlog()
    metrics.MESSAGES_WAITING.set(waiting)
    metrics.OLDEST_WAITING_SECONDS.set((now - oldest).total_seconds() if oldest else 0)
    for state, count in metric_queries.messages_by_state(store.session, now - _DAY).items():
        metrics.MESSAGES_LAST_DAY.labels(state).set(count)
    night = night_of(now, uow.rules(store))
    metrics.NIGHT_SUBMISSIONS.clear()
    for state, count in metric_queries.submissions_by_state(store.session, night).items():
        metrics.NIGHT_SUBMISSIONS.labels(state).set(count)


def _collect_notices(store: Store) -> None:
    metrics.NOTICES.clear()
    for state, count in NoticeLog(store.session).counts_by_state().items():
        metrics.NOTICES.labels(state).set(count)
    fact = store.facts.read_fact(COMPLETENESS_FACT)
    if fact is not None:
        metrics.SELF_AUDIT_OK.set(fact["ok"])


def _collect_workers(uow: UnitOfWork, store: Store) -> None:
    liveness = read_liveness(store, uow.clock)
    metrics.WORKERS.set(liveness.live_workers)
    metrics.TICK_LAG_SECONDS.set(float("inf") if liveness.tick_lag_s is None else liveness.tick_lag_s)
    metrics.TOKEN_EXPIRES_IN_SECONDS.clear()
    for name, expires_at in metric_queries.token_expiries(store.session).items():
        metrics.TOKEN_EXPIRES_IN_SECONDS.labels(name).set((expires_at - uow.clock.now()).total_seconds())
