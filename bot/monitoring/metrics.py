"""The Prometheus metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CALLBACKS_TOTAL = Counter("patrol_callbacks", "Callbacks by channel and outcome", ["channel", "outcome"])
CALLBACK_SECONDS = Histogram(
    "patrol_callback_seconds", "Time to answer a callback", buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 1, 5)
)
TICK_SECONDS = Histogram("patrol_tick_seconds", "Time one tick of the timetable takes")
MESSAGES_WAITING = Gauge("patrol_messages_waiting", "Messages stored and not yet handled")
OLDEST_WAITING_SECONDS = Gauge("patrol_oldest_waiting_seconds", "Age of the oldest message not yet handled")
NOTICES = Gauge("patrol_notices", "Notices by state", ["state"])
OBJECT_STORE_FREE_BYTES = Gauge("patrol_object_store_free_bytes", "Free space, where the object store can tell")
DISK_RESERVE_BYTES = Gauge(
    "patrol_disk_reserve_bytes", "Free space that is kept for callbacks and the database; below it uploads are refused"
)
DISK_FREE_BYTES = Gauge("patrol_disk_free_bytes", "Free space of the fullest disk of films and database, if known")
MESSAGES_LAST_DAY = Gauge("patrol_messages", "Messages acknowledged in the last 24 hours, by state", ["state"])
NIGHT_SUBMISSIONS = Gauge(
    "patrol_night_submissions", "Films of the current night by state (filed, unfit, …)", ["state"]
)
WORKERS = Gauge("patrol_workers", "Workers with a heartbeat in the last 30 seconds")
TICK_LAG_SECONDS = Gauge("patrol_tick_lag_seconds", "Seconds since the timetable last ticked; +Inf if it never has")
TOKEN_EXPIRES_IN_SECONDS = Gauge(
    "patrol_token_remaining_seconds", "Seconds until an access token expires; negative once it has", ["name"]
)
SELF_AUDIT_OK = Gauge("patrol_self_audit_ok", "1 if the completeness check of the last night succeeded, 0 if not")
