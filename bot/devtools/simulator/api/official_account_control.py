"""The control API's part for the Official Account: set it up, follow, scan, unfollow, change the mode."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify

from bot.devtools.simulator.api.control_request import BadRequest, asked, flag, instant, rows, text, texts_among
from bot.devtools.simulator.core.official_account_phone import AccountSent, FollowerPhone
from bot.devtools.simulator.core.official_account_records import MODES
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

ACCOUNT_FIELDS = ("app_id", "original_id", "secret", "token", "encoding_aes_key", "callback_url", "mode")
SWITCHES = ("allowed_ip", "raw_films", "plain_text_json", "redirects")


def create_account_control(cloud: "Cloud") -> Blueprint:
    """Everything under /sim/official_account."""
    blueprint = Blueprint("account_control", __name__, url_prefix="/official_account")
    _add_setup(blueprint, cloud)
    _add_people(blueprint, cloud)
    return blueprint


def _add_setup(blueprint: Blueprint, cloud: "Cloud") -> None:
    @blueprint.post("/account")
    def account() -> Response:
        fields = texts_among(ACCOUNT_FIELDS)
        if fields.get("mode", MODES[0]) not in MODES:
            raise BadRequest(f"mode: one of {', '.join(MODES)} is expected")
        cloud.official_account.configure(**fields)
        return jsonify(cloud.official_account.settings())

    @blueprint.post("/followers")
    def followers() -> Response:
        for row in rows("followers"):
            phone = cloud.add_follower(text(row, "openid"), text(row, "name", ""))
            phone.follower.refuses = flag(row, "refuses", False)
        return jsonify(followers=list(cloud.official_account.followers))

    @blueprint.post("/trouble")
    def trouble() -> Response:
        fields = asked()
        for name in SWITCHES:
            setattr(cloud.official_account, name, flag(fields, name, getattr(cloud.official_account, name)))
        return jsonify({name: getattr(cloud.official_account, name) for name in SWITCHES})

    @blueprint.post("/verify")
    def verify() -> Response:
        return jsonify(verified=cloud.official_account.courier.verify())


def _add_people(blueprint: Blueprint, cloud: "Cloud") -> None:
    @blueprint.post("/follow")
    def follow() -> Response:
        fields = asked()
        return _sent(_phone(cloud, fields).follows(text(fields, "scene", ""), instant(fields)))

    @blueprint.post("/scan")
    def scan() -> Response:
        fields = asked()
        return _sent(_phone(cloud, fields).scans(text(fields, "scene"), instant(fields)))

    @blueprint.post("/unfollow")
    def unfollow() -> Response:
        fields = asked()
        return _sent(_phone(cloud, fields).unfollows(instant(fields)))

    @blueprint.post("/templates_done")
    def templates_done() -> Response:
        fields = asked()
        return jsonify(statuses=cloud.official_account.report_templates(text(fields, "status", "success")))


def _phone(cloud: "Cloud", fields: Json) -> FollowerPhone:
    name = text(fields, "from")
    if name not in cloud.official_account.followers:
        raise BadRequest(f"from: no follower {name!r}")
    return cloud.official_account.phone(name)


def _sent(sent: AccountSent) -> Response:
    return jsonify(status=sent.status, statuses=sent.statuses, msg_id=sent.msg_id, media_id=sent.media_id)
