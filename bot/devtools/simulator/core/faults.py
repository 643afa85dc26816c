"""Faults that tests and rehearsals inject into the platform's endpoints."""

import threading
from collections import defaultdict, deque
from dataclasses import dataclass

GET_ENDPOINTS = frozenset(
    {
        "gettoken",
        "getcallbackip",
        "media/get",
        "auth/getuserinfo",
        "aibot_media",
        "token",
        "template/get_all_private_template",
    }
)
POST_ENDPOINTS = frozenset(
    {
        "message/send",
        "message/update_template_card",
        "media/upload",
        "webhook/send",
        "webhook/upload_media",
        "kf/sync_msg",
        "kf/send_msg",
        "kf/send_msg_on_event",
        "kf/add_contact_way",
        "stable_token",
        "message/custom/send",
        "message/template/send",
    }
)
AIBOT_COMMANDS = frozenset(
    {
        "ping",
        "aibot_respond_msg",
        "aibot_respond_welcome_msg",
        "aibot_respond_update_msg",
        "aibot_send_msg",
        "aibot_upload_media_init",
        "aibot_upload_media_chunk",
        "aibot_upload_media_finish",
    }
)
ENDPOINTS = GET_ENDPOINTS | POST_ENDPOINTS | AIBOT_COMMANDS


@dataclass
class Fault:
    """One fault of one endpoint, used up after `times` calls."""

    errcode: int | None = None
    """Answer this error (HTTP 200) without executing the call."""
    http_status: int | None = None
    """Answer this HTTP status with a page that is not JSON, without executing the call."""
    drop: bool = False
    """Close the connection without a response and without executing the call."""
    lose_response: bool = False
    """Execute the call, then close the connection without a response."""
    truncate_after: int | None = None
    """Cut the body after this many bytes."""
    corrupt_bytes: bool = False
    """Send a body of the right length with wrong bytes."""
    delay: float = 0.0
    """Wait this many real seconds before executing the call."""
    hold: threading.Event | None = None
    """Wait for this event, at most 30 seconds, before executing the call."""
    times: int = 1


class Faults:
    """The queued faults of each endpoint; thread-safe."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()
        self.refuse_parallel_fetch = False
        """Answer 45033 to a second fetch of a media_id while the first is in progress."""
        self.plain_text_errors = False
        """Answer errors of media/get as text/plain, as the platform sometimes does."""

    def inject(
        self,
        endpoint: str,
        *,
        errcode: int | None = None,
        http_status: int | None = None,
        drop: bool = False,
        lose_response: bool = False,
        truncate_after: int | None = None,
        corrupt_bytes: bool = False,
        delay: float = 0.0,
        hold: threading.Event | None = None,
        times: int = 1,
    ) -> None:
        """Queue a fault for the next `times` calls of the endpoint; raises ValueError for an unknown endpoint."""
        if endpoint not in ENDPOINTS:
            raise ValueError(f"no endpoint {endpoint!r}; there are {', '.join(sorted(ENDPOINTS))}")
        fault = Fault(errcode, http_status, drop, lose_response, truncate_after, corrupt_bytes, delay, hold, times)
        with self._lock:
            self._queues[endpoint].append(fault)

    def take(self, endpoint: str) -> Fault | None:
        """The fault for this call, if any; counts it down."""
        with self._lock:
            queue = self._queues[endpoint]
            if not queue:
                return None
            queue[0].times -= 1
            return queue.popleft() if queue[0].times <= 0 else queue[0]

    def pending(self, endpoint: str) -> int:
        """The number of coming calls of the endpoint that have a fault."""
        with self._lock:
            return sum(fault.times for fault in self._queues[endpoint])

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._queues.clear()
            self.refuse_parallel_fetch = self.plain_text_errors = False
