"""Wraps every HTTP call of the platform: injects faults and turns each ApiError into the platform's answer."""

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
FAULT_ERRMSG = "injected by the simulator"
MAX_HOLD_SECONDS = 30.0
# Each corrupted body is corrupted in another way, so that two downloads never agree.
_XOR_MASKS = itertools.cycle(range(1, 256))


def json_response(body: Json) -> Response:
    """JSON with HTTP 200, for success and errors alike."""
    return jsonify(body)


def endpoint_name() -> str:
    """The name of the current call in faults and violations."""
    return request.path.removeprefix("/cgi-bin/")


class ApiHost(Protocol):
    """A host of the platform: Cloud or OfficialAccount."""

    faults: Faults
    server: HttpServer | None

    def record_violation(self, endpoint: str, errcode: int, description: str) -> None: ...


def install_fault_handlers(blueprint: Blueprint, host: ApiHost) -> None:
    """Inject the host's faults into the calls of the blueprint, and answer its errors."""

    @blueprint.before_request
    def before() -> Response | None:
        g.fault = fault = host.faults.take(endpoint_name())
        return _respond_instead(host, fault) if fault else None

    @blueprint.after_request
    def after(response: Response) -> Response:
        if host.faults.plain_text_errors and response.is_json and endpoint_name() == "media/get":
            response.content_type = "text/plain; charset=utf-8"
        fault: Fault | None = g.get("fault")
        return _corrupt(host, response, fault) if fault else response

    @blueprint.errorhandler(ApiError)
    def answer_error(error: ApiError) -> Response:
        if error.is_violation:
            host.record_violation(endpoint_name(), error.errcode, error.errmsg)
        return json_response({"errcode": error.errcode, "errmsg": error.errmsg})


def _respond_instead(host: ApiHost, fault: Fault) -> Response | None:
    """The response of a fault that prevents the call; None if the call is to be executed."""
    if fault.delay:
        threading.Event().wait(fault.delay)
    if fault.hold is not None:
        fault.hold.wait(MAX_HOLD_SECONDS)
    if fault.drop:
        _cut_connection(host)
        return Response("")
    if fault.http_status is not None:
        return Response("<html>bad gateway</html>", fault.http_status, content_type="text/html")
    if fault.errcode is not None:
        return json_response({"errcode": fault.errcode, "errmsg": FAULT_ERRMSG})
    return None


def _corrupt(host: ApiHost, response: Response, fault: Fault) -> Response:
    if fault.lose_response:
        _cut_connection(host)
        response.close()
        return Response("")
    # The length is fixed before the body is replaced, so that the client can see that bytes are missing.
    if fault.truncate_after is not None or fault.corrupt_bytes:
        response.content_length = response.content_length or response.calculate_content_length() or 0
    if fault.truncate_after is not None:
        response.response = _truncated(response.iter_encoded(), fault.truncate_after)
    if fault.corrupt_bytes:
        mask = next(_XOR_MASKS)
        response.response = (bytes(byte ^ mask for byte in chunk) for chunk in response.iter_encoded())
    return response


def _truncated(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    for chunk in chunks:
        if limit <= 0:
            return
        yield chunk[:limit]
        limit -= len(chunk)


def _cut_connection(host: ApiHost) -> None:
    if host.server is not None:
        host.server.cut_connection(str(request.environ.get("REMOTE_PORT")))
