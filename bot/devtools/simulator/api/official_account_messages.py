"""message/custom/send and message/template/send, as strict as the platform (protocol sheet, section 10)."""

import re
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.errors import Refusal
from bot.devtools.simulator.core.field_checks import articles, at_most, maybe_words, part, words
from bot.devtools.simulator.core.official_account_records import AccountHeard, Follower, Template
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.core.official_account import OfficialAccount

TEXT_BYTES = 2048
FIELD = re.compile(r"\{\{(\w+)\.DATA\}\}")
# How many characters a field of each kind holds; kinds that are not named here hold what they are given.
CHARACTERS = {"thing": 20, "phrase": 5, "character_string": 32, "const": 20}
TIME = re.compile(r"(\d{4}年\d{1,2}月\d{1,2}日)?\s?(\d{1,2}:\d{2})?")


def custom(desk: "OfficialAccount", body: Json) -> Json:
    """An answer within the window of somebody's own words or touch; the caller holds the lock."""
    follower = _follower(desk, body)
    msgtype = words(body, "msgtype", 40008)
    heard = _read(desk, body, msgtype)
    if desk.now() >= follower.open_until:
        raise Refusal(45015, "response out of time limit or subscription is canceled")
    if follower.left <= 0:
        raise Refusal(45047, "out of response count limit")
    follower.left -= 1
    follower.heard.append(heard)
    return {}


def _read(desk: "OfficialAccount", body: Json, msgtype: str) -> AccountHeard:
    if msgtype == "text":
        text = at_most(words(part(body, "text"), "content", 44004), TEXT_BYTES, "content")
        return AccountHeard(desk.now(), "custom", msgtype, text, body)
    if msgtype == "image":
        media = desk.media.find(words(part(body, "image"), "media_id", 41006), desk.now())
        return AccountHeard(desk.now(), "custom", msgtype, media.filename, body, media.media_id)
    if msgtype == "news":
        found = articles(part(body, "news"))
        if len(found) != 1:
            raise Refusal(45008, "article count out of limit 1")
        return AccountHeard(desk.now(), "custom", msgtype, f"{found[0]['title']} {found[0]['url']}", body)
    raise Refusal(40008, "invalid message type")


def template(desk: "OfficialAccount", body: Json) -> Json:
    """A service notice to a follower, asked for or not; what became of it is told by an event."""
    follower = _follower(desk, body)
    chosen = next((each for each in desk.templates if each.template_id == body.get("template_id")), None)
    if chosen is None:
        raise Refusal(40037, "invalid template_id")
    text = _filled(chosen, part(body, "data"))
    if follower.refuses:
        raise Refusal(43101, "user refuse to accept the msg")
    if not desk.template_rate.admits(follower.openid, desk.now()):
        raise Refusal(43117, "too many template messages to this user")
    msgid = desk.next_msg_id()
    follower.heard.append(AccountHeard(desk.now(), "template", "template", text, body))
    desk.finished.append((msgid, follower.openid))
    return {"msgid": msgid}


def _filled(chosen: Template, data: Json) -> str:
    """Every field of the template, with what it may hold."""
    lines = [chosen.title]
    for name in FIELD.findall(chosen.content):
        value = words(part(data, name), "value", 47003)
        kind = name.rstrip("0123456789")
        most = CHARACTERS.get(kind)
        if most is not None and len(value) > most:
            raise Refusal(47003, f"argument invalid! data.{name}.value is longer than {most}")
        if kind in ("time", "date") and not TIME.fullmatch(value):
            raise Refusal(47003, f"argument invalid! data.{name}.value is no time")
        if "\n" in value:
            raise Refusal(47003, f"argument invalid! data.{name}.value has several lines")
        lines.append(value)
    return "\n".join(lines)


def _follower(desk: "OfficialAccount", body: Json) -> Follower:
    follower = desk.followers.get(words(body, "touser"))
    if follower is None:
        raise Refusal(40003, "invalid openid")
    if not follower.follows:
        raise Refusal(43004, "require subscribe")
    maybe_words(body, "url")
    return follower
