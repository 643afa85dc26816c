"""Health: can the service receive, store, judge and remind right now, as far as this process can tell?

The database and the object store are tried. Judging and reminding need a live worker and a running scheduler, in this
or any other process. What only delays work, or is the platform's fault, is a warning.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.channels.registry import Channels
from bot.channels.wecom_api.http import is_reachable
from bot.clock import wall_now
from bot.media.integrity import INTEGRITY_FACT
from bot.monitoring.collect import collect_metrics
from bot.monitoring.liveness import LivenessCheck
from bot.unit_of_work import UnitOfWork
from bot.web.headers import SiteSettings
from schedules.completeness_check import COMPLETENESS_FACT
from storage.disk_reserve import DiskReserve
from storage.errors import StorageError
from storage.objects import ObjectError, ObjectStore
from storage.uploads import CHANNEL as UPLOAD

# The platform's clock and the service's may differ by so much, in the service's time and in real time; among the latest
# messages some are on time, though others may have waited for the service to come back.
_MAX_CLOCK_DIFFERENCE, _MAX_REAL_CLOCK_DIFFERENCE = timedelta(minutes=5), timedelta(seconds=10)
_RECENT, _COMPARED_MESSAGES = timedelta(hours=1), 10
# Messages are processed within seconds; a longer wait means that something is stuck.
_MAX_BACKLOG_AGE_S = 300


def blueprint(
    uow: UnitOfWork, objects: ObjectStore, reserve: DiskReserve, channels: Channels, site: SiteSettings
) -> Blueprint:
    """/health/live, /health/ready and /metrics."""
    pages, liveness = Blueprint("health", __name__), LivenessCheck(uow.clock, site.startup_grace_s)

    @pages.get("/health/live")
    def live() -> Response:
        return jsonify({"status": "ok"})

    @pages.get("/health/ready")
    def ready() -> tuple[Response, int]:
        problems, warnings = _problems(uow, objects, site.readiness_timeout_s), _warnings(uow, reserve, channels)
        (warnings if liveness.in_grace_period else problems).update(_liveness_faults(uow, liveness))
        answer: dict[str, Any] = {
            "status": "unavailable" if problems else "ok",
            "now": uow.clock.now().astimezone(uow.zone).isoformat(),
            "rehearsal": uow.clock.is_rehearsal,
            "problems": problems,
            "warnings": warnings,
        }
        return jsonify(answer), 503 if problems else 200

    @pages.get("/metrics")
    def metrics() -> Response:
        with suppress(StorageError, ObjectError):  # the counters of this process are served anyway
            collect_metrics(uow, objects, reserve)
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return pages


def _problems(uow: UnitOfWork, objects: ObjectStore, timeout_s: float) -> dict[str, str]:
    problems = {}
    try:
        uow.database.check_schema()
        with uow.transaction(timeout_s) as store:
            store.facts.store_fact("health_checked", {"at": wall_now().isoformat()})
    except StorageError as error:
        problems["database"] = str(error)
    try:
        objects.check()
    except ObjectError as error:
        problems["object_store"] = str(error)
    return problems


def _liveness_faults(uow: UnitOfWork, liveness: LivenessCheck) -> dict[str, str]:
    with suppress(StorageError), uow.read() as store:  # an unavailable database is among the problems already
        return liveness.faults(store)
    return {}


def _warnings(uow: UnitOfWork, reserve: DiskReserve, channels: Channels) -> dict[str, str]:
    warnings = {**_failing_sources(uow), **_backlog(uow), **_clock_difference(uow)}
    if not set(channels.receivers) - {UPLOAD}:
        warnings["channels"] = "no receiving channel is configured"
    unreachable = [url for url in sorted(channels.api_urls) if not is_reachable(url)]
    if unreachable:
        warnings["platform"] = f"no connection to {', '.join(unreachable)}"
    with suppress(ObjectError):
        if reserve.is_reached():
            warnings["disk"] = f"{reserve.free_bytes()} bytes left, less than the reserve of {reserve.size}"
    return warnings


def _failing_sources(uow: UnitOfWork) -> dict[str, str]:
    """The polled sources whose messages cannot be fetched at present."""
    with suppress(StorageError), uow.read() as store:
        failing = store.poll_cursors.failing()
        return {each.name: f"failing since {each.failing_since:%Y-%m-%dT%H:%MZ}: {each.detail}" for each in failing}
    return {}


def _clock_difference(uow: UnitOfWork) -> dict[str, str]:
    """The platform's clock and the service's, if even the closest of the latest messages shows them apart.

    A wrong system clock does that, or a rehearsal beside a simulated platform with another clock.
    """
    now, allowed = uow.clock.now(), max(_MAX_CLOCK_DIFFERENCE, _MAX_REAL_CLOCK_DIFFERENCE * uow.clock.speed)
    with suppress(StorageError), uow.read() as store:
        times = store.inbox.sending_times(now - _RECENT * uow.clock.speed, _COMPARED_MESSAGES)
        if times:
            sent, received = min(times, key=lambda pair: abs(pair[0] - pair[1]))
            if abs(sent - received) > allowed:
                platform, service = (
                    each.astimezone(uow.zone).isoformat(timespec="seconds") for each in (sent, received)
                )
                return {"clock": f"two clocks: the platform sent at {platform} what was received at {service}"}
    return {}


def _backlog(uow: UnitOfWork) -> dict[str, str]:
    """Messages that wait to be processed, a last night that failed its completeness check, a damaged audit log."""
    warnings = {}
    with suppress(StorageError), uow.read() as store:
        (waiting, oldest), completeness = store.inbox.backlog(), store.facts.read_fact(COMPLETENESS_FACT)
        integrity = store.facts.read_fact(INTEGRITY_FACT)
        age_s = (uow.clock.now() - oldest).total_seconds() / uow.clock.speed if oldest else 0
        if age_s > _MAX_BACKLOG_AGE_S:
            warnings["waiting"] = f"{waiting} messages wait, the oldest for {age_s:.0f} s"
        if integrity is not None and not integrity.get("audit_log_intact", True):
            warnings["audit_log"] = "entries were changed or removed, see: night-patrol trail"
        if completeness is not None and not completeness["ok"]:
            warnings["audit"] = f"the night of {completeness['night']} is not accounted for"
    return warnings
