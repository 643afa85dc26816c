"""The smart bot's gateway: one WebSocket per bot, JSON frames, an acknowledgement for each (protocol sheet, 7.5)."""

import json
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from bot.devtools.simulator.api.aibot_commands import COMMANDS
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

MAX_FRAME_BYTES = 2 * 1024 * 1024
# The sheet names no number for a refused log-in: that of a wrong secret elsewhere is the safest reading.
LOGIN_REFUSED_ERRCODE, NOT_SUBSCRIBED_ERRCODE = 40001, 846609
MAX_HOLD_SECONDS = 30.0

logging.getLogger("websockets.server").setLevel(logging.CRITICAL)


class WebSocketServer:
    """A WebSocket server on the loopback address, in a thread of its own."""

    def __init__(self, cloud: "Cloud", port: int = 0) -> None:
        self._cloud = cloud
        self._logins = RateLimit(20, 60)
        self.connection: ServerConnection | None = None
        self._server = serve(
            self._converse, "127.0.0.1", port, max_size=MAX_FRAME_BYTES, ping_interval=None, close_timeout=1,
            compression=None,
        )  # fmt: skip
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="gateway", daemon=True)
        self._thread.start()

    def push(self, frame: Json) -> bool:
        """Say something to the bot; False when nobody is connected, and then it is lost."""
        return self.push_text(json.dumps(frame, ensure_ascii=False))

    def push_text(self, text: str) -> bool:
        """The same for any text, frame or not."""
        connection = self.connection
        if connection is None:
            return False
        try:
            connection.send(text)
        except ConnectionClosed:
            return False
        return True

    def drop_connection(self) -> None:
        """Break the connection off without a word, as a bad net does."""
        connection = self.connection
        if connection is not None:
            connection.close_socket()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self.drop_connection()
        self._thread.join(timeout=5)

    def _converse(self, connection: ServerConnection) -> None:
        try:
            for text in connection:
                answer = self._answer(connection, text)
                if answer is not None:
                    connection.send(json.dumps(answer, ensure_ascii=False))
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self._cloud.lock:
                if self.connection is connection:
                    self.connection = None

    def _answer(self, connection: ServerConnection, text: str | bytes) -> Json | None:
        """The acknowledgement of a frame; what is no frame is complained about and gets none."""
        try:
            frame = json.loads(text)
            cmd, req_id = str(frame["cmd"]), str(frame["headers"]["req_id"])
        except (ValueError, KeyError, TypeError):
            self._cloud.record_violation("aibot", 40058, "a frame that is not {cmd, headers: {req_id}, body}")
            return None
        fault = self._cloud.faults.take(cmd) if cmd in COMMANDS else None
        if fault is not None:
            if fault.hold is not None:
                fault.hold.wait(MAX_HOLD_SECONDS)
            if fault.drop:
                connection.close_socket()
                return None
            if fault.errcode is not None:
                return _ack(req_id, fault.errcode, "a fault of the simulator, on request")
        told = self._carry_out(connection, cmd, frame, req_id)
        return None if fault is not None and fault.lose_response else told

    def _carry_out(self, connection: ServerConnection, cmd: str, frame: Json, req_id: str) -> Json:
        body = frame.get("body") or {}
        try:
            with self._cloud.lock:
                if cmd == "aibot_subscribe":
                    return self._subscribe(connection, body, req_id)
                if self.connection is not connection:
                    raise ApiError(NOT_SUBSCRIBED_ERRCODE, "not subscribed")
                if cmd not in COMMANDS:
                    raise ApiError(40058, f"invalid cmd {cmd}")
                found = COMMANDS[cmd](self._cloud, cast(Json, body), req_id)
        except ApiError as refusal:
            if refusal.is_violation:
                self._cloud.record_violation(cmd, refusal.errcode, refusal.errmsg)
            return _ack(req_id, refusal.errcode, refusal.errmsg)
        return {**_ack(req_id), **({"body": found} if found else {})}

    def _subscribe(self, connection: ServerConnection, body: Json, req_id: str) -> Json:
        """The newest log-in gets the bot; whoever had it before is told so and shut out."""
        if not self._logins.allow("", self._cloud.now()):
            raise ApiError(45009, "subscribe freq out of limit")
        bot = self._cloud.aibot.identity
        if (body.get("bot_id"), body.get("secret")) != (bot.bot_id, bot.secret):
            raise ApiError(LOGIN_REFUSED_ERRCODE, "invalid bot_id or secret")
        before, self.connection = self.connection, connection
        self._cloud.aibot.login_count += 1
        if before is not None and before is not connection:
            self._cloud.aibot.kick_count += 1
            _shut_out(before, self._cloud.aibot.event_frame("disconnected_event", {}))
        return _ack(req_id)


def _shut_out(connection: ServerConnection, frame: Json) -> None:
    with suppress(ConnectionClosed):
        connection.send(json.dumps(frame))
    threading.Thread(target=connection.close, daemon=True).start()


def _ack(req_id: str, errcode: int = 0, errmsg: str = "ok") -> dict[str, Any]:
    return {"headers": {"req_id": req_id}, "errcode": errcode, "errmsg": errmsg}
