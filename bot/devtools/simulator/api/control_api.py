"""The control API under /sim: other processes set up the cloud, act for its people and read what they received."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from bot.devtools.simulator.api.control_request import BadRequest, bool_field, read_fields, read_rows, text_field
from bot.devtools.simulator.api.kf_control import create_kf_control_api
from bot.devtools.simulator.api.message_control import add_message_calls
from bot.devtools.simulator.api.official_account_control import create_account_control_api
from bot.devtools.simulator.api.views import customer_view, follower_view, group_view, phone_view, state_view
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.crypto import aes_key
from bot.devtools.simulator.core.records import Json

APP_FIELDS: dict[str, type] = {
    "corp_id": str,
    "agent_id": int,
    "secret": str,
    "token": str,
    "encoding_aes_key": str,
    "callback_url": str,
    "trusted_domain": str,
}

# JSON key: the parameter of Faults.inject and the types of its value.
FAULT_FIELDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "errcode": ("errcode", (int,)),
    "http_status": ("http_status", (int,)),
    "drop": ("drop", (bool,)),
    "lose_answer": ("lose_response", (bool,)),
    "cut_after": ("truncate_after", (int,)),
    "wrong_bytes": ("corrupt_bytes", (bool,)),
    "delay": ("delay", (int, float)),
    "times": ("times", (int,)),
}


def create_control_api(cloud: Cloud) -> Blueprint:
    """All calls under /sim; bad requests are answered with HTTP 400 and {"error": ...}."""
    blueprint = Blueprint("control", __name__, url_prefix="/sim")

    @blueprint.errorhandler(BadRequest)
    def answer_error(error: BadRequest) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    blueprint.register_blueprint(create_kf_control_api(cloud))
    blueprint.register_blueprint(create_account_control_api(cloud))
    _add_setup(blueprint, cloud)
    add_message_calls(blueprint, cloud)
    _add_views(blueprint, cloud)
    _add_faults(blueprint, cloud)
    return blueprint


def _add_setup(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/app")
    def app() -> Response:
        cloud.configure(**_app_changes(read_fields()))
        return jsonify(cloud.settings)

    @blueprint.post("/members")
    def members() -> Response:
        for row in read_rows("members"):
            shows_cards = bool_field(row, "shows_cards", True)
            cloud.add_member(
                text_field(row, "userid"), text_field(row, "name", ""), text_field(row, "mobile", ""), shows_cards
            )
        return jsonify(members=list(cloud.members))

    @blueprint.post("/robots")
    def robots() -> Response:
        for row in read_rows("robots"):
            cloud.add_robot(text_field(row, "key"), text_field(row, "group_name", ""), _userids(row))
        return jsonify(robots=list(cloud.robots))


def _app_changes(fields: Json) -> dict[str, Any]:
    for name, value in fields.items():
        kind = APP_FIELDS.get(name)
        if kind is None:
            raise BadRequest(f"{name}: unknown; there are {', '.join(APP_FIELDS)}")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BadRequest(f"{name}: {kind.__name__} is expected")
    try:
        aes_key(fields.get("encoding_aes_key", "0" * 43))
    except ValueError as error:
        raise BadRequest(f"encoding_aes_key: {error}") from error
    return fields


def _userids(row: Json) -> tuple[str, ...]:
    members = row.get("members", [])
    if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
        raise BadRequest("members: a list of userids is expected")
    return tuple(members)


def _add_views(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.get("/phones/<userid>")
    def phones(userid: str) -> tuple[Response, int]:
        if userid in cloud.kf.customers:
            return jsonify(customer_view(cloud, userid)), 200
        if userid in cloud.official_account.followers:
            return jsonify(follower_view(cloud, userid)), 200
        if userid not in cloud.members:
            return jsonify(error=f"no member {userid!r}"), 404
        return jsonify(phone_view(cloud, userid)), 200

    @blueprint.get("/groups/<key>")
    def groups(key: str) -> tuple[Response, int]:
        if key not in cloud.robots:
            return jsonify(error=f"no robot {key!r}"), 404
        return jsonify(group_view(cloud, key)), 200

    @blueprint.get("/state")
    def state() -> Response:
        return jsonify(state_view(cloud))


def _add_faults(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/faults")
    def faults() -> Response:
        fields = read_fields()
        cloud.faults.refuse_parallel_fetch = bool_field(fields, "parallel_fetch", cloud.faults.refuse_parallel_fetch)
        cloud.faults.plain_text_errors = bool_field(fields, "plain_text_errors", cloud.faults.plain_text_errors)
        if bool_field(fields, "kill_token", False):
            cloud.revoke_token()
        if "endpoint" in fields:
            _inject_fault(cloud, fields)
        return jsonify(state_view(cloud))

    @blueprint.post("/verify")
    def verify() -> Response:
        return jsonify(verified=cloud.verify_url())

    @blueprint.post("/reset")
    def reset() -> Response:
        cloud.reset()
        return jsonify(state_view(cloud))

    @blueprint.route("/<path:name>", methods=["GET", "POST"])
    def unknown(name: str) -> Response:
        raise BadRequest(f"no {request.method} /sim/{name}")


def _inject_fault(cloud: Cloud, fields: Json) -> None:
    options: dict[str, Any] = {}
    for name in FAULT_FIELDS.keys() & fields.keys():
        (parameter, kinds), value = FAULT_FIELDS[name], fields[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise BadRequest(f"{name}: {kinds[-1].__name__} is expected")
        options[parameter] = value
    try:
        cloud.faults.inject(text_field(fields, "endpoint"), **options)
    except ValueError as error:
        raise BadRequest(str(error)) from error
