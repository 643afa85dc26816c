"""Calls over the smart bot's connection from any process, although only one process holds it.

The holder calls at once. Another process leaves the call in the database and polls for its response. A call that was
not claimed in time was never sent; one that was claimed and got no response has an unknown outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.channels.errors import ChannelError, OutcomeUnknown, Transient, error_from_code
from bot.channels.wecom_aibot.frames import WECOM_AIBOT
from bot.channels.wecom_aibot.websocket import AibotWebSocket, Json
from bot.channels.wecom_api.client import StoreFactory
from bot.clock import monotonic, sleep, wall_now

_CALL_RETENTION, _BATCH_SIZE = timedelta(minutes=10), 4
_UNKNOWN, _TRANSIENT = "outcome_unknown", "transient"


@dataclass(frozen=True)
class RpcTimeouts:
    """How long a call waits to be claimed by the holder, and then for its response."""

    claim_timeout_s: float = 10.0
    answer_timeout_s: float = 15.0
    poll_interval_s: float = 0.1


class AibotRpc:
    """Calls the platform, whichever process holds the connection; `websocket` is set in the one that does."""

    def __init__(self, transaction: StoreFactory, read: StoreFactory, timeouts: RpcTimeouts | None = None) -> None:
        self._transaction, self._read, self._timeouts = transaction, read, timeouts or RpcTimeouts()
        self.websocket: AibotWebSocket | None = None

    def call(self, cmd: str, body: Json, req_id: str | None = None) -> Json:
        """Send a command and wait for its acknowledgement; the body of that. Raises ChannelError."""
        websocket = self.websocket
        if websocket is not None:
            return websocket.call(cmd, body, req_id)
        return self._call_through_database({"cmd": cmd, "body": body, "req_id": req_id})

    def _call_through_database(self, call: Json) -> Json:
        with self._transaction() as store:
            held_until = store.leases.held_until(WECOM_AIBOT)
            if held_until is None or held_until <= wall_now():
                raise Transient("no process holds the smart bot's connection")
            call_id = store.leases.add_call(WECOM_AIBOT, call, wall_now())
        response = self._wait_for_response(call_id, self._timeouts.claim_timeout_s)
        if response is None:
            with self._transaction() as store:
                was_cancelled = store.leases.cancel_call(call_id)
            if was_cancelled:
                raise Transient("the holder of the smart bot's connection is busy")
            response = self._wait_for_response(call_id, self._timeouts.answer_timeout_s)
        if response is None:
            raise OutcomeUnknown("the holder of the smart bot's connection did not respond")
        return _read_response(response)

    def _wait_for_response(self, call_id: int, timeout_s: float) -> Json | None:
        deadline = monotonic() + timeout_s
        while True:
            with self._read() as store:
                response = store.leases.get_response(call_id)
            if response is not None or monotonic() > deadline:
                return response
            sleep(self._timeouts.poll_interval_s)

    def serve_calls(self, websocket: AibotWebSocket) -> int:
        """Make the calls that other processes left for the holder, which is this one; how many."""
        with self._read() as store:
            if not store.leases.has_pending_calls(WECOM_AIBOT):
                return 0
        with self._transaction() as store:
            store.leases.delete_calls(wall_now() - _CALL_RETENTION)
            calls = store.leases.claim_calls(WECOM_AIBOT, _BATCH_SIZE)
        for call_id, call in calls:
            response = _respond(websocket, call)
            with self._transaction() as store:
                store.leases.save_response(call_id, response)
        return len(calls)


def _respond(websocket: AibotWebSocket, call: Json) -> Json:
    """The response as it is stored: the body, or the error."""
    try:
        return {"body": websocket.call(call["cmd"], call["body"], call["req_id"])}
    except ChannelError as error:
        kind = _UNKNOWN if isinstance(error, OutcomeUnknown) else _TRANSIENT
        return {"detail": error.detail, "code": error.code, "kind": kind}


def _read_response(response: Json) -> Json:
    """The body of a stored response. Raises the ChannelError that it holds."""
    if "body" in response:
        return dict(response["body"])
    if response["code"] is not None:
        raise error_from_code(response["code"], str(response["detail"]).partition(": ")[2])
    raise (OutcomeUnknown if response["kind"] == _UNKNOWN else Transient)(response["detail"])
