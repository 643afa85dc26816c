"""message/custom/send and message/template/send, as strict as the platform (protocol sheet, section 10)."""

import re
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.field_checks import (
    limit_bytes,
    optional_text,
    require_articles,
    require_object,
    require_text,
)
from bot.devtools.simulator.core.official_account_records import AccountMessage, Follower, Template
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.core.official_account import OfficialAccount

TEXT_BYTES = 2048
FIELD_PATTERN = re.compile(r"\{\{(\w+)\.DATA\}\}")
# How many characters a field of each kind holds; kinds that are not named here hold what they are given.
MAX_FIELD_CHARACTERS = {"thing": 20, "phrase": 5, "character_string": 32, "const": 20}
TIME_PATTERN = re.compile(r"(\d{4}年\d{1,2}月\d{1,2}日)?\s?(\d{1,2}:\d{2})?")


def send_custom(account: "OfficialAccount", body: Json) -> Json:
    """An answer within the window of somebody's own words or touch; the caller holds the lock."""
    follower = _follower(account, body)
    msgtype = require_text(body, "msgtype", 40008)
    heard = _read(account, body, msgtype)
    if account.now() >= follower.replies_until:
        raise ApiError(45015, "response out of time limit or subscription is canceled")
    if follower.replies_left <= 0:
        raise ApiError(45047, "out of response count limit")
    follower.replies_left -= 1
    follower.received.append(heard)
    return {}


def _read(desk: "OfficialAccount", body: Json, msgtype: str) -> AccountMessage:
    if msgtype == "text":
        text = limit_bytes(require_text(require_object(body, "text"), "content", 44004), TEXT_BYTES, "content")
        return AccountMessage(desk.now(), "custom", msgtype, text, body)
    if msgtype == "image":
        media = desk.media.find(require_text(require_object(body, "image"), "media_id", 41006), desk.now())
        return AccountMessage(desk.now(), "custom", msgtype, media.filename, body, media.media_id)
    if msgtype == "news":
        found = require_articles(require_object(body, "news"))
        if len(found) != 1:
            raise ApiError(45008, "article count out of limit 1")
        return AccountMessage(desk.now(), "custom", msgtype, f"{found[0]['title']} {found[0]['url']}", body)
    raise ApiError(40008, "invalid message type")


def send_template(account: "OfficialAccount", body: Json) -> Json:
    """A service notice to a follower, asked for or not; what became of it is told by an event."""
    follower = _follower(account, body)
    chosen = next((each for each in account.templates if each.template_id == body.get("template_id")), None)
    if chosen is None:
        raise ApiError(40037, "invalid template_id")
    text = _filled(chosen, require_object(body, "data"))
    if follower.blocks_templates:
        raise ApiError(43101, "user refuse to accept the msg")
    if not account.template_limit.allow(follower.openid, account.now()):
        raise ApiError(43117, "too many template messages to this user")
    msgid = account.next_msg_id()
    follower.received.append(AccountMessage(account.now(), "template", "template", text, body))
    account.unreported_templates.append((msgid, follower.openid))
    return {"msgid": msgid}


def _filled(chosen: Template, data: Json) -> str:
    """Every field of the template, with what it may hold."""
    lines = [chosen.title]
    for name in FIELD_PATTERN.findall(chosen.content):
        value = require_text(require_object(data, name), "value", 47003)
        kind = name.rstrip("0123456789")
        most = MAX_FIELD_CHARACTERS.get(kind)
        if most is not None and len(value) > most:
            raise ApiError(47003, f"argument invalid! data.{name}.value is longer than {most}")
        if kind in ("time", "date") and not TIME_PATTERN.fullmatch(value):
            raise ApiError(47003, f"argument invalid! data.{name}.value is no time")
        if "\n" in value:
            raise ApiError(47003, f"argument invalid! data.{name}.value has several lines")
        lines.append(value)
    return "\n".join(lines)


def _follower(desk: "OfficialAccount", body: Json) -> Follower:
    follower = desk.followers.get(require_text(body, "touser"))
    if follower is None:
        raise ApiError(40003, "invalid openid")
    if not follower.follows:
        raise ApiError(43004, "require subscribe")
    optional_text(body, "url")
    return follower
