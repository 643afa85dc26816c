"""One connection to the smart bot's gateway: logs in, sends commands, waits for their acknowledgements."""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException
from websockets.sync.client import ClientConnection, connect

from bot.channels.errors import ChannelError, Misconfigured, OutcomeUnknown, Transient, error_from_code

log = logging.getLogger(__name__)
# It logs whole frames, which hold the secret and the keys of films.
logging.getLogger("websockets").setLevel(logging.ERROR)

Json = dict[str, Any]
FrameHandler = Callable[[Json], None]

_CONNECT_S, _CLOSE_S = 10, 2
_MAX_FRAME_BYTES = 4 * 1024 * 1024
# Replies to one message share a lock; that two messages occasionally share one too is harmless.
_LOCKS = 64


@dataclass(frozen=True)
class ConnectionTimings:
    """Intervals and limits of the connection and of the lease that lets one process hold it."""

    ack_timeout_s: float = 5.0
    ping_interval_s: float = 30.0
    max_missed_pings: int = 2
    first_backoff_s: float = 1.0
    max_backoff_s: float = 30.0
    max_login_failures: int = 5
    login_failure_pause_s: float = 600.0
    # The lease of a dead holder expires after this; the others try for it every few seconds.
    lease_s: float = 30.0
    lease_renew_s: float = 10.0
    lease_retry_s: float = 5.0
    # A foreign program has logged in as our bot: an immediate login would only start a fight.
    kicked_pause_s: float = 300.0


@dataclass
class _PendingCall:
    done: threading.Event = field(default_factory=threading.Event)
    answer: Json | None = None


class AibotWebSocket:
    """A connection that is logged in until it is `closed`; `kicked` by another login. Safe to use from many threads.

    `on_frame` gets every message and event, from the reading thread, in the order of arrival.
    """

    def __init__(self, url: str, bot_id: str, secret: str, on_frame: FrameHandler, timings: ConnectionTimings) -> None:
        """Connect and log in. Raises Misconfigured if the login is refused, Transient without an answer."""
        self._on_frame, self._timings = on_frame, timings
        self._pending: dict[str, _PendingCall] = {}
        self._reply_locks = [threading.Lock() for _ in range(_LOCKS)]
        self._write_lock = threading.Lock()
        self.closed = threading.Event()
        self.kicked = False
        self._socket = _connect(url)
        self._reader = threading.Thread(target=self._read, name="smart bot", daemon=True)
        self._reader.start()
        try:
            self.call("aibot_subscribe", {"bot_id": bot_id, "secret": secret})
        except ChannelError as error:
            self.close()
            if error.code is not None:
                raise Misconfigured(error.detail, error.code) from None
            raise Transient(error.detail) from None

    def call(self, cmd: str, body: Json | None, req_id: str | None = None) -> Json:
        """Send a command and wait for its acknowledgement; the body of that. Raises ChannelError.

        Replies to one message (the same `req_id`) are sent one after the other, as the platform requires.
        """
        req_id = req_id or f"{cmd}_{secrets.token_hex(12)}"
        with self._reply_locks[hash(req_id) % _LOCKS]:
            answer = self._exchange(cmd, body, req_id)
        code = answer.get("errcode")
        if not isinstance(code, int) or isinstance(code, bool):
            raise OutcomeUnknown("an acknowledgement without a code")
        if code:
            raise error_from_code(code, str(answer.get("errmsg", "")))
        return _object(answer, "body")

    def _exchange(self, cmd: str, body: Json | None, req_id: str) -> Json:
        call = self._pending[req_id] = _PendingCall()
        frame: Json = {"cmd": cmd, "headers": {"req_id": req_id}}
        try:
            self._write(frame if body is None else {**frame, "body": body})
            call.done.wait(self._timings.ack_timeout_s)
        finally:
            self._pending.pop(req_id, None)
        if call.answer is None:
            raise OutcomeUnknown(f"{cmd} was not acknowledged")
        return call.answer

    def _write(self, frame: Json) -> None:
        if self.closed.is_set():
            raise Transient("the connection is closed")
        try:
            with self._write_lock:
                self._socket.send(json.dumps(frame, ensure_ascii=False))
        except (ConnectionClosed, OSError):
            raise OutcomeUnknown("the connection broke") from None

    def ping(self) -> bool:
        """Whether the gateway answers."""
        try:
            self.call("ping", None)
        except ChannelError as error:
            return error.code is not None
        return True

    def close(self) -> None:
        """Close the connection; pending calls raise OutcomeUnknown."""
        self._end()
        self._socket.close()

    def _end(self) -> None:
        self.closed.set()
        for call in list(self._pending.values()):
            call.done.set()

    def _read(self) -> None:
        try:
            for text in self._socket:
                self._dispatch(text)
        except (WebSocketException, OSError) as error:
            log.warning("the smart bot's connection broke: %s", type(error).__name__)
        finally:
            self._end()

    def _dispatch(self, text: str | bytes) -> None:
        """A frame that is not understood is logged without its content."""
        try:
            frame = json.loads(text)
        except ValueError:
            frame = None
        if not isinstance(frame, dict):
            log.warning("a frame that is not a JSON object")
        elif frame.get("cmd") in ("aibot_msg_callback", "aibot_event_callback"):
            self._receive(frame)
        elif call := self._pending.get(str(_object(frame, "headers").get("req_id"))):
            call.answer = frame
            call.done.set()
        else:
            log.warning("a frame that answers no call: %s", str(frame.get("cmd"))[:40])

    def _receive(self, frame: Json) -> None:
        if _object(_object(frame, "body"), "event").get("eventtype") == "disconnected_event":
            # Another login has ended this one; to log in again would end that one, and so on.
            self.kicked = True
            self._end()
            return
        self._on_frame(frame)


def _connect(url: str) -> ClientConnection:
    try:
        return connect(
            url,
            open_timeout=_CONNECT_S,
            close_timeout=_CLOSE_S,
            ping_interval=None,
            max_size=_MAX_FRAME_BYTES,
            compression=None,
            legacy=True,  # the connection is not a context manager's: it outlives this function
        )
    except (InvalidHandshake, OSError, TimeoutError, ValueError, WebSocketException) as error:
        raise Transient(type(error).__name__) from None


def _object(value: Json, name: str) -> Json:
    member = value.get(name)
    return member if isinstance(member, dict) else {}
