"""Customer service over HTTP."""

from collections.abc import Callable

from flask import Blueprint, Response

from bot.devtools.simulator.api import kf_messages
from bot.devtools.simulator.api.fault_injection import OK_BODY, install_fault_handlers, json_response
from bot.devtools.simulator.api.platform_api import check_kf_token, read_json_body
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.records import Json


def create_kf_api(cloud: Cloud) -> Blueprint:
    """The calls under /cgi-bin/kf."""
    blueprint = Blueprint("kf", __name__, url_prefix="/cgi-bin/kf")
    install_fault_handlers(blueprint, cloud)

    def answer(call: Callable[[Cloud, Json], Json]) -> Response:
        check_kf_token(cloud)
        with cloud.lock:
            return json_response(OK_BODY | call(cloud, read_json_body()))

    @blueprint.post("/sync_msg")
    def sync_msg() -> Response:
        return answer(lambda cloud, body: cloud.kf.sync(body))

    @blueprint.post("/send_msg")
    def send_msg() -> Response:
        return answer(kf_messages.send_kf_message)

    @blueprint.post("/send_msg_on_event")
    def send_msg_on_event() -> Response:
        return answer(kf_messages.send_welcome)

    @blueprint.post("/add_contact_way")
    def add_contact_way() -> Response:
        return answer(kf_messages.add_contact_way)

    return blueprint
