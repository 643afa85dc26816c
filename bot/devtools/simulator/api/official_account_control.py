"""The control API for the Official Account, under /sim/official_account."""

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
from bot.devtools.simulator.core.official_account_phone import AccountSentMessage, FollowerPhone
from bot.devtools.simulator.core.official_account_records import MODES
from bot.devtools.simulator.core.records import Json

ACCOUNT_FIELDS = ("app_id", "original_id", "secret", "token", "encoding_aes_key", "callback_url", "mode")
# JSON key: attribute of OfficialAccount.
SWITCHES = {
    "allowed_ip": "ip_allowed",
    "raw_films": "films_as_bytes",
    "plain_text_json": "plain_text_json",
    "redirects": "redirects_films",
}


def create_account_control_api(cloud: Cloud) -> Blueprint:
    """Set-up, actions of followers, and faults."""
    blueprint = Blueprint("account_control", __name__, url_prefix="/official_account")
    _add_setup(blueprint, cloud)
    _add_actions(blueprint, cloud)
    return blueprint


def _add_setup(blueprint: Blueprint, cloud: Cloud) -> None:
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
        fields, account = read_fields(), cloud.official_account
        for key, attribute in SWITCHES.items():
            setattr(account, attribute, bool_field(fields, key, getattr(account, attribute)))
        return jsonify({key: getattr(account, attribute) for key, attribute in SWITCHES.items()})

    @blueprint.post("/verify")
    def verify() -> Response:
        return jsonify(verified=cloud.official_account.callback_sender.verify_url())


def _add_actions(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/follow")
    def follow() -> Response:
        fields = read_fields()
        phone = _find_follower_phone(cloud, fields)
        return _sent_response(phone.follows(text_field(fields, "scene", ""), time_field(fields)))

    @blueprint.post("/scan")
    def scan() -> Response:
        fields = read_fields()
        phone = _find_follower_phone(cloud, fields)
        return _sent_response(phone.scans(text_field(fields, "scene"), time_field(fields)))

    @blueprint.post("/unfollow")
    def unfollow() -> Response:
        fields = read_fields()
        return _sent_response(_find_follower_phone(cloud, fields).unfollows(time_field(fields)))

    @blueprint.post("/templates_done")
    def templates_done() -> Response:
        fields = read_fields()
        return jsonify(statuses=cloud.official_account.send_template_results(text_field(fields, "status", "success")))


def _find_follower_phone(cloud: Cloud, fields: Json) -> FollowerPhone:
    name = text_field(fields, "from")
    if name not in cloud.official_account.followers:
        raise BadRequest(f"from: no follower {name!r}")
    return cloud.follower_phone(name)


def _sent_response(sent: AccountSentMessage) -> Response:
    return jsonify(status=sent.status, statuses=sent.statuses, msg_id=sent.msg_id, media_id=sent.media_id)
