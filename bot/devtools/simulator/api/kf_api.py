"""Customer service over HTTP (protocol sheet, section 9)."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from bot.devtools.simulator.api import kf_messages
from bot.devtools.simulator.api.fault_injection import OK, answer, guard
from bot.devtools.simulator.api.platform_api import check_kf_token, json_body

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud


def create_kf_api(cloud: "Cloud") -> Blueprint:
    """Everything under /cgi-bin/kf."""
    blueprint = Blueprint("kf", __name__, url_prefix="/cgi-bin/kf")
    guard(blueprint, cloud)

    @blueprint.post("/sync_msg")
    def sync_msg() -> Response:
        check_kf_token(cloud)
        with cloud.lock:
            return answer(OK | cloud.kf.sync(json_body()))

    @blueprint.post("/send_msg")
    def send_msg() -> Response:
        check_kf_token(cloud)
        with cloud.lock:
            return answer(OK | kf_messages.send(cloud, json_body()))

    @blueprint.post("/send_msg_on_event")
    def send_msg_on_event() -> Response:
        check_kf_token(cloud)
        with cloud.lock:
            return answer(OK | kf_messages.send_on_event(cloud, json_body()))

    @blueprint.post("/add_contact_way")
    def add_contact_way() -> Response:
        check_kf_token(cloud)
        with cloud.lock:
            return answer(OK | kf_messages.add_contact_way(cloud, json_body()))

    return blueprint
