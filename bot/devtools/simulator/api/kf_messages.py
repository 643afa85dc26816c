"""kf/send_msg, kf/send_msg_on_event and kf/add_contact_way."""

import re
from collections.abc import Callable
from typing import Any

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.field_checks import (
    limit_bytes,
    optional_text,
    require_object,
    require_objects,
    require_text,
)
from bot.devtools.simulator.core.kf_records import Customer, KfMessage
from bot.devtools.simulator.core.records import Delivery, Json

ENDPOINT = "kf/send_msg"
TEXT_BYTES = 2048
CLOSED_SESSION_ERRCODES = {"servicer": 95018, "ended": 95013}


def send_kf_message(cloud: Cloud, body: Json) -> Json:
    """kf/send_msg: at most five messages within 48 hours of the customer's last; the caller holds the lock."""
    if body.get("open_kfid") != cloud.kf.account.open_kfid:
        raise ApiError(95000, "invalid open_kfid")
    customer = cloud.kf.customers.get(require_text(body, "touser"))
    if customer is None:
        raise ApiError(40096, "invalid external userid")
    message = _read(cloud, body)
    if message.msgid in cloud.kf.accepted_msgids:
        return {"msgid": message.msgid}
    if customer.session_state in CLOSED_SESSION_ERRCODES:
        raise ApiError(CLOSED_SESSION_ERRCODES[customer.session_state], f"the session is {customer.session_state}")
    if not customer.accepts_reply(cloud.now()):
        raise ApiError(95001, "send msg limit: 48 hours or five messages")
    customer.replies_used += 1
    return _deliver(cloud, customer, message, body)


def send_welcome(cloud: Cloud, body: Json) -> Json:
    """kf/send_msg_on_event: a welcome by its code, outside the limits of the reply window."""
    message = _read(cloud, body)
    if message.msgtype not in ("text", "msgmenu"):
        raise ApiError(40008, "invalid message type")
    customer = cloud.kf.redeem_welcome_code(body.get("code"))
    customer.welcomed_at = cloud.now()
    return _deliver(cloud, customer, message, body)


def add_contact_way(cloud: Cloud, body: Json) -> Json:
    """kf/add_contact_way: a link that opens the chat."""
    if body.get("open_kfid") != cloud.kf.account.open_kfid:
        raise ApiError(95000, "invalid open_kfid")
    scene = optional_text(body, "scene")
    if scene and not re.fullmatch(r"[0-9a-zA-Z_-]{1,32}", scene):
        raise ApiError(40058, "scene is not 1 to 32 letters, digits, _ and -")
    url = f"https://work.weixin.qq.com/kfid/{cloud.kf.account.open_kfid}"
    return {"url": f"{url}?enc_scene={scene}" if scene else url}


def _deliver(cloud: Cloud, customer: Customer, message: KfMessage, body: Json) -> Json:
    cloud.kf.accepted_msgids[message.msgid] = customer.external_userid
    state = "lost" if customer.blocks_messages else "shown"
    cloud.deliveries.append(Delivery(cloud.now(), ENDPOINT, customer.external_userid, message.msgtype, state, body))
    if customer.blocks_messages:
        event = {"event_type": "msg_send_fail", "fail_msgid": message.msgid, "fail_type": 10}
        cloud.kf.add_event(customer.external_userid, event)
    else:
        customer.received.append(message)
    return {"msgid": message.msgid}


def _read(cloud: Cloud, body: Json) -> KfMessage:
    msgtype = str(body.get("msgtype"))
    if msgtype not in CONTENT_READERS:
        raise ApiError(40008, "invalid message type")
    msgid = body.get("msgid") or cloud.kf.new_msgid()
    if not isinstance(msgid, str) or not re.fullmatch(r"[0-9a-zA-Z_-]{1,32}", msgid):
        raise ApiError(40058, "msgid is not 1 to 32 letters, digits, _ and -")
    content = CONTENT_READERS[msgtype](cloud, require_object(body, msgtype))
    return KfMessage(cloud.now(), msgtype, msgid=msgid, raw=body, **content)


def _read_text(cloud: Cloud, content: Json) -> dict[str, Any]:
    return {"text": limit_bytes(require_text(content, "content", 44004), TEXT_BYTES, "content")}


def _read_file(cloud: Cloud, content: Json) -> dict[str, Any]:
    media = cloud.media.find(require_text(content, "media_id", 41006), cloud.now())
    return {"text": media.filename, "media_id": media.media_id}


def _read_menu(cloud: Cloud, content: Json) -> dict[str, Any]:
    head = limit_bytes(optional_text(content, "head_content"), 1024, "head_content")
    menu = {}
    for each in require_objects(content, "list", 50, 95008):
        if each.get("type") != "click":
            raise ApiError(95009, "the simulator supports menu items of type click only")
        click = require_object(each, "click")
        label = limit_bytes(require_text(click, "content"), 128, "content")
        menu[label] = limit_bytes(optional_text(click, "id"), 128, "id")
    tail = limit_bytes(optional_text(content, "tail_content"), 1024, "tail_content")
    return {"text": "\n".join(filter(None, (head, *menu, tail))), "menu": menu}


CONTENT_READERS: dict[str, Callable[[Cloud, Json], dict[str, Any]]] = {
    "text": _read_text,
    "file": _read_file,
    "image": _read_file,
    "video": _read_file,
    "msgmenu": _read_menu,
}
