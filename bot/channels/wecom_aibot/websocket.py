"""One connection to the smart bot's gateway: log in, ask and wait for the acknowledgement (protocol sheet 7.5)."""

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
# Its lines hold whole frames, and these hold the secret and the keys of films.
logging.getLogger("websockets").setLevel(logging.ERROR)

Json = dict[str, Any]
FrameHandler = Callable[[Json], None]

_CONNECT_S, _CLOSE_S = 10, 2
_LARGEST_FRAME = 4 * 1024 * 1024
# Answers to one message share a lane; that now and then two messages do costs nothing.
_LANES = 64


@dataclass(frozen=True)
class ConnectionTimings:
    """How long one waits for what; the tests are in more of a hurry."""

    ack_timeout_s: float = 5.0
    ping_interval_s: float = 30.0
    max_missed_pings: int = 2
    first_backoff_s: float = 1.0
    max_backoff_s: float = 30.0
    max_login_failures: int = 5
    login_failure_pause_s: float = 600.0
    # A dead holder's lease ends within this; those who wait ask for it every few seconds.
    lease_s: float = 30.0
    lease_renew_s: float = 10.0
    lease_retry_s: float = 5.0
    # Somebody outside has logged in as our bot: who comes back at once only begins a fight.
    kicked_pause_s: float = 300.0


@dataclass
class _Asked:
    """One frame under way, and its acknowledgement."""

    done: threading.Event = field(default_factory=threading.Event)
    answer: Json | None = None


class AibotWebSocket:
    """A connection that is logged in, until it breaks or is broken. Safe to use from many threads.

    `hear` gets every message and event; it is called by the thread that reads, in the order of arrival.
    """

    def __init__(self, url: str, bot_id: str, secret: str, on_frame: FrameHandler, timings: ConnectionTimings) -> None:
        """Connect and log in. Raises Misconfigured when that is refused, Transient when nobody answers."""
        self._hear, self._pace = on_frame, timings
        self._asked: dict[str, _Asked] = {}
        self._lanes = [threading.Lock() for _ in range(_LANES)]
        self._writing = threading.Lock()
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
        """Say something and wait until it is acknowledged; the body of that. Raises ChannelError.

        What answers the same message goes out one by one (7.5).
        """
        req_id = req_id or f"{cmd}_{secrets.token_hex(12)}"
        with self._lanes[hash(req_id) % _LANES]:
            answer = self._exchange(cmd, body, req_id)
        code = answer.get("errcode")
        if not isinstance(code, int) or isinstance(code, bool):
            raise OutcomeUnknown("an acknowledgement without a code")
        if code:
            raise error_from_code(code, str(answer.get("errmsg", "")))
        found = answer.get("body")
        return found if isinstance(found, dict) else {}

    def _exchange(self, cmd: str, body: Json | None, req_id: str) -> Json:
        asked = self._asked[req_id] = _Asked()
        frame: Json = {"cmd": cmd, "headers": {"req_id": req_id}}
        try:
            self._write(frame if body is None else {**frame, "body": body})
            asked.done.wait(self._pace.ack_timeout_s)
        finally:
            self._asked.pop(req_id, None)
        if asked.answer is None:
            raise OutcomeUnknown(f"{cmd} was not acknowledged")
        return asked.answer

    def _write(self, frame: Json) -> None:
        if self.closed.is_set():
            raise Transient("the connection is gone")
        try:
            with self._writing:
                self._socket.send(json.dumps(frame, ensure_ascii=False))
        except (ConnectionClosed, OSError):
            raise OutcomeUnknown("the connection broke") from None

    def ping(self) -> bool:
        """Whether the gateway is still there."""
        try:
            self.call("ping", None)
        except ChannelError as error:
            return error.code is not None
        return True

    def close(self) -> None:
        """Break it off; whoever waits for an acknowledgement waits in vain."""
        self._end()
        self._socket.close()

    def _end(self) -> None:
        self.closed.set()
        for asked in list(self._asked.values()):
            asked.done.set()

    def _read(self) -> None:
        try:
            for text in self._socket:
                self._take(text)
        except (WebSocketException, OSError) as error:
            log.warning("the smart bot's connection broke: %s", type(error).__name__)
        finally:
            self._end()

    def _take(self, text: str | bytes) -> None:
        """What is not understood is logged without its words, and left."""
        try:
            frame = json.loads(text)
        except ValueError:
            frame = None
        if not isinstance(frame, dict):
            log.warning("a frame that is no JSON object")
        elif frame.get("cmd") in ("aibot_msg_callback", "aibot_event_callback"):
            self._heard(frame)
        elif asked := self._asked.get(_req_id(frame)):
            asked.answer = frame
            asked.done.set()
        else:
            log.warning("a frame that answers nothing: %s", str(frame.get("cmd"))[:40])

    def _heard(self, frame: Json) -> None:
        if _event(frame) == "disconnected_event":
            # Somebody else has logged in: to come back would kick him, and he us, for ever.
            self.kicked = True
            self._end()
            return
        self._hear(frame)


def _connect(url: str) -> ClientConnection:
    try:
        return connect(
            url, open_timeout=_CONNECT_S, close_timeout=_CLOSE_S, ping_interval=None, max_size=_LARGEST_FRAME,
            compression=None, legacy=True,  # not for the length of a block: it outlives whoever opened it
        )  # fmt: skip
    except (InvalidHandshake, OSError, TimeoutError, ValueError, WebSocketException) as error:
        raise Transient(type(error).__name__) from None


def _req_id(frame: Json) -> str:
    headers = frame.get("headers")
    found = headers.get("req_id") if isinstance(headers, dict) else None
    return found if isinstance(found, str) else ""


def _event(frame: Json) -> str:
    body = frame.get("body")
    event = body.get("event") if isinstance(body, dict) else None
    return str(event.get("eventtype", "")) if isinstance(event, dict) else ""
