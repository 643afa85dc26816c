"""Around every platform call: faults on request, and refusals answered as the platform does (sections 2.2 and 15)."""

import itertools
import threading
from collections.abc import Iterator
from typing import Protocol

from flask import Blueprint, Response, g, jsonify, request

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.faults import Fault, Faults
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.servers import HttpServer

OK_BODY: Json = {"errcode": 0, "errmsg": "ok"}
MAX_HOLD_SECONDS = 30.0
# What is wrong with wrong bytes: something else every time.
_WRONG = itertools.cycle(range(1, 256))


def json_response(body: Json) -> Response:
    """JSON with HTTP 200, for successes and errors alike (2.2)."""
    return jsonify(body)


def endpoint_name() -> str:
    """Name of the call under way, as faults and complaints use it."""
    return request.path.removeprefix("/cgi-bin/")


class ApiHost(Protocol):
    """A host of the platform: what can go wrong there, who hears of refusals, and what serves it."""

    faults: Faults
    server: HttpServer | None

    def record_violation(self, endpoint: str, errcode: int, description: str) -> None:
        """Remember something the bot did that the platform refuses."""


def install_fault_handlers(blueprint: Blueprint, host: ApiHost) -> None:
    """Let the blueprint's calls fail as asked, and answer refusals."""

    @blueprint.before_request
    def before() -> Response | None:
        g.fault = fault = host.faults.take(endpoint_name())
        return _instead(host, fault) if fault else None

    @blueprint.after_request
    def after(response: Response) -> Response:
        if host.faults.plain_text_errors and response.is_json and endpoint_name() == "media/get":
            response.content_type = "text/plain; charset=utf-8"
        fault: Fault | None = g.get("fault")
        return _spoil(host, response, fault) if fault else response

    @blueprint.errorhandler(ApiError)
    def refuse(refusal: ApiError) -> Response:
        if refusal.is_violation:
            host.record_violation(endpoint_name(), refusal.errcode, refusal.errmsg)
        return json_response({"errcode": refusal.errcode, "errmsg": refusal.errmsg})


def _instead(cloud: ApiHost, fault: Fault) -> Response | None:
    """The answer that a fault gives without doing what was asked."""
    _wait(fault)
    if fault.drop:
        _cut(cloud)
        return Response("")
    if fault.http_status is not None:
        return Response("<html>bad gateway</html>", fault.http_status, content_type="text/html")
    if fault.errcode is not None:
        return json_response({"errcode": fault.errcode, "errmsg": "a fault of the simulator, on request"})
    return None


def _wait(fault: Fault) -> None:
    if fault.delay:
        threading.Event().wait(fault.delay)
    if fault.hold is not None:
        fault.hold.wait(MAX_HOLD_SECONDS)


def _spoil(cloud: ApiHost, response: Response, fault: Fault) -> Response:
    if fault.lose_response:
        _cut(cloud)
        response.close()
        return Response("")
    # The length must be fixed before the body is replaced: the client is to see that bytes are missing.
    if fault.truncate_after is not None or fault.corrupt_bytes:
        response.content_length = response.content_length or response.calculate_content_length() or 0
    if fault.truncate_after is not None:
        response.response = _first(response.iter_encoded(), fault.truncate_after)
    if fault.corrupt_bytes:
        wrong = next(_WRONG)
        response.response = (bytes(byte ^ wrong for byte in piece) for piece in response.iter_encoded())
    return response


def _first(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    for piece in pieces:
        if limit <= 0:
            return
        yield piece[:limit]
        limit -= len(piece)


def _cut(cloud: ApiHost) -> None:
    if cloud.server is not None:
        cloud.server.cut_connection(str(request.environ.get("REMOTE_PORT")))
