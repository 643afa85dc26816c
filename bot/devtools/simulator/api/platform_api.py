"""The platform's HTTP calls, except media: token, messages, robots (protocol sheet, sections 2, 4 and 6)."""

import json
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, request

from bot.devtools.simulator.api import app_messages, card_updates, robot_messages
from bot.devtools.simulator.api.fault_injection import OK, answer, guard
from bot.devtools.simulator.core.errors import Refusal
from bot.devtools.simulator.core.faults import READS, WRITES
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.tokens import check_credentials

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

CALLBACK_IPS = ["127.0.0.1", "101.226.103.*"]


def json_body() -> Json:
    """The JSON object posted, or 40058."""
    try:
        body = json.loads(request.get_data())
    except ValueError as error:
        raise Refusal(40058, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Refusal(40058, "the body is not a JSON object")
    return cast(Json, body)


def check_token(cloud: "Cloud") -> None:
    """Raise unless the call carries the app's living access token (2.1)."""
    token = request.args.get("access_token")
    with cloud.lock:
        if cloud.kf.tokens.knows(token):
            raise Refusal(48002, "customer service's secret does not open this API")
        cloud.tokens.check(token, cloud.now())


def check_kf_token(cloud: "Cloud") -> None:
    """Raise unless the call carries customer service's living access token; each secret has its own APIs (2.1)."""
    token = request.args.get("access_token")
    with cloud.lock:
        if cloud.tokens.knows(token):
            raise Refusal(48002, "the app's secret does not open this API")
        cloud.kf.tokens.check(token, cloud.now())


def check_any_token(cloud: "Cloud") -> None:
    """Media belong to the corp: every secret of it opens them (3.1)."""
    if cloud.kf.tokens.knows(request.args.get("access_token")):
        return check_kf_token(cloud)
    return check_token(cloud)


def create_platform(cloud: "Cloud") -> Blueprint:
    """Everything under /cgi-bin that speaks JSON."""
    blueprint = Blueprint("platform", __name__, url_prefix="/cgi-bin")
    guard(blueprint, cloud)
    _add_reads(blueprint, cloud)
    _add_sends(blueprint, cloud)
    _add_rest(blueprint)
    return blueprint


def _add_reads(blueprint: Blueprint, cloud: "Cloud") -> None:
    @blueprint.get("/gettoken")
    def gettoken() -> Response:
        secret = request.args.get("corpsecret")
        check_credentials(cloud.app, request.args.get("corpid"), secret, {cloud.kf.account.secret})
        with cloud.lock:
            tokens = cloud.kf.tokens if secret == cloud.kf.account.secret else cloud.tokens
            token, seconds = tokens.issue(cloud.now())
        return answer(OK | {"access_token": token, "expires_in": seconds})

    @blueprint.get("/getcallbackip")
    def getcallbackip() -> Response:
        check_token(cloud)
        return answer(OK | {"ip_list": CALLBACK_IPS})


def _add_sends(blueprint: Blueprint, cloud: "Cloud") -> None:
    @blueprint.post("/message/send")
    def message_send() -> Response:
        check_token(cloud)
        with cloud.lock:
            return answer(OK | app_messages.send(cloud, json_body()))

    @blueprint.post("/message/update_template_card")
    def update_template_card() -> Response:
        check_token(cloud)
        with cloud.lock:
            return answer(OK | card_updates.update(cloud, json_body()))

    @blueprint.post("/webhook/send")
    def webhook_send() -> Response:
        with cloud.lock:
            return answer(OK | robot_messages.send(cloud, request.args.get("key"), json_body()))


def _add_rest(blueprint: Blueprint) -> None:
    @blueprint.route("/<path:name>", methods=["GET", "POST", "PUT", "DELETE"])
    def unknown(name: str) -> Response:
        if name in READS:
            raise Refusal(43001, "require GET method")
        if name in WRITES:
            raise Refusal(43002, "require POST method")
        raise Refusal(40066, f"invalid url, no endpoint {name}")
