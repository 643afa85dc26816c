"""kf/send_msg and its like: at most five messages in the 48 hours after a person's last (protocol sheet, section 9)."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.devtools.simulator.core.errors import Refusal
from bot.devtools.simulator.core.field_checks import at_most, maybe_words, part, parts, words
from bot.devtools.simulator.core.kf_records import Customer, KfHeard
from bot.devtools.simulator.core.records import Delivery, Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

ENDPOINT = "kf/send_msg"
TEXT_BYTES = 2048
STATES = {"servicer": 95018, "ended": 95013}


def send(cloud: "Cloud", body: Json) -> Json:
    """Check, deliver and answer one message; the caller holds the cloud's lock."""
    if body.get("open_kfid") != cloud.kf.account.open_kfid:
        raise Refusal(95000, "invalid open_kfid")
    customer = cloud.kf.customers.get(words(body, "touser"))
    if customer is None:
        raise Refusal(40096, "invalid external userid")
    heard = _read(cloud, body)
    if heard.msgid in cloud.kf.said:
        return {"msgid": heard.msgid}
    if customer.state in STATES:
        raise Refusal(STATES[customer.state], f"the session is {customer.state}")
    if not customer.may_be_told(cloud.now()):
        raise Refusal(95001, "send msg limit: 48 hours or five messages")
    customer.told += 1
    return _deliver(cloud, customer, heard, body)


def send_on_event(cloud: "Cloud", body: Json) -> Json:
    """A welcome by its code, which counts against nothing."""
    heard = _read(cloud, body)
    if heard.msgtype not in ("text", "msgmenu"):
        raise Refusal(40008, "invalid message type")
    customer = cloud.kf.take_welcome(body.get("code"))
    customer.welcomed_at = cloud.now()
    return _deliver(cloud, customer, heard, body)


def add_contact_way(cloud: "Cloud", body: Json) -> Json:
    """A link that opens the chat."""
    if body.get("open_kfid") != cloud.kf.account.open_kfid:
        raise Refusal(95000, "invalid open_kfid")
    scene = maybe_words(body, "scene")
    if scene and not re.fullmatch(r"[0-9a-zA-Z_-]{1,32}", scene):
        raise Refusal(40058, "scene is not made of letters, digits, _ and -")
    url = f"https://work.weixin.qq.com/kfid/{cloud.kf.account.open_kfid}"
    return {"url": f"{url}?enc_scene={scene}" if scene else url}


def _deliver(cloud: "Cloud", customer: Customer, heard: KfHeard, body: Json) -> Json:
    cloud.kf.said[heard.msgid] = customer.external_userid
    state = "lost" if customer.refuses else "shown"
    cloud.sent.append(Delivery(cloud.now(), ENDPOINT, customer.external_userid, heard.msgtype, state, body))
    if customer.refuses:
        own = {"event_type": "msg_send_fail", "fail_msgid": heard.msgid, "fail_type": 10}
        cloud.kf.event(customer.external_userid, own)
    else:
        customer.heard.append(heard)
    return {"msgid": heard.msgid}


def _read(cloud: "Cloud", body: Json) -> KfHeard:
    msgtype = str(body.get("msgtype"))
    if msgtype not in READERS:
        raise Refusal(40008, "invalid message type")
    msgid = body.get("msgid") or cloud.kf.new_msgid()
    if not isinstance(msgid, str) or not re.fullmatch(r"[0-9a-zA-Z_-]{1,32}", msgid):
        raise Refusal(40058, "msgid is not 1 to 32 letters, digits, _ and -")
    told = READERS[msgtype](cloud, part(body, msgtype))
    return KfHeard(cloud.now(), msgtype, msgid=msgid, raw=body, **told)


def _read_text(cloud: "Cloud", content: Json) -> dict[str, Any]:
    return {"text": at_most(words(content, "content", 44004), TEXT_BYTES, "content")}


def _read_file(cloud: "Cloud", content: Json) -> dict[str, Any]:
    media = cloud.media.find(words(content, "media_id", 41006), cloud.now())
    return {"text": media.filename, "media_id": media.media_id}


def _read_menu(cloud: "Cloud", content: Json) -> dict[str, Any]:
    head = at_most(maybe_words(content, "head_content"), 1024, "head_content")
    menu = {}
    for each in parts(content, "list", 50, 95008):
        if each.get("type") != "click":
            raise Refusal(95009, "this double shows items of type click only")
        click = part(each, "click")
        label = at_most(words(click, "content"), 128, "content")
        menu[label] = at_most(maybe_words(click, "id"), 128, "id")
    tail = at_most(maybe_words(content, "tail_content"), 1024, "tail_content")
    return {"text": "\n".join([piece for piece in (head, *menu, tail) if piece]), "menu": menu}


READERS: dict[str, Callable[["Cloud", Json], dict[str, Any]]] = {
    "text": _read_text, "file": _read_file, "image": _read_file, "video": _read_file, "msgmenu": _read_menu,
}  # fmt: skip
