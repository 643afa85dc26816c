"""The smart bot's gateway: JSON frames over a WebSocket, each answered with an acknowledgement."""

import json
import threading
from contextlib import suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from bot.devtools.simulator.api.aibot_commands import COMMANDS
from bot.devtools.simulator.api.fault_injection import FAULT_ERRMSG, MAX_HOLD_SECONDS
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.servers import WebSocketServer

# The platform documents no errcode for a rejected login; the one for a wrong secret is assumed.
LOGIN_REFUSED_ERRCODE, NOT_SUBSCRIBED_ERRCODE = 40001, 846609


def answer_frame(cloud: Cloud, server: WebSocketServer, connection: ServerConnection, text: str | bytes) -> Json | None:
    """The acknowledgement of a frame; None, and a violation, for text that is not a frame."""
    try:
        frame = json.loads(text)
        cmd, req_id = str(frame["cmd"]), str(frame["headers"]["req_id"])
    except (ValueError, KeyError, TypeError):
        cloud.record_violation("aibot", 40058, "a frame that is not {cmd, headers: {req_id}, body}")
        return None
    fault = cloud.faults.take(cmd) if cmd in COMMANDS else None
    if fault is not None:
        if fault.hold is not None:
            fault.hold.wait(MAX_HOLD_SECONDS)
        if fault.drop:
            connection.close_socket()
            return None
        if fault.errcode is not None:
            return _acknowledgement(req_id, fault.errcode, FAULT_ERRMSG)
    response = _execute(cloud, server, connection, cmd, frame.get("body") or {}, req_id)
    return None if fault is not None and fault.lose_response else response


def _execute(
    cloud: Cloud, server: WebSocketServer, connection: ServerConnection, cmd: str, body: Json, req_id: str
) -> Json:
    try:
        with cloud.lock:
            if cmd == "aibot_subscribe":
                _subscribe(cloud, server, connection, body)
                return _acknowledgement(req_id)
            if server.connection is not connection:
                raise ApiError(NOT_SUBSCRIBED_ERRCODE, "not subscribed")
            if cmd not in COMMANDS:
                raise ApiError(40058, f"invalid cmd {cmd}")
            result = COMMANDS[cmd](cloud, body, req_id)
    except ApiError as error:
        if error.is_violation:
            cloud.record_violation(cmd, error.errcode, error.errmsg)
        return _acknowledgement(req_id, error.errcode, error.errmsg)
    return _acknowledgement(req_id) | ({"body": result} if result else {})


def _subscribe(cloud: Cloud, server: WebSocketServer, connection: ServerConnection, body: Json) -> None:
    """Log a connection in; the connection logged in before receives disconnected_event and is closed."""
    aibot = cloud.aibot
    if not aibot.login_limit.allow("", cloud.now()):
        raise ApiError(45009, "subscribe freq out of limit")
    if (body.get("bot_id"), body.get("secret")) != (aibot.identity.bot_id, aibot.identity.secret):
        raise ApiError(LOGIN_REFUSED_ERRCODE, "invalid bot_id or secret")
    previous, server.connection = server.connection, connection
    aibot.login_count += 1
    if previous is not None and previous is not connection:
        aibot.kick_count += 1
        _disconnect(previous, aibot.event_frame("disconnected_event", {}))


def _disconnect(connection: ServerConnection, frame: Json) -> None:
    with suppress(ConnectionClosed):
        connection.send(json.dumps(frame))
    threading.Thread(target=connection.close, daemon=True).start()


def _acknowledgement(req_id: str, errcode: int = 0, errmsg: str = "ok") -> Json:
    return {"headers": {"req_id": req_id}, "errcode": errcode, "errmsg": errmsg}
