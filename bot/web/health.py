"""Health: could this process receive, store, judge and remind right now?"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.channels import Switchboard
from bot.channels.wecom_http import is_reachable
from bot.clock import wall_now
from bot.memory import Memory
from bot.metrics import NOTICES, OLDEST_WAITING, STORE_FREE, WAITING
from storage.errors import StorageError
from storage.objects import ObjectError, ObjectStore

# With less room than a night of films wants, the service says so before the disk is full.
_ROOM_WANTED = 1024**3
_PATIENCE_S = 3.0


def blueprint(memory: Memory, objects: ObjectStore, switchboard: Switchboard) -> Blueprint:
    """/health/live, /health/ready and /metrics."""
    pages = Blueprint("health", __name__)

    @pages.get("/health/live")
    def live() -> Response:
        return jsonify({"status": "ok"})

    @pages.get("/health/ready")
    def ready() -> tuple[Response, int]:
        found, warnings = _problems(memory, objects), _warnings(memory, objects, switchboard)
        clock = memory.clock
        answer: dict[str, Any] = {
            "status": "unavailable" if found else "ok",
            "now": clock.now().astimezone(memory.zone).isoformat(),
            "rehearsal": clock.rehearsal,
            "problems": found,
            "warnings": warnings,
        }
        return jsonify(answer), 503 if found else 200

    @pages.get("/metrics")
    def metrics() -> Response:
        with suppress(StorageError, ObjectError):  # what was counted is told all the same
            _measure(memory, objects)
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return pages


def _problems(memory: Memory, objects: ObjectStore) -> dict[str, str]:
    found = {}
    try:
        memory.database.check_schema()
        with memory.transaction(_PATIENCE_S) as store:
            store.records.set_fact("asked", {"at": wall_now().isoformat()})
    except StorageError as error:
        found["database"] = str(error)
    try:
        objects.check()
    except ObjectError as error:
        found["object_store"] = str(error)
    return found


def _warnings(memory: Memory, objects: ObjectStore, switchboard: Switchboard) -> dict[str, str]:
    found = _unasked(memory)
    if not switchboard.doors:
        found["doors"] = "no door is configured: nothing can be received"
    away = [url for url in sorted(switchboard.platforms) if not is_reachable(url)]
    if away:
        found["platform"] = f"no connection to {', '.join(away)}"
    try:
        free = objects.free_bytes()
    except ObjectError:
        free = None
    if free is not None and free < _ROOM_WANTED:
        found["object_store"] = f"{free} bytes left"
    return found


def _unasked(memory: Memory) -> dict[str, str]:
    """The sources whose messages cannot be fetched at present; a database that is away is told of elsewhere."""
    with suppress(StorageError), memory.reading() as store:
        failing = store.sources.failing()
        return {of.name: f"unasked since {of.failing_since:%Y-%m-%dT%H:%MZ}: {of.detail}" for of in failing}
    return {}


def _measure(memory: Memory, objects: ObjectStore) -> None:
    with memory.reading() as store:
        waiting, oldest = store.inbox.waiting()
        states = store.notices.states()
    WAITING.set(waiting)
    OLDEST_WAITING.set((memory.clock.now() - oldest).total_seconds() if oldest else 0)
    for state, number in states.items():
        NOTICES.labels(state).set(number)
    free = objects.free_bytes()
    if free is not None:
        STORE_FREE.set(free)
