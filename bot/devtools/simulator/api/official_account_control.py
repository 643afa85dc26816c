"""The control API's part for the Official Account: set it up, follow, scan, unfollow, change the mode."""

from typing import TYPE_CHECKING

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
from bot.devtools.simulator.core.official_account_phone import AccountSentMessage, FollowerPhone
from bot.devtools.simulator.core.official_account_records import MODES
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

ACCOUNT_FIELDS = ("app_id", "original_id", "secret", "token", "encoding_aes_key", "callback_url", "mode")
# As they are called outside, and here.
SWITCHES = {
    "allowed_ip": "ip_allowed",
    "raw_films": "films_as_bytes",
    "plain_text_json": "plain_text_json",
    "redirects": "redirects_films",
}


def create_account_control_api(cloud: "Cloud") -> Blueprint:
    """Everything under /sim/official_account."""
    blueprint = Blueprint("account_control", __name__, url_prefix="/official_account")
    _add_setup(blueprint, cloud)
    _add_people(blueprint, cloud)
    return blueprint


def _add_setup(blueprint: Blueprint, cloud: "Cloud") -> None:
    @blueprint.post("/account")
    def account() -> Response:
        fields = read_text_fields(ACCOUNT_FIELDS)
        if fields.get("mode", MODES[0]) not in MODES:
            raise BadRequest(f"mode: one of {', '.join(MODES)} is expected")
        cloud.official_account.configure(**fields)
        return jsonify(cloud.official_account.settings())

    @blueprint.post("/followers")
    def followers() -> Response:
        for row in read_rows("followers"):
            phone = cloud.add_follower(text_field(row, "openid"), text_field(row, "name", ""))
            phone.follower.blocks_templates = bool_field(row, "refuses", False)
        return jsonify(followers=list(cloud.official_account.followers))

    @blueprint.post("/trouble")
    def trouble() -> Response:
        fields = read_fields()
        for name, field in SWITCHES.items():
            setattr(cloud.official_account, field, bool_field(fields, name, getattr(cloud.official_account, field)))
        return jsonify({name: getattr(cloud.official_account, field) for name, field in SWITCHES.items()})

    @blueprint.post("/verify")
    def verify() -> Response:
        return jsonify(verified=cloud.official_account.callback_sender.verify_url())


def _add_people(blueprint: Blueprint, cloud: "Cloud") -> None:
    @blueprint.post("/follow")
    def follow() -> Response:
        fields = read_fields()
        return _sent(_phone(cloud, fields).follows(text_field(fields, "scene", ""), time_field(fields)))

    @blueprint.post("/scan")
    def scan() -> Response:
        fields = read_fields()
        return _sent(_phone(cloud, fields).scans(text_field(fields, "scene"), time_field(fields)))

    @blueprint.post("/unfollow")
    def unfollow() -> Response:
        fields = read_fields()
        return _sent(_phone(cloud, fields).unfollows(time_field(fields)))

    @blueprint.post("/templates_done")
    def templates_done() -> Response:
        fields = read_fields()
        return jsonify(statuses=cloud.official_account.send_template_results(text_field(fields, "status", "success")))


def _phone(cloud: "Cloud", fields: Json) -> FollowerPhone:
    name = text_field(fields, "from")
    if name not in cloud.official_account.followers:
        raise BadRequest(f"from: no follower {name!r}")
    return cloud.official_account.follower_phone(name)


def _sent(sent: AccountSentMessage) -> Response:
    return jsonify(status=sent.status, statuses=sent.statuses, msg_id=sent.msg_id, media_id=sent.media_id)
