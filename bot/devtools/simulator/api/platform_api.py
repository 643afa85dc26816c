"""The platform's HTTP calls for tokens, app messages and group robots."""

import json
from typing import cast

from flask import Blueprint, Response, request

from bot.devtools.simulator.api import app_messages, card_updates, robot_messages
from bot.devtools.simulator.api.fault_injection import OK_BODY, install_fault_handlers, json_response
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.faults import GET_ENDPOINTS, POST_ENDPOINTS
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.tokens import check_credentials

CALLBACK_IPS = ["127.0.0.1", "101.226.103.*"]


def read_json_body() -> Json:
    """The JSON object of the request; raises 40058 for anything else."""
    try:
        body = json.loads(request.get_data())
    except ValueError as error:
        raise ApiError(40058, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise ApiError(40058, "the body is not a JSON object")
    return cast(Json, body)


def check_token(cloud: Cloud) -> None:
    """Raise unless the call carries the app's valid access token."""
    token = request.args.get("access_token")
    with cloud.lock:
        if cloud.kf.tokens.is_current(token):
            raise ApiError(48002, "customer service's secret does not open this API")
        cloud.tokens.check(token, cloud.now())


def check_kf_token(cloud: Cloud) -> None:
    """Raise unless the call carries customer service's valid access token; each secret opens its own APIs."""
    token = request.args.get("access_token")
    with cloud.lock:
        if cloud.tokens.is_current(token):
            raise ApiError(48002, "the app's secret does not open this API")
        cloud.kf.tokens.check(token, cloud.now())


def check_any_token(cloud: Cloud) -> None:
    """Raise unless the call carries either token: media belong to the corp, and all its secrets open them."""
    if cloud.kf.tokens.is_current(request.args.get("access_token")):
        return check_kf_token(cloud)
    return check_token(cloud)


def create_platform_api(cloud: Cloud) -> Blueprint:
    """The calls under /cgi-bin; unknown ones are answered with 40066."""
    blueprint = Blueprint("platform", __name__, url_prefix="/cgi-bin")
    install_fault_handlers(blueprint, cloud)
    _add_token_calls(blueprint, cloud)
    _add_message_calls(blueprint, cloud)
    _add_unknown_calls(blueprint)
    return blueprint


def _add_token_calls(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.get("/gettoken")
    def gettoken() -> Response:
        secret = request.args.get("corpsecret")
        check_credentials(cloud.app, request.args.get("corpid"), secret, {cloud.kf.account.secret})
        with cloud.lock:
            tokens = cloud.kf.tokens if secret == cloud.kf.account.secret else cloud.tokens
            token, seconds = tokens.issue(cloud.now())
        return json_response(OK_BODY | {"access_token": token, "expires_in": seconds})

    @blueprint.get("/getcallbackip")
    def getcallbackip() -> Response:
        check_token(cloud)
        return json_response(OK_BODY | {"ip_list": CALLBACK_IPS})


def _add_message_calls(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/message/send")
    def message_send() -> Response:
        check_token(cloud)
        with cloud.lock:
            return json_response(OK_BODY | app_messages.send_app_message(cloud, read_json_body()))

    @blueprint.post("/message/update_template_card")
    def update_template_card() -> Response:
        check_token(cloud)
        with cloud.lock:
            return json_response(OK_BODY | card_updates.update_card(cloud, read_json_body()))

    @blueprint.post("/webhook/send")
    def webhook_send() -> Response:
        with cloud.lock:
            result = robot_messages.send_robot_message(cloud, request.args.get("key"), read_json_body())
            return json_response(OK_BODY | result)


def _add_unknown_calls(blueprint: Blueprint) -> None:
    @blueprint.route("/<path:name>", methods=["GET", "POST", "PUT", "DELETE"])
    def unknown(name: str) -> Response:
        if name in GET_ENDPOINTS:
            raise ApiError(43001, "require GET method")
        if name in POST_ENDPOINTS:
            raise ApiError(43002, "require POST method")
        raise ApiError(40066, f"invalid url, no endpoint {name}")
