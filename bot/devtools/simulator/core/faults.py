"""Things that go wrong on request: for tests, rehearsals and the control page (protocol sheet, section 15)."""

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
    """One misbehaviour of one endpoint, used up after `times` calls."""

    errcode: int | None = None
    """Answer this error (HTTP 200) without doing anything."""
    http_status: int | None = None
    """Answer this HTTP status with a page that is not JSON, without doing anything."""
    drop: bool = False
    """Close the connection without an answer and without doing anything."""
    lose_response: bool = False
    """Do what was asked, then close the connection without an answer."""
    truncate_after: int | None = None
    """Break off the body after so many bytes."""
    corrupt_bytes: bool = False
    """Answer a body of the right length with other bytes."""
    delay: float = 0.0
    """Wait so many real seconds before doing it."""
    hold: threading.Event | None = None
    """Wait until a test sets this event (30 s at most) before doing it."""
    times: int = 1


class Faults:
    """The faults waiting to happen, by endpoint name."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()
        self.refuse_parallel_fetch = False
        """Refuse a second fetch of a media_id that is under way with 45033 (section 3.1)."""
        self.plain_text_errors = False
        """Answer errors of media/get as text/plain, which the platform also does (section 3.1)."""

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
        """Let the next `times` calls of the endpoint misbehave; several calls queue up."""
        if endpoint not in ENDPOINTS:
            raise ValueError(f"no endpoint {endpoint!r}; there are {', '.join(sorted(ENDPOINTS))}")
        fault = Fault(errcode, http_status, drop, lose_response, truncate_after, corrupt_bytes, delay, hold, times)
        with self._lock:
            self._waiting[endpoint].append(fault)

    def take(self, endpoint: str) -> Fault | None:
        """The fault for this call, counted down."""
        with self._lock:
            waiting = self._waiting[endpoint]
            if not waiting:
                return None
            waiting[0].times -= 1
            return waiting.popleft() if waiting[0].times <= 0 else waiting[0]

    def pending(self, endpoint: str) -> int:
        """How many calls of the endpoint are still to misbehave."""
        with self._lock:
            return sum(fault.times for fault in self._waiting[endpoint])

    def clear(self) -> None:
        """Let everything work again."""
        with self._lock:
            self._waiting.clear()
            self.refuse_parallel_fetch = self.plain_text_errors = False
