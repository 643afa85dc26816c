"""How every process speaks over a connection that only one of them holds.

The holder's own calls go out at once. Another process leaves an errand in the database and waits for what comes
of it: nobody took it up in time, then it never left; somebody did and nothing came of it, then nobody can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.channels.errors import ChannelError, OutcomeUnknown, Transient, error_from_code
from bot.channels.wecom_aibot.websocket import AibotWebSocket, Json
from bot.channels.wecom_api.client import StoreFactory
from bot.clock import monotonic, sleep, wall_now

WECOM_AIBOT = "wecom_aibot"
_FORGOTTEN = timedelta(minutes=10)
_UNHEARD, _TRANSIENT = "unheard", "transient"


@dataclass(frozen=True)
class RpcTimeouts:
    """How long an errand may wait to be taken up, and then to be carried out."""

    claim_timeout_s: float = 10.0
    answer_timeout_s: float = 15.0
    poll_interval_s: float = 0.1


class AibotRpc:
    """Says things over the wire, whoever holds it."""

    def __init__(self, transaction: StoreFactory, read: StoreFactory, timeouts: RpcTimeouts | None = None) -> None:
        self._transaction, self._reading, self._patience = transaction, read, timeouts or RpcTimeouts()
        self.websocket: AibotWebSocket | None = None

    def call(self, cmd: str, body: Json, req_id: str | None = None) -> Json:
        """Say something and wait until it is acknowledged; the body of that. Raises ChannelError."""
        wire = self.websocket
        return wire.call(cmd, body, req_id) if wire is not None else self._by_errand(cmd, body, req_id)

    def _by_errand(self, cmd: str, body: Json, req_id: str | None) -> Json:
        with self._transaction() as store:
            held = store.leases.held_until(WECOM_AIBOT)
            if held is None or held <= wall_now():
                raise Transient("nobody holds the smart bot's connection")
            errand = store.leases.add_call(WECOM_AIBOT, {"cmd": cmd, "body": body, "req_id": req_id}, wall_now())
        answer = self._wait(errand, self._patience.claim_timeout_s)
        if answer is None:
            with self._transaction() as store:
                withdrawn = store.leases.cancel_call(errand)
            if withdrawn:
                raise Transient("the holder of the smart bot's connection is busy")
            answer = self._wait(errand, self._patience.answer_timeout_s)
        if answer is None:
            raise OutcomeUnknown("the holder of the smart bot's connection did not say what came of it")
        return _read(answer)

    def _wait(self, errand: int, patience_s: float) -> dict[str, Any] | None:
        until = monotonic() + patience_s
        while True:
            with self._reading() as store:
                answer = store.leases.get_response(errand)
            if answer is not None or monotonic() > until:
                return answer
            sleep(self._patience.poll_interval_s)

    def serve_calls(self, websocket: AibotWebSocket) -> int:
        """Carry out what others ask of this process, which holds the wire; how many."""
        with self._reading() as store:
            if not store.leases.has_pending_calls(WECOM_AIBOT):
                return 0
        with self._transaction() as store:
            store.leases.delete_calls(wall_now() - _FORGOTTEN)
            errands = store.leases.claim_calls(WECOM_AIBOT, 4)
        for errand_id, asked in errands:
            answer = _carried_out(websocket, asked)
            with self._transaction() as store:
                store.leases.save_response(errand_id, answer)
        return len(errands)


def _carried_out(wire: AibotWebSocket, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"body": wire.call(asked["cmd"], asked["body"], asked["req_id"])}
    except ChannelError as error:
        kind = _UNHEARD if isinstance(error, OutcomeUnknown) else _TRANSIENT
        return {"detail": error.detail, "code": error.code, "kind": kind}


def _read(answer: dict[str, Any]) -> Json:
    if "body" in answer:
        return dict(answer["body"])
    if answer["code"] is not None:
        raise error_from_code(answer["code"], str(answer["detail"]).partition(": ")[2])
    raise (OutcomeUnknown if answer["kind"] == _UNHEARD else Transient)(answer["detail"])
