"""Customer service over HTTP (protocol sheet, section 9)."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from bot.devtools.simulator.api import kf_messages
from bot.devtools.simulator.api.fault_injection import OK_BODY, install_fault_handlers, json_response
from bot.devtools.simulator.api.platform_api import check_kf_token, read_json_body

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud


def create_kf_api(cloud: "Cloud") -> Blueprint:
    """Everything under /cgi-bin/kf."""
    blueprint = Blueprint("kf", __name__, url_prefix="/cgi-bin/kf")
    install_fault_handlers(blueprint, cloud)

    @blueprint.post("/sync_msg")
    def sync_msg() -> Response:
        check_kf_token(cloud)
        with cloud.lock:
            return json_response(OK_BODY | cloud.kf.sync(read_json_body()))

    @blueprint.post("/send_msg")
    def send_msg() -> Response:
        check_kf_token(cloud)
        with cloud.lock:
            return json_response(OK_BODY | kf_messages.send_kf_message(cloud, read_json_body()))

    @blueprint.post("/send_msg_on_event")
    def send_msg_on_event() -> Response:
        check_kf_token(cloud)
        with cloud.lock:
            return json_response(OK_BODY | kf_messages.send_welcome(cloud, read_json_body()))

    @blueprint.post("/add_contact_way")
    def add_contact_way() -> Response:
        check_kf_token(cloud)
        with cloud.lock:
            return json_response(OK_BODY | kf_messages.add_contact_way(cloud, read_json_body()))

    return blueprint
