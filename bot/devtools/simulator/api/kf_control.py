"""The control API for customer service, under /sim/kf."""

from flask import Blueprint, Response, jsonify

from bot.devtools.simulator.api.control_request import (
    BadRequest,
    bool_field,
    read_fields,
    read_rows,
    read_text_fields,
    text_field,
    time_field,
)
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.kf_phone import KfPhone
from bot.devtools.simulator.core.records import Json

ACCOUNT_FIELDS = ("open_kfid", "secret", "token", "encoding_aes_key", "callback_url")
SESSION_STATES = ("new", "waiting", "assistant", "servicer", "ended")


def create_kf_control_api(cloud: Cloud) -> Blueprint:
    """Set-up, actions of customers, and faults."""
    blueprint = Blueprint("kf_control", __name__, url_prefix="/kf")
    _add_setup(blueprint, cloud)
    _add_actions(blueprint, cloud)
    _add_faults(blueprint, cloud)
    return blueprint


def _add_setup(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/account")
    def account() -> Response:
        cloud.kf.configure(**read_text_fields(ACCOUNT_FIELDS))
        return jsonify(cloud.kf.settings())

    @blueprint.post("/customers")
    def customers() -> Response:
        for row in read_rows("customers"):
            customer = cloud.add_customer(text_field(row, "external_userid"), text_field(row, "name", "")).customer
            customer.blocks_messages = bool_field(row, "refuses", False)
            customer.session_state = _session_state(row)
        return jsonify(customers=list(cloud.kf.customers))


def _add_actions(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/enter")
    def enter() -> Response:
        fields = read_fields()
        scene, param = text_field(fields, "scene", ""), text_field(fields, "scene_param", "")
        return jsonify(statuses=_find_customer_phone(cloud, fields).enters(scene, param, time_field(fields)).statuses)

    @blueprint.post("/tap")
    def tap() -> Response:
        fields = read_fields()
        try:
            sent = _find_customer_phone(cloud, fields).taps(text_field(fields, "text"), time_field(fields))
        except StopIteration as error:
            raise BadRequest("text: no menu shows this text") from error
        return jsonify(statuses=sent.statuses, msg_id=sent.msg_id)


def _add_faults(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/trouble")
    def trouble() -> Response:
        fields = read_fields()
        cloud.kf.notifies = bool_field(fields, "rings", cloud.kf.notifies)
        empty = fields.get("empty_pages", cloud.kf.empty_pages)
        if not isinstance(empty, int) or isinstance(empty, bool):
            raise BadRequest("empty_pages: a number is expected")
        cloud.kf.empty_pages = empty
        return jsonify(rings=cloud.kf.notifies, empty_pages=cloud.kf.empty_pages)

    @blueprint.post("/verify")
    def verify() -> Response:
        return jsonify(verified=cloud.kf.callback_sender.verify_url())


def _find_customer_phone(cloud: Cloud, fields: Json) -> KfPhone:
    name = text_field(fields, "from")
    if name not in cloud.kf.customers:
        raise BadRequest(f"from: no customer {name!r}")
    return cloud.customer_phone(name)


def _session_state(row: Json) -> str:
    state = text_field(row, "state", SESSION_STATES[0])
    if state not in SESSION_STATES:
        raise BadRequest(f"state: one of {', '.join(SESSION_STATES)} is expected")
    return state
