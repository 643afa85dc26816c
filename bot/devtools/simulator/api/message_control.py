"""The control API for what people send: texts, media, places and presses of buttons."""

from flask import Blueprint, Response, jsonify

from bot.devtools.simulator.api.control_request import (
    BadRequest,
    find_member_phone,
    find_phone,
    read_fields,
    read_upload,
    sample_film,
    text_field,
    time_field,
)
from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.kf_phone import KfSentMessage
from bot.devtools.simulator.core.official_account_phone import AccountSentMessage, FollowerPhone
from bot.devtools.simulator.core.phone import JPEG, VOICE, SentMessage
from bot.devtools.simulator.core.records import Json, OwnMessage

Sent = SentMessage | KfSentMessage | AccountSentMessage
# Where a location is sent from unless the request says it.
_PLACE = {"latitude": "34.72", "longitude": "113.65", "label": "厂区东门"}


def add_message_calls(blueprint: Blueprint, cloud: Cloud) -> None:
    """All of them answer with the status of the callback."""
    _add_texts(blueprint, cloud)
    _add_media(blueprint, cloud)
    _add_member_media(blueprint, cloud)


def _add_texts(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/say")
    def say() -> Response:
        fields = read_fields()
        text = text_field(fields, "text")
        return _answer(cloud, fields, "text", text, find_phone(cloud, fields).says(text, time_field(fields)))

    @blueprint.post("/enter")
    def enter() -> Response:
        fields = read_fields()
        return _sent_response(find_member_phone(cloud, fields).enters(time_field(fields)))

    @blueprint.post("/press")
    def press() -> Response:
        fields = read_fields()
        phone, task_id, key = find_member_phone(cloud, fields), text_field(fields, "task_id"), text_field(fields, "key")
        label = next((card.buttons.get(key, key) for card in phone.cards if card.task_id == task_id), "")
        try:
            sent = phone.presses(task_id, key, time_field(fields))
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return _answer(cloud, fields, "press", label, sent)


def _add_media(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/film")
    def film() -> Response:
        fields = read_fields()
        phone, (content, name) = find_phone(cloud, fields), read_upload(cloud, fields, "film", sample_film)
        return _answer(cloud, fields, "video", "", phone.sends_film(content, name, time_field(fields)))

    @blueprint.post("/photo")
    def photo() -> Response:
        fields = read_fields()
        phone, (content, name) = find_phone(cloud, fields), read_upload(cloud, fields, "photo", lambda _: JPEG)
        return _answer(cloud, fields, "image", "", phone.sends_photo(content, name, time_field(fields)))

    @blueprint.post("/file")
    def file() -> Response:
        fields = read_fields()
        phone, (content, name) = find_phone(cloud, fields), read_upload(cloud, fields, "file")
        if isinstance(phone, FollowerPhone):
            raise BadRequest("from: followers cannot send files")
        return _answer(cloud, fields, "file", name, phone.sends_file(content, name, time_field(fields)))


def _add_member_media(blueprint: Blueprint, cloud: Cloud) -> None:
    @blueprint.post("/voice")
    def voice() -> Response:
        fields = read_fields()
        phone, (content, _) = find_member_phone(cloud, fields), read_upload(cloud, fields, "voice", lambda _: VOICE)
        return _answer(cloud, fields, "voice", "", phone.sends_voice(content, time_field(fields)))

    @blueprint.post("/location")
    def location() -> Response:
        fields = {**_PLACE, **read_fields()}
        try:
            latitude, longitude = float(fields["latitude"]), float(fields["longitude"])
        except (TypeError, ValueError):
            raise BadRequest("latitude, longitude: numbers are expected") from None
        label = text_field(fields, "label")
        sent = find_member_phone(cloud, fields).sends_location(latitude, longitude, label, time_field(fields))
        return _answer(cloud, fields, "location", label, sent)


def _answer(cloud: Cloud, fields: Json, msgtype: str, text: str, sent: Sent) -> Response:
    """Note the message for the page, and tell how it was accepted."""
    at = time_field(fields)
    own = OwnMessage(cloud.now() if at is None else at, msgtype, text, sent.status or 0, sent.media_id)
    with cloud.lock:
        cloud.own_messages.setdefault(fields["from"], []).append(own)
    return _sent_response(sent)


def _sent_response(sent: Sent) -> Response:
    return jsonify(status=sent.status, statuses=sent.statuses, msg_id=sent.msg_id, media_id=sent.media_id)
