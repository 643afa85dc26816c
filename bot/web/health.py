"""Health: could this service receive, store, judge and remind right now, as far as this process can see?

Receiving and storing are tried; judging and reminding need a worker that is alive and a timetable that ticks, here or
in any other process. What only delays things, or is the platform's affair, is a warning.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.channels.registry import Channels
from bot.channels.wecom_api.http import is_reachable
from bot.clock import wall_now
from bot.monitoring.collect import collect_metrics
from bot.monitoring.liveness import LivenessCheck
from bot.unit_of_work import UnitOfWork
from bot.web.site_settings import SiteSettings
from schedules.completeness_check import COMPLETENESS_FACT
from storage.errors import StorageError
from storage.objects import ObjectError, ObjectStore
from storage.uploads import CHANNEL as UPLOAD

# With less room than a night of films wants, the service says so before the disk is full.
_ROOM_WANTED = 1024**3
# Films are worked off within seconds; what waits for so long waits for something.
_LONG_WAIT_S = 300


def blueprint(uow: UnitOfWork, objects: ObjectStore, channels: Channels, site: SiteSettings) -> Blueprint:
    """/health/live, /health/ready and /metrics."""
    pages, pulse = Blueprint("health", __name__), LivenessCheck(uow.clock, site.startup_grace_s)

    @pages.get("/health/live")
    def live() -> Response:
        return jsonify({"status": "ok"})

    @pages.get("/health/ready")
    def ready() -> tuple[Response, int]:
        found, warnings = _problems(uow, objects, site.readiness_timeout_s), _warnings(uow, objects, channels)
        (warnings if pulse.in_grace_period else found).update(_asleep(uow, pulse))
        clock = uow.clock
        answer: dict[str, Any] = {
            "status": "unavailable" if found else "ok",
            "now": clock.now().astimezone(uow.zone).isoformat(),
            "rehearsal": clock.is_rehearsal,
            "problems": found,
            "warnings": warnings,
        }
        return jsonify(answer), 503 if found else 200

    @pages.get("/metrics")
    def metrics() -> Response:
        with suppress(StorageError, ObjectError):  # what was counted is told all the same
            collect_metrics(uow, objects)
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return pages


def _problems(memory: UnitOfWork, objects: ObjectStore, timeout_s: float) -> dict[str, str]:
    found = {}
    try:
        memory.database.check_schema()
        with memory.transaction(timeout_s) as store:
            store.facts.store_fact("health_checked", {"at": wall_now().isoformat()})
    except StorageError as error:
        found["database"] = str(error)
    try:
        objects.check()
    except ObjectError as error:
        found["object_store"] = str(error)
    return found


def _asleep(memory: UnitOfWork, pulse: LivenessCheck) -> dict[str, str]:
    """Whether there is nobody to judge and to remind; a database that is away is told of elsewhere."""
    with suppress(StorageError), memory.read() as store:
        return pulse.faults(store)
    return {}


def _warnings(memory: UnitOfWork, objects: ObjectStore, switchboard: Channels) -> dict[str, str]:
    found = {**_unasked(memory), **_behind(memory)}
    if not set(switchboard.receivers) - {UPLOAD}:
        found["channels"] = "no channel is configured: nothing can be received"
    away = [url for url in sorted(switchboard.api_urls) if not is_reachable(url)]
    if away:
        found["platform"] = f"no connection to {', '.join(away)}"
    try:
        free = objects.free_bytes()
    except ObjectError:
        free = None
    if free is not None and free < _ROOM_WANTED:
        found["object_store"] = f"{free} bytes left"
    return found


def _unasked(memory: UnitOfWork) -> dict[str, str]:
    """The sources whose messages cannot be fetched at present; a database that is away is told of elsewhere."""
    with suppress(StorageError), memory.read() as store:
        failing = store.poll_cursors.failing()
        return {of.name: f"unasked since {of.failing_since:%Y-%m-%dT%H:%MZ}: {of.detail}" for of in failing}
    return {}


def _behind(memory: UnitOfWork) -> dict[str, str]:
    """What has been taken in and not worked off, and a last night that is not accounted for."""
    found = {}
    with suppress(StorageError), memory.read() as store:
        (waiting, oldest), audit = store.inbox.backlog(), store.facts.read_fact(COMPLETENESS_FACT)
        age_s = (memory.clock.now() - oldest).total_seconds() / memory.clock.speed if oldest else 0
        if age_s > _LONG_WAIT_S:
            found["waiting"] = f"{waiting} messages wait, the oldest for {age_s:.0f} s"
        if audit is not None and not audit["ok"]:
            found["audit"] = f"the night of {audit['night']} is not accounted for"
    return found
