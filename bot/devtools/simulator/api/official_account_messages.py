"""message/custom/send and message/template/send of the Official Account."""

import re

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.field_checks import (
    limit_bytes,
    optional_text,
    require_articles,
    require_object,
    require_text,
)
from bot.devtools.simulator.core.official_account import OfficialAccount
from bot.devtools.simulator.core.official_account_records import AccountMessage, Follower, Template
from bot.devtools.simulator.core.records import Json

TEXT_BYTES = 2048
FIELD_PATTERN = re.compile(r"\{\{(\w+)\.DATA\}\}")
# Limits by kind of field; other kinds have none.
MAX_FIELD_CHARACTERS = {"thing": 20, "phrase": 5, "character_string": 32, "const": 20}
TIME_PATTERN = re.compile(r"(\d{4}年\d{1,2}月\d{1,2}日)?\s?(\d{1,2}:\d{2})?")


def send_custom(account: OfficialAccount, body: Json) -> Json:
    """A reply within the follower's reply window; the caller holds the lock."""
    follower = _find_follower(account, body)
    msgtype = require_text(body, "msgtype", 40008)
    message = _read(account, body, msgtype)
    if account.now() >= follower.replies_until:
        raise ApiError(45015, "response out of time limit or subscription is canceled")
    if follower.replies_left <= 0:
        raise ApiError(45047, "out of response count limit")
    follower.replies_left -= 1
    follower.received.append(message)
    return {}


def _read(account: OfficialAccount, body: Json, msgtype: str) -> AccountMessage:
    if msgtype == "text":
        text = limit_bytes(require_text(require_object(body, "text"), "content", 44004), TEXT_BYTES, "content")
        return AccountMessage(account.now(), "custom", msgtype, text, body)
    if msgtype == "image":
        media = account.media.find(require_text(require_object(body, "image"), "media_id", 41006), account.now())
        return AccountMessage(account.now(), "custom", msgtype, media.filename, body, media.media_id)
    if msgtype == "news":
        articles = require_articles(require_object(body, "news"))
        if len(articles) != 1:
            raise ApiError(45008, "article count out of limit 1")
        return AccountMessage(account.now(), "custom", msgtype, f"{articles[0]['title']} {articles[0]['url']}", body)
    raise ApiError(40008, "invalid message type")


def send_template(account: OfficialAccount, body: Json) -> Json:
    """A template message, outside the reply window too; its result is sent later as an event."""
    follower = _find_follower(account, body)
    template = next((each for each in account.templates if each.template_id == body.get("template_id")), None)
    if template is None:
        raise ApiError(40037, "invalid template_id")
    text = _render(template, require_object(body, "data"))
    if follower.blocks_templates:
        raise ApiError(43101, "user refuse to accept the msg")
    if not account.template_limit.allow(follower.openid, account.now()):
        raise ApiError(43117, "too many template messages to this user")
    msgid = account.next_msg_id()
    follower.received.append(AccountMessage(account.now(), "template", "template", text, body))
    account.unreported_templates.append((msgid, follower.openid))
    return {"msgid": msgid}


def _render(template: Template, data: Json) -> str:
    """The title and all field values; raises 47003 for a value that its field does not allow."""
    lines = [template.title]
    for name in FIELD_PATTERN.findall(template.content):
        value = require_text(require_object(data, name), "value", 47003)
        kind = name.rstrip("0123456789")
        limit = MAX_FIELD_CHARACTERS.get(kind)
        if limit is not None and len(value) > limit:
            raise ApiError(47003, f"argument invalid! data.{name}.value is longer than {limit}")
        if kind in ("time", "date") and not TIME_PATTERN.fullmatch(value):
            raise ApiError(47003, f"argument invalid! data.{name}.value is not a time")
        if "\n" in value:
            raise ApiError(47003, f"argument invalid! data.{name}.value has more than one line")
        lines.append(value)
    return "\n".join(lines)


def _find_follower(account: OfficialAccount, body: Json) -> Follower:
    follower = account.followers.get(require_text(body, "touser"))
    if follower is None:
        raise ApiError(40003, "invalid openid")
    if not follower.follows:
        raise ApiError(43004, "require subscribe")
    optional_text(body, "url")
    return follower
